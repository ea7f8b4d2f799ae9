"""A model card: written and read as one thing, with the names of earlier versions."""

from dataclasses import replace
from pathlib import Path

import pytest
from tiny_models import random_network, write_card

from mcnet.core.errors import McnetError
from mcnet.networks.cards import read_card
from mcnet.networks.gain_curve import GainCurve
from mcnet.networks.model_card import Calibration, ModelCard, Subjects, card_of
from mcnet.networks.weights import save_network

WHOLE = ModelCard(
    name="whole",
    purpose="tests",
    contrast="T2w",
    plane="sagittal",
    trained_pixel_mm=(1.0, 1.2),
    architecture="unet",
    subjects=Subjects(("a", "b"), ("c",), ("d",)),
    data=("drawn heads", "noise"),
    licence="CC0-1.0",
    limits=("heads only",),
    scores={"ssim": 0.9},
    gain=GainCurve((0.0, 2.0), (0.5, 1.5)),
    calibration=Calibration((-1.0, 0.0, 1.5), 0.3, 1.2, {"n_scans": 7}),
    seed=4,
    fingerprint="f",
    version="0.3.0",
    further={"stage": {"alpha": 1.0}, "best": {"epoch": 3.0}},
)


def test_a_card_comes_back_from_a_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_network(path, random_network(), card=WHOLE)
    assert read_card(path) == WHOLE


def test_what_is_not_stated_has_its_default_and_is_not_written() -> None:
    found = card_of(Path("a"), {})
    assert found == ModelCard()
    assert found.contrast == "T1w"
    assert found.gain_curve.at(3.0) == 1.0
    assert found.as_dict == {"contrast": "T1w"}


def test_names_of_earlier_versions_are_translated(tmp_path: Path) -> None:
    path = tmp_path / "old.safetensors"
    save_network(path, random_network(), card=ModelCard())
    calibration = {
        "z_low_middle_high": [-1, 0, 1],
        "still_below_mm": 0.5,
        "usual_below": 0.6,
        "moved_1_mm_judged_still": 0.09,
    }
    metrics = {"people": ["a"], "factor 2": {"share_of_distance_closed": 0.1}}
    old = {"aside": ["a"], "metrics": metrics, "calibration": calibration, "limits": "none"}
    write_card(path, old)
    card = read_card(path)
    assert card.subjects.held_out == ("a",)
    assert card.scores == {
        "subjects": ["a"],
        "factor 2": {"share_of_ssim_deficit_recovered": 0.1},
    }
    agreement = {"moved_1_mm_estimated_still": 0.09}
    assert card.calibration == Calibration((-1.0, 0.0, 1.0), 0.5, 0.6, agreement)
    assert card.limits == ("none",)
    assert not card.further


def test_a_card_of_a_corrector_takes_what_its_training_says() -> None:
    training = ModelCard(seed=9, fingerprint="g", version="1", further={"stage": 1, "variety": 2})
    merged = replace(WHOLE, further={"variety": 3}).after_training(training)
    assert (merged.seed, merged.fingerprint, merged.version) == (9, "g", "1")
    assert merged.further == {"stage": 1, "variety": 3}
    assert merged.purpose == WHOLE.purpose


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("contrast", 3),
        ("data", [1]),
        ("limits", {"a": 1}),
        ("scores", [1]),
        ("seed", "four"),
        ("seed", True),
        ("version", 3),
        ("held_out", "a"),
        ("trained_pixel_mm", [2.0, 1.0]),
        ("calibration", [1]),
    ],
)
def test_an_entry_that_cannot_be_is_refused_by_file_and_field(field: str, value: object) -> None:
    with pytest.raises(McnetError, match=rf"^odd says .* in its card \({field}\); expected"):
        card_of(Path("odd"), {field: value})
