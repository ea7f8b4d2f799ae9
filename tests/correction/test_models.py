from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_models import CARD, card, random_network, write_card

from mcnet.core.errors import McnetError
from mcnet.core.provenance import sha256_of_file
from mcnet.correction import models
from mcnet.correction.default_model import DEFAULT_MODEL
from mcnet.correction.models import (
    MODEL_COLUMNS,
    load_model,
    model_rows,
    shipped_models,
)
from mcnet.networks.model_card import ModelCard
from mcnet.networks.unet import UNet, UNetConfig
from mcnet.networks.weights import save_network


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with models that take the place of those that come with mcnet."""
    folder = tmp_path / "weights"
    for name in ("paper-2mm", "a-model", DEFAULT_MODEL):
        save_network(folder / f"{name}.safetensors", random_network(), card=card(name=name))
    (folder / "severity.safetensors").write_bytes(b"something else")
    monkeypatch.setattr(models, "WEIGHTS", folder)
    return folder


def test_a_model_comes_by_its_name(shipped: Path) -> None:
    model = load_model("paper-2mm")
    assert model.name == "paper-2mm"
    assert model.path == shipped / "paper-2mm.safetensors"
    assert model.sha256 == sha256_of_file(model.path)
    assert model.card.licence == "CC0-1.0"
    assert model.trained_pixel_mm == (1.0, 1.2)
    assert torch.equal(model.network.last.weight, random_network().last.weight)


def test_a_model_comes_by_its_path_and_is_called_what_its_card_says(
    shipped: Path, tmp_path: Path
) -> None:
    path = tmp_path / "mine.safetensors"
    save_network(path, random_network(), card=card(name="mine-2"))
    assert load_model(str(path)).name == "mine-2"
    save_network(path, random_network(), card=replace(card(), name=None))
    assert load_model(str(path)).name == "mine"


def test_the_default_is_listed_first_and_the_severity_estimator_is_not(shipped: Path) -> None:
    listed = shipped_models()
    assert [model.name for model in listed] == [DEFAULT_MODEL, "a-model", "paper-2mm"]
    assert listed[0].card.purpose == "tests"


def test_the_table_tells_what_a_user_chooses_by(shipped: Path) -> None:
    row = dict(zip(MODEL_COLUMNS, model_rows(shipped_models())[2], strict=True))
    assert row.pop("sha256") == sha256_of_file(shipped / "paper-2mm.safetensors")
    assert row == {
        "model": "paper-2mm",
        "for": "tests",
        "pixels": "sagittal, 1 to 1.2 mm",
        "parameters": "0.0 M",
        "data": "drawn heads, noise",
        "licence": "CC0-1.0",
        "scores": "slices 12; ssim 0.9123",
    }


def test_an_empty_folder_lists_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "WEIGHTS", tmp_path)
    assert shipped_models() == ()
    with pytest.raises(McnetError, match="choose from none"):
        load_model(DEFAULT_MODEL)


def test_what_a_card_leaves_out_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "WEIGHTS", tmp_path)
    short = ModelCard(plane="sagittal", trained_pixel_mm=(2.0, 2.0))
    save_network(tmp_path / "m.safetensors", random_network(), card=short)
    row = model_rows(shipped_models())[0]
    assert row[2] == "sagittal, 2 mm"
    assert row.count("not stated") == 4


@pytest.mark.parametrize("name", ["t1w-2mm", "severity"])
def test_an_unknown_name_is_answered_with_the_known_ones(shipped: Path, name: str) -> None:
    with pytest.raises(McnetError, match="choose from a-model, paper-2mm, t1w-1mm"):
        load_model(name)


def test_a_path_without_a_file_is_refused(shipped: Path) -> None:
    with pytest.raises(McnetError, match="is no file"):
        load_model("nothing.safetensors")


def test_a_folder_is_refused(shipped: Path) -> None:
    with pytest.raises(McnetError, match="is no file"):
        load_model(str(shipped))


def test_a_pickle_is_refused(shipped: Path, tmp_path: Path) -> None:
    torch.save(random_network().state_dict(), tmp_path / "model.pt")
    with pytest.raises(McnetError, match="is a pickle file"):
        load_model(str(tmp_path / "model.pt"))


def test_a_damaged_file_is_refused(shipped: Path) -> None:
    path = shipped / "a-model.safetensors"
    path.write_bytes(path.read_bytes()[:-7])
    for act in (lambda: load_model("a-model"), shipped_models):
        with pytest.raises(McnetError, match="no whole safetensors file"):
            act()


def test_slices_of_another_plane_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "axial.safetensors"
    save_network(path, random_network(), card=card(plane="axial"))
    with pytest.raises(McnetError, match="trained on axial slices"):
        load_model(str(path))


@pytest.mark.parametrize(
    "size",
    [
        *(None, 1.0, [1.0], [2.0, 1.0], [0, 1], ["1", "2"], [1, None], [0.001, 1.0], [1.0, 11.0]),
        *([1.0, float("inf")], [float("nan"), 1.0], [1, 10**400], [True, 1]),
    ],
)
def test_a_card_without_a_pixel_size_is_refused(tmp_path: Path, size: object) -> None:
    path = tmp_path / "unknown.safetensors"
    save_network(path, random_network(), card=card())
    write_card(path, {**CARD, "trained_pixel_mm": size})
    with pytest.raises(McnetError, match="trained_pixel_mm"):
        load_model(str(path))


INFINITE, NOT_A_NUMBER = float("inf"), float("nan")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("gain", {"severity_mm": [0.5], "gain": [INFINITE]}),
        ("gain", {"severity_mm": [0.5], "gain": [NOT_A_NUMBER]}),
        ("gain", {"severity_mm": [0.5], "gain": [-0.1]}),
        ("gain", {"severity_mm": [0.5], "gain": [2.1]}),
        ("gain", {"severity_mm": [0.5], "gain": [10**400]}),
        ("gain", {"severity_mm": [INFINITE], "gain": [1.0]}),
        ("gain", {"severity_mm": [-1.0], "gain": [1.0]}),
        ("gain", {"severity_mm": [2.0, 1.0], "gain": [1.0, 1.0]}),
        ("gain", {"severity_mm": "12", "gain": "11"}),
        ("gain", {"severity_mm": [], "gain": []}),
        ("gain", [1.0]),
        ("name", ["a"]),
        ("name", 3),
        ("purpose", {"for": "all"}),
        ("licence", 1.0),
        ("fingerprint", []),
        ("trained_on", "sub-01"),
        ("trained_on", [1, 2]),
        ("trained_on", 5),
        ("validated_on", {"a": 1}),
        ("plane", ["sagittal"]),
    ],
)
def test_a_card_that_cannot_be_is_refused_by_file_and_field(
    tmp_path: Path, field: str, value: object
) -> None:
    path = tmp_path / "odd.safetensors"
    save_network(path, random_network(), card=card())
    write_card(path, {**CARD, field: value})
    with pytest.raises(McnetError, match=rf"odd\.safetensors.*\b{field}\b"):
        load_model(str(path))


@pytest.mark.parametrize("entries", [[1, 2], "a card", None, 7])
def test_a_card_without_names_and_values_is_refused(tmp_path: Path, entries: object) -> None:
    path = tmp_path / "odd.safetensors"
    save_network(path, random_network(), card=card())
    write_card(path, entries)
    with pytest.raises(McnetError, match=r"odd\.safetensors says .* \(card\); expected names and"):
        load_model(str(path))


def test_what_mcnet_goes_by_is_read_from_the_card(tmp_path: Path) -> None:
    path = tmp_path / "whole.safetensors"
    curve = {"severity_mm": [0, 2], "gain": [0, 2]}
    subjects = {"trained_on": ["a", "b"], "validated_on": ["c"]}
    save_network(path, random_network(), card=card(gain=curve, fingerprint="f", **subjects))
    found = load_model(str(path)).card
    assert found.gain_curve.at(1.0) == 1.0
    assert found.subjects.known == {"a", "b", "c"}
    assert (found.trained_pixel_mm, found.name, found.fingerprint) == ((1.0, 1.2), "tiny", "f")


def test_a_network_of_adjacent_slices_is_not_for_scans(tmp_path: Path) -> None:
    network = UNet(UNetConfig(levels=2, width=2, adjacent=1))
    save_network(tmp_path / "three.safetensors", network, card=card())
    with pytest.raises(McnetError, match="sees 3 slices at once"):
        load_model(str(tmp_path / "three.safetensors"))


def test_the_severity_estimator_is_no_model_that_corrects() -> None:
    path = models.WEIGHTS / "severity.safetensors"
    with pytest.raises(McnetError, match="estimates how far a head moved, which every correction"):
        load_model(str(path))
