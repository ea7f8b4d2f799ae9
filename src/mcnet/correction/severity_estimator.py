"""What judges a scan before and after correction: how far the head moved, how usual it looks."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from mcnet.core.errors import McnetError
from mcnet.correction.gain import is_number
from mcnet.correction.model_card import check_entries, check_pixels, wrong_entry
from mcnet.correction.models import WEIGHTS
from mcnet.correction.outcome import Assessment, Severity
from mcnet.correction.sampling import sampling_for
from mcnet.io.volume import Volume
from mcnet.metrics import intensity_scale
from mcnet.networks.config import SeverityConfig
from mcnet.networks.severity import (
    OFFSET_MM,
    SeverityNetwork,
    mahalanobis_distance,
)
from mcnet.networks.weights import read_tensors

SEVERITY: Path = WEIGHTS / "severity.safetensors"
"""Weights of the guard that comes with mcnet."""
# tuned, by a script that was not kept; neighbours: experiments/tuning/severity_slices.py
_N_SLICES = 32
"""Slices that are looked at, spread over the head."""
_WIDEST = 10.0
"""Standard deviations; no calibrated bound lies further out."""
_HEAD_SHARE = 0.25
"""Slices with less signal than this share of the brightest one are not looked at."""


@dataclass(frozen=True, eq=False)
class TrainedSeverityEstimator:
    """A judge of scans by a trained network, calibrated on subjects that it was not trained on."""

    network: SeverityNetwork
    feature_mean: Tensor
    feature_precision: Tensor
    calibration: dict[str, Any]
    trained_pixel_mm: tuple[float, float]

    def assess(self, volume: Volume) -> Assessment:
        """How far the head moved, and how the scan differs from the training data.

        Raises
        ------
        McnetError
            The scan is too dark to have an intensity scale.
        """
        slices = _looked_at(volume.values)
        sampling = sampling_for(slices.shape[1:], volume.voxel_size_mm[1:], self.trained_pixel_mm)
        rows, columns = sampling.to_seen
        seen = slices if sampling.is_native else rows @ slices @ columns.T
        with torch.inference_mode():
            images = torch.from_numpy(np.ascontiguousarray(seen, dtype=np.float32))[:, None]
            features = torch.cat([self.network.features(part) for part in torch.split(images, 8)])
            of_scan = features.mean(dim=0, keepdim=True)
            centre, log_deviation = self.network.judged(of_scan)[0].double().tolist()
            distance = float(
                mahalanobis_distance(of_scan, self.feature_mean, self.feature_precision)[0]
            )
        bounds = (
            max(float(np.exp(centre + z * np.exp(log_deviation))) - OFFSET_MM, 0.0)
            for z in self.calibration["z_low_middle_high"]
        )
        low_mm, mm, high_mm = bounds
        return Assessment(
            severity=Severity(mm, low_mm, high_mm),
            is_still=mm <= self.calibration["still_below_mm"],
            warnings=self._warnings(distance),
        )

    def _warnings(self, distance: float) -> tuple[str, ...]:
        usual = self.calibration["usual_below"]
        if distance <= usual:
            return ()
        return (
            f"The scan looks unlike those trained on (distance {distance:.1f}; 99 of 100 usual "
            f"scans are below {usual:.1f}): is it T1-weighted, of a head, and of about 1 mm? Look "
            "closely at what was changed, and trust the severity less.",
        )


def load_severity_estimator(path: Path = SEVERITY) -> TrainedSeverityEstimator:
    """Guard of a weights file; that which comes with mcnet, if none is named.

    Raises
    ------
    McnetError
        The file is missing, a pickle, damaged, or of another kind, or its card says what cannot be.
    """
    about, tensors = read_tensors(path)
    try:
        network = SeverityNetwork(SeverityConfig(**about["network"]))
        mean, precision = tensors.pop("usual.mean"), tensors.pop("usual.precision")
        network.load_state_dict(tensors)
        n_features = network.config.widths[-1]
        if mean.shape != (n_features,) or precision.shape != (n_features, n_features):
            raise ValueError("what is usual has another number of features")
        entries = about["card"]
    except (KeyError, TypeError, ValueError, RuntimeError, McnetError) as error:
        raise McnetError(
            f"{path} does not judge the severity of motion; give weights that mcnet trained for "
            "that, or install mcnet again."
        ) from error
    card = check_entries(path, entries)
    calibration = _checked_calibration(path, card)
    return TrainedSeverityEstimator(
        network.eval(), mean, precision, calibration, check_pixels(path, card)
    )


def _checked_calibration(path: Path, card: Mapping[str, Any]) -> dict[str, Any]:
    """What a card says of the judge's answers on subjects that it was not trained on."""
    found = card.get("calibration")
    if not isinstance(found, Mapping):
        raise wrong_entry(path, "calibration", found, "names and values")
    for name in ("still_below_mm", "usual_below"):
        value = found.get(name)
        if not is_number(value) or value < 0:
            raise wrong_entry(path, f"calibration, {name}", value, "a number of 0 or more")
    bounds = found.get("z_low_middle_high")
    if (
        not isinstance(bounds, list | tuple)
        or len(bounds) != 3
        or not all(is_number(one) and abs(one) <= _WIDEST for one in bounds)
        or sorted(bounds) != list(bounds)
    ):
        expected = f"three rising numbers within {_WIDEST:g} of 0"
        raise wrong_entry(path, "calibration, z_low_middle_high", bounds, expected)
    return dict(found)


def _looked_at(
    values: Float32[np.ndarray, "x y z"],
) -> Float32[np.ndarray, "n_slices y z"]:
    """Slices spread over the head, on the network's scale."""
    content = np.maximum(values, 0).mean(axis=(1, 2))
    shown = np.flatnonzero(content >= _HEAD_SHARE * content.max())
    chosen = shown[np.linspace(0, len(shown) - 1, min(_N_SLICES, len(shown))).round().astype(int)]
    return np.asarray(values[chosen] / np.float32(intensity_scale(values[shown])))
