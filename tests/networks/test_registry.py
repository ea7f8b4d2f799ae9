"""Architectures by name: in settings, in files of weights, and without torch."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors import safe_open
from safetensors.torch import save_file
from tiny_models import card, random_network

from mcnet.core.errors import McnetError
from mcnet.experiments.config import experiment_toml, read_experiment
from mcnet.networks.architectures.residual_cnn import ResidualCNNConfig
from mcnet.networks.architectures.unet import UNetConfig
from mcnet.networks.cards import KEY
from mcnet.networks.registry import architecture, known_architectures
from mcnet.networks.weights import load_network, save_network
from mcnet.training.shipped.corrector import read_corrector

EXPERIMENT = """
title = "small"
[subjects]
n_template = 3
[motion]
n_generated = 3
"""
CORRECTOR = """
name = "mine"
purpose = "tests"
data = "drawn heads"
subjects = []
"""


def test_each_file_of_an_architecture_is_known_by_its_name() -> None:
    files = Path(__file__).parents[2] / "src/mcnet/networks/architectures"
    stems = {path.stem.replace("_", "-") for path in files.glob("*.py")} - {"--init--"}
    assert set(known_architectures()) == stems
    assert known_architectures()["unet"] is UNetConfig


@pytest.mark.parametrize("read", [read_experiment, read_corrector])
@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ("", UNetConfig()),
        ("[network]\nwidth = 8", UNetConfig(width=8)),
        ('[network]\narchitecture = "unet"\nlevels = 3', UNetConfig(levels=3)),
        ('[network]\narchitecture = "residual-cnn"\nblocks = 3', ResidualCNNConfig(blocks=3)),
    ],
)
def test_settings_choose_the_architecture(
    tmp_path: Path, read: object, network: str, expected: object
) -> None:
    text = EXPERIMENT if read is read_experiment else CORRECTOR
    (tmp_path / "a.toml").write_text(text + network)
    assert read(tmp_path / "a.toml").network == expected


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        ('architecture = "resnet"', "architecture is 'resnet'; choose from residual-cnn, unet"),
        ("architecture = 3", "architecture is 3; choose from residual-cnn, unet"),
        ('architecture = "residual-cnn"\nlevels = 3', r"network\.levels is no setting; .*blocks"),
        ("blocks = 3", r"network\.blocks is no setting"),
        ("sees_undone = true", r"network\.sees_undone is now called network\.search_difference"),
        ('architecture = "residual-cnn"\nblocks = 0', "blocks 0 is impossible"),
        ('architecture = "residual-cnn"\nhead = "up"', "expected 'direct' or 'residual'"),
    ],
)
def test_other_settings_are_refused_in_a_sentence(
    tmp_path: Path, network: str, sentence: str
) -> None:
    (tmp_path / "a.toml").write_text(f"{EXPERIMENT}[network]\n{network}\n")
    with pytest.raises(McnetError, match=sentence):
        read_experiment(tmp_path / "a.toml")


def test_an_experiment_is_written_with_its_architecture(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(EXPERIMENT + '[network]\narchitecture = "residual-cnn"\n')
    experiment = read_experiment(tmp_path / "a.toml")
    (tmp_path / "b.toml").write_text(experiment_toml(experiment, tmp_path))
    assert read_experiment(tmp_path / "b.toml") == experiment


def test_names_and_settings_are_read_without_torch(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(EXPERIMENT + '[network]\narchitecture = "residual-cnn"\n')
    code = (
        "import sys, pathlib\n"
        "from mcnet.networks.registry import known_architectures\n"
        "from mcnet.experiments.config import read_experiment\n"
        f"read_experiment(pathlib.Path({str(tmp_path / 'a.toml')!r}))\n"
        "assert len(known_architectures()) > 1\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(McnetError, match="'resnet' is unknown; choose from residual-cnn, unet"):
        architecture("resnet")


def changed_header(path: Path, **changes: object) -> None:
    with safe_open(path, framework="pt") as stream:
        tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
        about = json.loads(stream.metadata()[KEY]) | changes
    about = {name: value for name, value in about.items() if value is not None}
    save_file(tensors, path, metadata={KEY: json.dumps(about)})


def test_weights_that_name_no_architecture_are_of_a_unet(tmp_path: Path) -> None:
    path, network = tmp_path / "old.safetensors", random_network(search_difference=True)
    save_network(path, network, card=card())
    settings = network.config.settings
    settings["sees_undone"] = settings.pop("search_difference")  # its name in version 0.3.0
    changed_header(path, architecture=None, network=settings)
    assert load_network(path).config == network.config


def test_weights_of_an_unknown_architecture_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "new.safetensors"
    save_network(path, random_network(), card=card())
    changed_header(path, architecture="resnet")
    with pytest.raises(McnetError, match=r"new\.safetensors: .*'resnet' is unknown; choose from"):
        load_network(path)


def test_a_training_of_before_is_known_again() -> None:
    assert UNetConfig().identity == {
        "levels": 5,
        "width": 64,
        "head": "direct",
        "fold": 1,
        "adjacent": 0,
        "sees_undone": False,
    }
    assert ResidualCNNConfig().identity["architecture"] == "residual-cnn"
