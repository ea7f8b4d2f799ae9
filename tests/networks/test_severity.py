"""The severity estimator's network: its likelihood, its training, and what its file holds."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from properties import ellipsoid

from mcnet.core.errors import McnetError
from mcnet.correction.severity_estimator import load_severity_estimator
from mcnet.datasets.subjects import Subject
from mcnet.datasets.varied.config import Variety
from mcnet.datasets.varied.scans import VariedScans
from mcnet.io.volume import Volume
from mcnet.networks.model_card import ModelCard
from mcnet.networks.severity import (
    OFFSET_MM,
    SeverityConfig,
    SeverityNetwork,
    out_of_distribution_score,
    severity_loss,
)
from mcnet.networks.weights import read_tensors
from mcnet.training.severity_training import train_severity, write_calibrated
from mcnet.training.training_config import TrainingConfig

VARIETY = Variety(matrix=44, pixel_mm=(4.5, 5.0), slices_per_scan=2, still_share=0.3)
SMALL = SeverityConfig(levels=2, width=4, fold=2)
TRAINING = TrainingConfig(epochs=2, batch_size=8, learning_rate=0.01)


def _head(radius: int) -> Volume:
    shape, size = (29, 40, 37), (5.0, 4.0, 4.5)
    values = ellipsoid(shape, size, centre_mm=(4, 6, -5), radii_mm=(radius, 60.0, 55.0))
    values = values * np.linspace(0.5, 1.5, shape[1], dtype=np.float32)[:, None]
    return Volume(values, np.diag([*size, 1.0]), f"r{radius}")


def scans(radii: tuple[int, ...], seed: int) -> VariedScans:
    subjects = [Subject(f"r{radius}", partial(_head, radius), str(radius)) for radius in radii]
    return VariedScans(subjects, [6] * len(subjects), VARIETY, seed)


def trained(folder: Path) -> Path:
    return train_severity(
        folder,
        scans((45, 60), 1),
        scans((50,), 2),
        network=SMALL,
        training=TRAINING,
        seed=3,
        quiet=True,
        n_workers=0,  # other processes cannot import what this file defines
    )


def test_the_loss_is_the_gaussian_likelihood_of_the_logarithm() -> None:
    severity_mm = torch.tensor([0.5, 2.0])
    mean, deviation = torch.tensor([0.1, 0.4]), torch.tensor([0.7, 1.3])
    expected = -torch.distributions.Normal(mean, deviation).log_prob(
        torch.log(severity_mm + OFFSET_MM)
    )
    found = severity_loss(torch.stack([mean, deviation.log()], dim=1), severity_mm)
    constant = np.log(2 * np.pi) / 2
    assert found.item() == pytest.approx(expected.mean().item() - constant, abs=1e-5)


def test_slices_of_any_size_are_estimated() -> None:
    network = SeverityNetwork(SMALL).eval()
    for shape in ((1, 1, 44, 44), (3, 1, 37, 51)):
        estimate = network(torch.rand(shape))
        assert estimate.shape == (shape[0], 2)
        assert torch.isfinite(estimate).all()


def test_the_score_is_the_mahalanobis_distance() -> None:
    rng = np.random.default_rng(0)
    spread = rng.standard_normal((3, 3))
    covariance = spread @ spread.T + np.eye(3)
    points = rng.standard_normal((5, 3))
    expected = np.sqrt(np.einsum("ni,ij,nj->n", points, np.linalg.inv(covariance), points) / 3)
    found = out_of_distribution_score(
        torch.tensor(points) + 2, torch.full((3,), 2.0), torch.tensor(np.linalg.inv(covariance))
    )
    assert np.allclose(found, expected)


@pytest.mark.slow
def test_training_is_done_once_and_calibrated_on_other_subjects(tmp_path: Path) -> None:
    path = trained(tmp_path)
    before = path.read_bytes()
    assert trained(tmp_path).read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["curve.csv", "weights.safetensors"]
    path.unlink()
    _, again = read_tensors(trained(tmp_path / "again"))
    estimator = tmp_path / "estimator.safetensors"
    write_calibrated(
        estimator, tmp_path / "again" / "weights.safetensors", scans((45, 60), 1), scans((50,), 2),
        card=ModelCard(name="tiny", trained_pixel_mm=(4.5, 5.0)),
    )  # fmt: skip
    header, tensors = read_tensors(estimator)
    assert all(torch.equal(tensors[name], again[name]) for name in again)
    assert header.architecture == "severity"
    calibration = header.card.calibration
    low, middle, high = calibration.z_low_middle_high
    assert low < middle < high
    assert calibration.in_distribution_below > 0
    assert calibration.agreement["n_scans"] == 4 * 6
    assert header.card.seed == 3
    assert tensors["features.mean"].shape == (SMALL.widths[-1],)
    assert load_severity_estimator(estimator).trained_pixel_mm == (4.5, 5.0)


def test_impossible_networks_are_refused() -> None:
    with pytest.raises(McnetError, match="levels 0"):
        SeverityConfig(levels=0)
