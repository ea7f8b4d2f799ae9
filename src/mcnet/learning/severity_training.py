"""Training of the network that judges slices, and what its answers are worth on other people."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import numpy as np
import torch
from jaxtyping import Float, Float32
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, optim

from mcnet import __version__
from mcnet.data.pairs import ImagePairs
from mcnet.data.varied_scans import VariedScans
from mcnet.errors import McnetError
from mcnet.learning.batches import Batch
from mcnet.learning.fresh_batches import FreshBatches
from mcnet.learning.record import EpochRecord
from mcnet.learning.severity import (
    OFFSET_MM,
    SeverityConfig,
    SeverityNetwork,
    distance_from_usual,
    severity_loss,
)
from mcnet.learning.training import fit, training_batches
from mcnet.learning.training_config import TrainingConfig
from mcnet.learning.weights import read_card, write_tensors
from mcnet.provenance import sha256_of_json

_CALIBRATION_STILL_SHARE = 0.3
_CALIBRATION_EPOCHS = 8
_COVERAGE = (0.05, 0.5, 0.95)
_STILL_PASSED = 0.95
"""Share of still scans that are to be judged still."""
_FAMILIAR = 0.99
"""Share of other people's scans that are to be called usual."""
_SHRINKAGE = 0.1
"""Of the features' covariance towards a multiple of the identity: scans are few."""


def train_severity(
    folder: Path,
    train: VariedScans,
    validation: VariedScans,
    *,
    network: SeverityConfig,
    training: TrainingConfig,
    seed: int,
    notes: Mapping[str, Any],
    quiet: bool = False,
) -> Path:
    """Weights file ``folder/weights.safetensors`` of a trained and calibrated judge of slices.

    An interrupted training goes on from its last whole epoch, as `train_stage`.

    Raises
    ------
    McnetError, KeyboardInterrupt
        As `train_stage`, or no scan of the calibration keeps still.
    """
    weights, checkpoint = folder / "weights.safetensors", folder / "checkpoint.safetensors"
    card = {
        "version": __version__,
        "training": asdict(training),
        "seed": seed,
        "train_sha256": train.sha256,
        "validation_sha256": validation.sha256,
    }
    fingerprint = sha256_of_json({**card, "network": asdict(network)})
    if weights.exists() and read_card(weights)["card"].get("fingerprint") == fingerprint:
        return weights
    lesson = SeverityLesson(network, training, seed)
    record = EpochRecord(lesson.network, checkpoint, folder / "curve.csv", fingerprint)
    with training_batches(train, training, seed) as batches:
        fit(lesson, record, batches, validation.fixed_pairs(), training, quiet=quiet)
    lesson.network.load_state_dict(record.best_weights)
    judge = lesson.network.eval()

    usual = _features(judge, train.fixed_pairs(), train.variety.slices_per_scan)
    mean, precision = _usual_features(usual)
    variety = replace(validation.variety, still_share=_CALIBRATION_STILL_SHARE)
    others = VariedScans(
        validation.people,
        [_CALIBRATION_EPOCHS * count for count in validation.scans_per_person],
        variety,
        validation.seed + 1,
    ).fixed_pairs()
    calibration = _calibration(judge, others, variety.slices_per_scan, mean, precision)
    about = {"fingerprint": fingerprint, "best": record.best, "calibration": calibration}
    write_tensors(
        weights,
        {**judge.state_dict(), "usual.mean": mean, "usual.precision": precision},
        asdict(network),
        card={**card, **about, **notes},
    )
    checkpoint.unlink(missing_ok=True)
    return weights


class SeverityLesson(lightning.LightningModule):
    """A network that judges slices, and how it is taught."""

    def __init__(self, config: SeverityConfig, training: TrainingConfig, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = SeverityNetwork(config)
        self.learning_rate = training.learning_rate

    def on_train_epoch_start(self) -> None:
        """Tell the epoch to the batches, which follow after this."""
        batches = self.trainer.train_dataloader
        if isinstance(batches, FreshBatches):
            batches.epoch = self.current_epoch

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:  # noqa: ARG002
        """Loss of a batch."""
        return self._loss(batch, "train_total")

    def validation_step(self, batch: Batch, batch_index: int) -> None:  # noqa: ARG002
        """Log the loss of a batch that is not trained on."""
        self._loss(batch, "validation_total")

    def _loss(self, batch: Batch, name: str) -> Tensor:
        loss = severity_loss(self.network(batch.corrupted), batch.severity_mm)
        n_images = len(batch.corrupted)
        self.log(name, loss, on_step=False, on_epoch=True, batch_size=n_images)
        return loss

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Adam, its rate up and down over all steps."""
        adam = optim.Adam(self.network.parameters(), lr=self.learning_rate)
        n_steps = max(int(self.trainer.estimated_stepping_batches), 1)
        schedule = optim.lr_scheduler.OneCycleLR(
            adam, max_lr=self.learning_rate, total_steps=n_steps
        )
        return {"optimizer": adam, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def _features(
    judge: SeverityNetwork, pairs: ImagePairs, slices_per_scan: int
) -> Float[Tensor, "n_scans features"]:
    """Features of whole scans: means over their slices."""
    scaled = pairs.corrupted / pairs.input_scale[:, None, None]
    found = []
    with torch.inference_mode():
        for start in range(0, len(scaled), 64):
            batch = torch.from_numpy(scaled[start : start + 64])[:, None]
            found.append(judge.features(batch))
    together = torch.cat(found)
    return together.reshape(-1, slices_per_scan, together.shape[1]).mean(dim=1).clone()


def _usual_features(
    features: Float[Tensor, "n_scans features"],
) -> tuple[Float[Tensor, "features"], Float[Tensor, "features features"]]:
    """Mean, and inverse of the shrunk covariance."""
    mean = features.mean(dim=0)
    covariance = torch.cov((features - mean).double().T)
    n_features = len(mean)
    spread = covariance.trace() / n_features
    shrunk = (1 - _SHRINKAGE) * covariance + _SHRINKAGE * spread * torch.eye(n_features)
    return mean, torch.linalg.inv(shrunk).float()


def _calibration(
    judge: SeverityNetwork,
    pairs: ImagePairs,
    slices_per_scan: int,
    mean: Tensor,
    precision: Tensor,
) -> dict[str, Any]:
    """What answers on other people's scans say about further ones."""
    features = _features(judge, pairs, slices_per_scan)
    severity_mm = pairs.table["severity_mm"].to_numpy(np.float32)[::slices_per_scan]
    with torch.inference_mode():
        centre, log_deviation = judge.judged(features).double().numpy().T
    found_z = (np.log(severity_mm + OFFSET_MM) - centre) / np.exp(log_deviation)
    low, middle, high = np.quantile(found_z, _COVERAGE)
    estimate_mm = np.exp(centre + middle * np.exp(log_deviation)) - OFFSET_MM
    still = severity_mm == 0
    if not still.any():
        raise McnetError("no scan of the calibration keeps still; give more scans for validation.")
    still_below_mm = float(np.quantile(estimate_mm[still], _STILL_PASSED))
    distance = distance_from_usual(features, mean, precision).numpy()
    return {
        "z_low_middle_high": [float(low), float(middle), float(high)],
        "still_below_mm": max(still_below_mm, 0.0),
        "usual_below": float(np.quantile(distance, _FAMILIAR)),
        "n_scans": len(severity_mm),
        **_agreement(severity_mm, estimate_mm, still_below_mm),
    }


def _agreement(
    severity_mm: Float32[np.ndarray, "n"], estimate_mm: Float[np.ndarray, "n"], still_below: float
) -> dict[str, float]:
    """How well estimates tell the truth, for the model card."""
    moved = severity_mm > 0
    return {
        "mean_absolute_error_mm": float(np.abs(estimate_mm - severity_mm)[moved].mean()),
        "correlation_of_logarithms": float(
            np.corrcoef(
                np.log(severity_mm[moved] + OFFSET_MM),
                np.log(np.maximum(estimate_mm[moved], 0) + OFFSET_MM),
            )[0, 1]
        ),
        "moved_1_mm_judged_still": float((estimate_mm[severity_mm > 1] <= still_below).mean()),
        "moved_half_mm_judged_still": float((estimate_mm[severity_mm > 0.5] <= still_below).mean()),
    }
