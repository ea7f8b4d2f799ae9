"""The severity estimator: what it says follows from its weights, not from scale or grid."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tiny_models import write_card

from mcnet.core.engine import ALL_CORES
from mcnet.core.errors import McnetError
from mcnet.correction.severity_estimator import TrainedSeverityEstimator, load_severity_estimator
from mcnet.datasets.corrupted_scan import corrupt_scan
from mcnet.datasets.template import varied_head
from mcnet.io.volume import Volume
from mcnet.motion.generators import generate_motion
from mcnet.networks.config import SeverityConfig
from mcnet.networks.model_card import ModelCard
from mcnet.networks.severity import SeverityNetwork
from mcnet.networks.weights import write_tensors
from mcnet.physics.acquisition import Acquisition

CONFIG = SeverityConfig(levels=2, width=4, fold=2)
CALIBRATION = {
    "z_low_middle_high": [-1.6, 0.0, 1.7],
    "still_below_mm": 0.3,
    "in_distribution_below": 1.5,
}


def write_estimator(path: Path, **changes: object) -> Path:
    torch.manual_seed(0)
    network = SeverityNetwork(CONFIG)
    n = CONFIG.widths[-1]
    tensors = {
        **network.state_dict(),
        "features.mean": torch.zeros(n),
        "features.precision": torch.eye(n),
    }
    settings = {"levels": 2, "width": 4, "fold": 2}
    write_tensors(path, tensors, "severity", settings, card=ModelCard())
    card = {"trained_pixel_mm": [1.0, 6.0], "calibration": {**CALIBRATION, **changes}}
    write_card(path, card)
    return path


@pytest.fixture
def severity_estimator(tmp_path: Path) -> TrainedSeverityEstimator:
    return load_severity_estimator(write_estimator(tmp_path / "severity_estimator.safetensors"))


@pytest.fixture(scope="module")
def scan() -> Volume:
    values = np.random.default_rng(1).gamma(2, 100, (21, 33, 27)).astype(np.float32)
    return Volume(values, np.diag([5.0, 4.0, 4.0, 1.0]), "noise")


def test_bounds_enclose_the_estimate(
    severity_estimator: TrainedSeverityEstimator, scan: Volume
) -> None:
    severity = severity_estimator.assess(scan).severity
    assert 0 <= severity.low_mm < severity.mm < severity.high_mm


def test_the_scale_of_a_scan_does_not_count(
    severity_estimator: TrainedSeverityEstimator, scan: Volume
) -> None:
    larger = replace(scan, values=1000 * scan.values)
    assert severity_estimator.assess(larger).severity.mm == pytest.approx(
        severity_estimator.assess(scan).severity.mm, rel=1e-4
    )


def test_air_beside_the_head_does_not_count(
    severity_estimator: TrainedSeverityEstimator, scan: Volume
) -> None:
    wider = replace(scan, values=np.pad(scan.values, ((40, 25), (0, 0), (0, 0))))
    assert severity_estimator.assess(wider).severity == severity_estimator.assess(scan).severity


def test_still_and_out_of_distribution_are_what_the_calibration_says(
    tmp_path: Path, scan: Volume
) -> None:
    alike = load_severity_estimator(
        write_estimator(tmp_path / "a", still_below_mm=1e9, in_distribution_below=1e9)
    )
    unlike = load_severity_estimator(
        write_estimator(tmp_path / "b", still_below_mm=0.0, in_distribution_below=0.0)
    )
    assert alike.assess(scan).is_still
    assert alike.assess(scan).warnings == ()
    assert not unlike.assess(scan).is_still
    (warning,) = unlike.assess(scan).warnings
    assert "unlike those trained on" in warning


def test_weights_of_another_kind_are_refused(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.safetensors"
    save_file({"a": torch.zeros(3)}, foreign)
    with pytest.raises(McnetError, match="another program"):
        load_severity_estimator(foreign)
    other = tmp_path / "other.safetensors"
    write_tensors(other, {"a": torch.zeros(3)}, "severity", {"levels": 2}, card=ModelCard())
    with pytest.raises(McnetError, match="does not estimate the severity"):
        load_severity_estimator(other)
    with pytest.raises(McnetError, match="is no file"):
        load_severity_estimator(tmp_path / "none.safetensors")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("still_below_mm", float("inf")),
        ("still_below_mm", float("nan")),
        ("still_below_mm", -0.1),
        ("still_below_mm", "0.3"),
        ("in_distribution_below", None),
        ("in_distribution_below", 10**400),
        ("z_low_middle_high", [-1.6, 0.0]),
        ("z_low_middle_high", [1.0, 0.0, 2.0]),
        ("z_low_middle_high", [-1.0, 0.0, 1e6]),
        ("z_low_middle_high", [-1.0, 0.0, float("nan")]),
        ("z_low_middle_high", "abc"),
    ],
)
def test_a_calibration_that_cannot_be_is_refused_by_file_and_field(
    tmp_path: Path, field: str, value: object
) -> None:
    path = write_estimator(tmp_path / "odd.safetensors", **{field: value})
    with pytest.raises(McnetError, match=rf"odd\.safetensors says .*\(calibration, {field}\)"):
        load_severity_estimator(path)


@pytest.mark.parametrize(
    ("card", "field"),
    [
        ({"trained_pixel_mm": [0.001, 1.0], "calibration": CALIBRATION}, "trained_pixel_mm"),
        ({"calibration": CALIBRATION}, "trained_pixel_mm"),
        ({"trained_pixel_mm": [1.0, 1.3], "calibration": [1]}, "calibration"),
        ({"trained_pixel_mm": [1.0, 1.3]}, "calibration"),
    ],
)
def test_a_card_of_an_estimator_that_cannot_be_is_refused_by_file_and_field(
    tmp_path: Path, card: dict[str, object], field: str
) -> None:
    path = tmp_path / "odd.safetensors"
    write_card(write_estimator(path), card)
    with pytest.raises(McnetError, match=rf"odd\.safetensors says .*\({field}\)"):
        load_severity_estimator(path)


@pytest.mark.slow
@pytest.mark.skipif(
    not (Path(__file__).parents[2] / "src/mcnet/weights/severity.safetensors").exists(),
    reason="the weights do not ship yet",
)
def test_the_shipped_estimator_tells_a_moving_head_from_a_still_one() -> None:
    severity_estimator = load_severity_estimator()
    rng = np.random.default_rng(3)
    head = varied_head(rng)
    acquisition = Acquisition((96, 192, 192), (192.0, 240.0, 240.0))
    motion = generate_motion(192, rng).restricted_to("rotation+translation")
    found = {}
    for name, scale in (("still", 0.0), ("severe", 8.0)):
        images = corrupt_scan(head, motion.scaled(scale), acquisition, ALL_CORES)
        found[name] = severity_estimator.assess(images.corrupted)
    truth_mm = motion.scaled(8.0).rms_displacement_mm()
    assert found["severe"].severity.mm > 2 * found["still"].severity.mm
    assert not found["severe"].is_still
    assert 0.3 * truth_mm < found["severe"].severity.mm < 3 * truth_mm
