"""Training of the severity estimator, and its calibration on other subjects."""

from dataclasses import asdict, replace
from pathlib import Path

import lightning.pytorch as lightning
import numpy as np
import torch
from jaxtyping import Float, Float32
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor

from mcnet import __version__
from mcnet.core.errors import McnetError
from mcnet.core.progress import OnProgress
from mcnet.core.provenance import sha256_of_json
from mcnet.datasets.pairs.pairs import ImagePairs
from mcnet.datasets.varied.scans import VariedScans
from mcnet.networks.cards import read_card
from mcnet.networks.config import SEVERITY_ARCHITECTURE, SeverityConfig
from mcnet.networks.model_card import Calibration, ModelCard
from mcnet.networks.severity import (
    OFFSET_MM,
    SeverityNetwork,
    out_of_distribution_score,
    severity_loss,
)
from mcnet.networks.weights import read_tensors, write_tensors
from mcnet.training.batches import Batch, whole_size
from mcnet.training.epoch_callback import EpochRecord
from mcnet.training.on_the_fly_batches import OnTheFlyBatches
from mcnet.training.optimisation import adam_on_schedule
from mcnet.training.processes import ALONE, Processes
from mcnet.training.training import fit, training_batches
from mcnet.training.training_config import TrainingConfig
from mcnet.training.training_refusals import check_no_idle_process

_CALIBRATION_STILL_SHARE = 0.3
_CALIBRATION_EPOCHS = 4
_N_SPREAD = 8
"""Slices of a scan, spread over the head."""
_COVERAGE = (0.05, 0.5, 0.95)
_STILL_PASSED = 0.75
"""Share of still scans that are to be estimated to be still. To correct the others does little harm
(little is applied where little motion is seen), and to leave a moving one helps nobody."""
_IN_DISTRIBUTION = 0.99
"""Share of other subjects' scans whose out-of-distribution score is to draw no warning."""
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
    quiet: bool = False,
    n_workers: int | None = None,
    processes: Processes = ALONE,
) -> Path:
    """Weights file ``folder/weights.safetensors`` of a trained severity estimator.

    An interrupted training goes on from its last whole epoch, as `train_stage`.

    Raises
    ------
    McnetError, KeyboardInterrupt
        As `train_stage`.
    """
    weights, checkpoint = folder / "weights.safetensors", folder / "checkpoint.safetensors"
    settings = {
        "training": asdict(training),
        "train_sha256": train.sha256,
        "validation_sha256": validation.sha256,
    }
    known = {"version": __version__, "seed": seed, **settings}
    fingerprint = sha256_of_json({**known, "network": asdict(network)})
    if processes.by_first(lambda: _is_of(weights, fingerprint)):
        return weights
    processes.by_first(lambda: check_no_idle_process(len(train), training.batch_size, processes))
    fixed = processes.by_first(validation.fixed_pairs)
    module = SeverityModule(network, training, seed, processes)
    record = EpochRecord(module.network, checkpoint, folder / "curve.csv", fingerprint)
    with training_batches(train, training, seed, n_workers, processes=processes) as batches:
        fit(module, record, batches, fixed, training, quiet=quiet, processes=processes)
    card = ModelCard(
        seed=seed,
        fingerprint=fingerprint,
        version=__version__,
        further={**settings, "best": record.best},
    )

    def finish() -> None:
        tensors = record.best_weights
        write_tensors(weights, tensors, SEVERITY_ARCHITECTURE, asdict(network), card=card)
        checkpoint.unlink(missing_ok=True)

    processes.by_first(finish)
    return weights


def _is_of(weights: Path, fingerprint: str) -> bool:
    """Whether a weights file is there, and is of this very training."""
    return weights.exists() and read_card(weights).fingerprint == fingerprint


def write_calibrated(
    path: Path,
    weights: Path,
    train: VariedScans,
    validation: VariedScans,
    *,
    card: ModelCard,
    on_progress: OnProgress | None = None,
) -> None:
    """Write a trained severity estimator with its calibration.

    The out-of-distribution score is measured from the scans of the subjects that it was trained
    on; bounds and limits come from those of the validation, a third of whose scans keep still.
    Every scan shows slices spread over the head, as the severity estimator looks at them.

    Raises
    ------
    McnetError
        The weights are of another network, or no scan of the calibration keeps still.
    """
    header, tensors = read_tensors(weights)
    estimator = SeverityNetwork(SeverityConfig(**header.network))
    estimator.load_state_dict(tensors)
    estimator.eval()
    others = VariedScans(
        validation.subjects,
        [_CALIBRATION_EPOCHS * count for count in validation.scans_per_subject],
        replace(validation.variety, still_share=_CALIBRATION_STILL_SHARE),
        validation.seed + 1,
    )
    trained_on = train.fixed_pairs(n_spread=_N_SPREAD, on_progress=on_progress)
    mean, precision = _feature_distribution(_features(estimator, trained_on))
    unseen = others.fixed_pairs(n_spread=_N_SPREAD, on_progress=on_progress)
    calibration = _calibration(estimator, unseen, mean, precision)
    write_tensors(
        path,
        {**tensors, "features.mean": mean, "features.precision": precision},
        header.architecture,
        header.network,
        card=replace(card.after_training(header.card), calibration=calibration),
    )


class SeverityModule(lightning.LightningModule):
    """A severity estimator's network, and how it is trained."""

    def __init__(
        self,
        config: SeverityConfig,
        training: TrainingConfig,
        seed: int,
        processes: Processes = ALONE,
    ) -> None:
        super().__init__()
        self.processes = processes
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = SeverityNetwork(config)
        self.training_config = training

    def on_train_epoch_start(self) -> None:
        """Tell the epoch to the batches, which follow after this."""
        batches = self.trainer.train_dataloader
        if isinstance(batches, OnTheFlyBatches):
            batches.epoch = self.current_epoch

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Loss of a batch."""
        size = whole_size(self.trainer.train_dataloader, batch_index)
        return self._loss(batch, "train_total", size)

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Log the loss of a batch that is not trained on."""
        size = whole_size(self.trainer.val_dataloaders, batch_index)
        self._loss(batch, "validation_total", size)

    def _loss(self, batch: Batch, name: str, n_images: int) -> Tensor:
        loss = severity_loss(self.network(batch.corrupted), batch.severity_mm)
        loss = loss * self.processes.share(batch.corrupted)
        together = self.processes.n > 1
        self.log(name, loss, on_step=False, on_epoch=True, batch_size=n_images, sync_dist=together)
        return loss

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Adam, and the schedule over all steps."""
        n_steps = max(int(self.trainer.estimated_stepping_batches), 1)
        training = self.training_config
        parameters = self.network.parameters()
        return adam_on_schedule(parameters, training.learning_rate, training.schedule, n_steps)


def _features(estimator: SeverityNetwork, pairs: ImagePairs) -> Float[Tensor, "n_scans features"]:
    """Features of whole scans: means over their slices."""
    scaled = pairs.corrupted / pairs.input_scale[:, None, None]
    found = []
    with torch.inference_mode():
        for start in range(0, len(scaled), 64):
            batch = torch.from_numpy(scaled[start : start + 64])[:, None]
            found.append(estimator.features(batch))
    together = torch.cat(found)
    return together.reshape(-1, _N_SPREAD, together.shape[1]).mean(dim=1).clone()


def _feature_distribution(
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
    estimator: SeverityNetwork,
    pairs: ImagePairs,
    mean: Tensor,
    precision: Tensor,
) -> Calibration:
    """What answers on other subjects' scans say about further ones."""
    features = _features(estimator, pairs)
    severity_mm = pairs.table["severity_mm"].to_numpy(np.float32)[::_N_SPREAD]
    with torch.inference_mode():
        centre, log_deviation = estimator.estimate(features).double().numpy().T
    found_z = (np.log(severity_mm + OFFSET_MM) - centre) / np.exp(log_deviation)
    low, middle, high = np.quantile(found_z, _COVERAGE)
    estimate_mm = np.exp(centre + middle * np.exp(log_deviation)) - OFFSET_MM
    still = severity_mm == 0
    if not still.any():
        raise McnetError("no scan of the calibration keeps still; give more scans for validation.")
    still_below_mm = float(np.quantile(estimate_mm[still], _STILL_PASSED))
    scores = out_of_distribution_score(features, mean, precision).numpy()
    return Calibration(
        z_low_middle_high=(float(low), float(middle), float(high)),
        still_below_mm=max(still_below_mm, 0.0),
        in_distribution_below=float(np.quantile(scores, _IN_DISTRIBUTION)),
        agreement={
            "n_scans": len(severity_mm),
            **_agreement(severity_mm, estimate_mm, still_below_mm),
        },
    )


def _agreement(
    severity_mm: Float32[np.ndarray, "n"], estimate_mm: Float[np.ndarray, "n"], still_below: float
) -> dict[str, float]:
    """How well estimates agree with the truth, for the model card."""
    moved = severity_mm > 0
    return {
        "mean_absolute_error_mm": float(np.abs(estimate_mm - severity_mm)[moved].mean()),
        "correlation_of_logarithms": float(
            np.corrcoef(
                np.log(severity_mm[moved] + OFFSET_MM),
                np.log(np.maximum(estimate_mm[moved], 0) + OFFSET_MM),
            )[0, 1]
        ),
        "moved_1_mm_estimated_still": float((estimate_mm[severity_mm > 1] <= still_below).mean()),
        "moved_half_mm_estimated_still": float(
            (estimate_mm[severity_mm > 0.5] <= still_below).mean()
        ),
    }
