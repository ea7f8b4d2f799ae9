"""The severity estimator: how far the head moved, told from a scan before and after correction."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from mcnet.core.errors import McnetError
from mcnet.core.provenance import sha256_of_file
from mcnet.correction.models import WEIGHTS, trained_pixels
from mcnet.correction.outcome import Assessment, Severity
from mcnet.correction.sampling import sampling_for
from mcnet.correction.suited import contrast_words
from mcnet.io.volume import Volume
from mcnet.metrics.scale import intensity_scale
from mcnet.networks.card_entries import wrong_entry
from mcnet.networks.config import SEVERITY_ARCHITECTURE, SeverityConfig
from mcnet.networks.model_card import Calibration, ModelCard
from mcnet.networks.severity import (
    OFFSET_MM,
    SeverityNetwork,
    out_of_distribution_score,
)
from mcnet.networks.weights import read_tensors

SEVERITY: Path = WEIGHTS / "severity.safetensors"
"""Weights of the severity estimator that comes with mcnet."""
# tuned, by a script that was not kept; neighbours: experiments/tuning/severity_slices.py
_N_SLICES = 32
"""Slices that are looked at, spread over the head."""
_HEAD_SHARE = 0.25
"""Slices with less signal than this share of the brightest one are not looked at."""


@dataclass(frozen=True, eq=False)
class TrainedSeverityEstimator:
    """Severity by a trained network, calibrated on subjects that it was not trained on."""

    network: SeverityNetwork
    feature_mean: Tensor
    """Of the scans that it was trained on."""
    feature_precision: Tensor
    """Inverse of their covariance."""
    card: ModelCard
    calibration: Calibration
    trained_pixel_mm: tuple[float, float]
    sha256: str
    """Of the file of weights."""

    @property
    def about(self) -> dict[str, str]:
        """What records say of it: its name, and the SHA-256 of its weights."""
        return {"name": self.card.name or "severity", "sha256": self.sha256}

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
            centre, log_deviation = self.network.estimate(of_scan)[0].double().tolist()
            score = float(
                out_of_distribution_score(of_scan, self.feature_mean, self.feature_precision)[0]
            )
        bounds = (
            max(float(np.exp(centre + z * np.exp(log_deviation))) - OFFSET_MM, 0.0)
            for z in self.calibration.z_low_middle_high
        )
        low_mm, mm, high_mm = bounds
        return Assessment(
            severity=Severity(mm, low_mm, high_mm),
            is_still=mm <= self.calibration.still_below_mm,
            warnings=self._warnings(score),
        )

    def _warnings(self, score: float) -> tuple[str, ...]:
        limit = self.calibration.in_distribution_below
        if score <= limit:
            return ()
        return (
            f"The scan looks unlike those trained on (out-of-distribution score {score:.1f}; 99 of "
            f"100 scans of other subjects are below {limit:.1f}): is it "
            f"{contrast_words(self.card.contrast)}, of a head, and of about 1 mm? Look closely at "
            "what was changed, and trust the severity less.",
        )


def load_severity_estimator(path: Path = SEVERITY) -> TrainedSeverityEstimator:
    """Severity estimator of a weights file; that which comes with mcnet, if none is named.

    Raises
    ------
    McnetError
        The file is missing, a pickle, damaged, or of another kind, or its card says what cannot be.
    """
    header, tensors = read_tensors(path)
    try:
        if header.architecture != SEVERITY_ARCHITECTURE:
            raise ValueError("another architecture")
        network = SeverityNetwork(SeverityConfig(**header.network))
        mean, precision = tensors.pop("features.mean"), tensors.pop("features.precision")
        network.load_state_dict(tensors)
        n_features = network.config.widths[-1]
        if mean.shape != (n_features,) or precision.shape != (n_features, n_features):
            raise ValueError("the distribution is of another number of features")
    except (KeyError, TypeError, ValueError, RuntimeError, McnetError) as error:
        raise McnetError(
            f"{path} does not estimate the severity of motion; give weights that mcnet trained for "
            "that, or install mcnet again."
        ) from error
    card = header.card
    if card.calibration is None:
        raise wrong_entry(path, "calibration", None, "names and values")
    pixels = trained_pixels(path, card)
    return TrainedSeverityEstimator(
        network.eval(), mean, precision, card, card.calibration, pixels, sha256_of_file(path)
    )


def _looked_at(
    values: Float32[np.ndarray, "x y z"],
) -> Float32[np.ndarray, "n_slices y z"]:
    """Slices spread over the head, on the network's scale."""
    content = np.maximum(values, 0).mean(axis=(1, 2))
    shown = np.flatnonzero(content >= _HEAD_SHARE * content.max())
    chosen = shown[np.linspace(0, len(shown) - 1, min(_N_SLICES, len(shown))).round().astype(int)]
    return np.asarray(values[chosen] / np.float32(intensity_scale(values[shown])))
