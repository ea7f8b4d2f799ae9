import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_models import card, random_cnn, random_network

from mcnet.core.errors import McnetError
from mcnet.correction.export import INPUT, export_onnx
from mcnet.correction.models import Model, load_model
from mcnet.networks.weights import save_network

SIZES = ((1, 16, 24), (3, 9, 37))
"""One that is a multiple of the network's own, and one that is not."""


NETWORKS = {
    "image": lambda: random_network(fold=2),
    "image and search difference": lambda: random_network(fold=2, search_difference=True),
    "residual CNN": lambda: random_cnn(fold=2),
}


@pytest.fixture(scope="module", params=NETWORKS)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_network(path, NETWORKS[request.param](), card=card())
    return load_model(str(path))


@pytest.fixture(scope="module")
def exported(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("onnxscript")
    path = tmp_path_factory.mktemp("onnx") / "tiny.onnx"
    export_onnx(model, path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
def test_onnx_runtime_gives_the_same_image(
    model: Model, exported: Path, size: tuple[int, int, int], rng: np.random.Generator
) -> None:
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    n_images, rows, columns = size
    n_inputs = model.network.config.n_inputs
    images = rng.random((n_images, n_inputs, rows, columns), dtype=np.float32)
    found = session.run(None, {INPUT: images})[0]
    with torch.inference_mode():
        expected = model.network(torch.from_numpy(images)).numpy()
    assert np.abs(expected - images[:, :1]).max() > 0.01, "the network should change something"
    assert np.allclose(found, expected, atol=1e-4)


@pytest.mark.slow
def test_the_file_says_what_it_is(model: Model, exported: Path) -> None:
    onnx = pytest.importorskip("onnx")
    record = json.loads(exported.with_name("tiny.onnx.json").read_text())
    assert (record["generator"], record["model"]) == ("mcnet", "tiny")
    loaded = onnx.load(exported)
    onnx.checker.check_model(loaded)
    about = json.loads({entry.key: entry.value for entry in loaded.metadata_props}["mcnet"])
    assert about["card"]["licence"] == "CC0-1.0"
    assert about["sha256"] == model.sha256 == about["provenance"]["inputs_sha256"]["model"]
    assert about["network"]["fold"] == 2
    assert about["architecture"] == model.network.config.architecture
    assert "99.9th percentile" in about["use"]
    assert ("second image" in about["use"]) == model.network.config.search_difference
    assert sorted(path.name for path in exported.parent.iterdir()) == [
        "tiny.onnx",
        "tiny.onnx.json",
    ]


def test_other_names_than_onnx_are_refused(model: Model, tmp_path: Path) -> None:
    with pytest.raises(McnetError, match=r"does not end in \.onnx"):
        export_onnx(model, tmp_path / "tiny.pt")
    assert not list(tmp_path.iterdir())
