"""What ships: the weights lie in the package, say what they are, and do more good than harm."""

from pathlib import Path

import numpy as np
import pytest

from mcnet.core.engine import ALL_CORES
from mcnet.correction import scan as scan_module
from mcnet.correction.models import DEFAULT_MODEL, WEIGHTS, load_model, model_rows, shipped_models
from mcnet.correction.options import CorrectionOptions
from mcnet.correction.scan import correct_scan
from mcnet.correction.severity_estimator import load_severity_estimator
from mcnet.datasets.corrupted_scan import CorruptedScan, corrupt_scan
from mcnet.datasets.masks import head_mask
from mcnet.datasets.template import varied_head
from mcnet.metrics.scale import intensity_scale
from mcnet.metrics.similarity import ssim
from mcnet.motion.generators import generate_motion
from mcnet.physics.acquisition import Acquisition
from mcnet.physics.alignment import alignment_weights

ACQUISITION = Acquisition((30, 192, 192), (180.0, 240.0, 240.0))
HELD_OUT = {"sub-09", "sub-10", "sub-11", "sub-13"}


NAMES = [DEFAULT_MODEL, "paper-2mm"]


def test_two_models_ship_and_the_default_comes_first() -> None:
    shipped = shipped_models()
    assert [model.name for model in shipped] == NAMES
    assert len(model_rows(shipped)) == 2
    assert sum(path.stat().st_size for path in WEIGHTS.iterdir()) < 12e6


@pytest.mark.parametrize("name", NAMES)
def test_cards_tell_data_licence_limits_and_metrics(name: str) -> None:
    card = load_model(name).card
    for stated in (card.purpose, card.data, card.licence, card.limits, card.seed, card.scores):
        assert stated
    assert card.subjects.trained_on
    assert HELD_OUT.isdisjoint(card.subjects.known)
    assert set(card.subjects.held_out) == HELD_OUT
    assert card.scores["factor 8"]["share_of_ssim_deficit_recovered"] > 0
    assert (card.contrast, card.architecture) == ("T1w", "unet")
    gains = card.gain.gain
    assert list(gains) == sorted(gains)
    assert gains[-1] > 0


def test_no_path_of_a_machine_is_in_the_weights() -> None:
    for path in WEIGHTS.iterdir():
        header = path.read_bytes()[:20_000]
        # neither a value nor an argument of the command begins with a slash
        assert b'"/' not in header
        assert b" /" not in header


@pytest.fixture(scope="module")
def scans() -> tuple[CorruptedScan, CorruptedScan]:
    """The built-in head, which no network learned from: after severe motion, and still."""
    rng = np.random.default_rng(11)
    head = varied_head(rng)
    still = corrupt_scan(head, generate_motion(192, rng).scaled(0.0), ACQUISITION, ALL_CORES)
    weights = alignment_weights(still.reference.values, ACQUISITION)
    motion = generate_motion(192, rng).restricted_to("rotation+translation").scaled(24.0)
    moved = corrupt_scan(head, motion.at_rest_on_average(weights), ACQUISITION, ALL_CORES)
    return moved, still


@pytest.mark.slow
@pytest.mark.parametrize("search", [True, False])
def test_severe_motion_of_a_head_of_another_kind_is_corrected(
    scans: tuple[CorruptedScan, CorruptedScan], *, search: bool
) -> None:
    moved, _ = scans
    scale = intensity_scale(moved.reference.values)
    reference = moved.reference.values / scale
    head = head_mask(reference)
    options = CorrectionOptions(force=True, search=search)
    model = load_model(DEFAULT_MODEL)
    corrected = correct_scan(
        moved.corrupted, model, severity_estimator=load_severity_estimator(), options=options
    ).after
    before, after = (
        ssim(reference, image.values / scale, data_range=1.0, mask=head)
        for image in (moved.corrupted, corrected)
    )
    assert before < 0.98
    assert after > before


@pytest.mark.slow
def test_a_still_scan_corrected_by_force_is_nearly_itself(
    scans: tuple[CorruptedScan, CorruptedScan],
) -> None:
    _, still = scans
    scale = intensity_scale(still.corrupted.values)
    image = still.corrupted.values / scale
    options = CorrectionOptions(force=True)
    result = correct_scan(
        still.corrupted,
        load_model(DEFAULT_MODEL),
        severity_estimator=load_severity_estimator(),
        options=options,
    )
    assert ssim(image, result.after.values / scale, data_range=1.0, mask=head_mask(image)) > 0.97


@pytest.mark.slow
@pytest.mark.parametrize("pixel_mm", [3.0, 2.0, 1.6])
def test_a_still_head_of_coarse_pixels_comes_back_bit_for_bit(
    monkeypatch: pytest.MonkeyPatch, pixel_mm: float
) -> None:
    monkeypatch.setattr(scan_module, "find_motion", lambda *_, **__: pytest.fail("it was searched"))
    n = 2 * round(120 / pixel_mm)
    acquisition = Acquisition((24, n, n), (216.0, n * pixel_mm, n * pixel_mm))
    rng = np.random.default_rng(11)
    motion = generate_motion(n, rng).scaled(0.0)
    still = corrupt_scan(varied_head(rng), motion, acquisition, ALL_CORES).reference
    model, severity_estimator = load_model(DEFAULT_MODEL), load_severity_estimator()
    result = correct_scan(still, model, severity_estimator=severity_estimator)
    assert result.after.values is still.values
    assert result.left_because == "pixels too coarse"
    forced = correct_scan(
        still, model, severity_estimator=severity_estimator, options=CorrectionOptions(force=True)
    )
    assert forced.motion is None
    told = f"No motion was searched for, because the scan's sagittal pixels measure {pixel_mm:.2f}"
    assert any(told in warning for warning in forced.warnings)


def test_weights_are_readable_by_all() -> None:
    for path in WEIGHTS.iterdir():
        assert Path(path).stat().st_mode & 0o044 == 0o044
