"""What is kept at the end of every epoch: the curve, the best weights, a checkpoint."""

import math
from pathlib import Path
from time import perf_counter
from typing import Any

import lightning.pytorch as lightning
import pandas as pd
from lightning.pytorch.callbacks import Checkpoint
from torch import Tensor, nn

from mcnet.core.errors import McnetError
from mcnet.core.writing import write_text
from mcnet.training.processes import OtherProcessError


class EpochRecord(Checkpoint):
    """Curve, best weights on validation, and the checkpoint, in one file that is written whole.

    It goes into the checkpoint itself, so a resumed training continues the curve.
    """

    def __init__(self, network: nn.Module, checkpoint: Path, curve: Path, fingerprint: str) -> None:
        self.network = network
        self.checkpoint = checkpoint
        self.curve = curve
        self.fingerprint = fingerprint
        self.rows: list[dict[str, float]] = []
        self.best_weights: dict[str, Tensor] = {}
        self.best: dict[str, float] = {}
        """The row of the curve that belongs to the best weights."""
        self._started = self._learned_until = self._waited = 0.0

    def on_train_epoch_start(
        self,
        trainer: lightning.Trainer,  # noqa: ARG002
        pl_module: lightning.LightningModule,  # noqa: ARG002
    ) -> None:
        """Start the clock."""
        self._started = self._learned_until = perf_counter()
        self._waited = 0.0

    def on_train_batch_start(
        self,
        trainer: lightning.Trainer,  # noqa: ARG002
        pl_module: lightning.LightningModule,  # noqa: ARG002
        batch: Any,  # noqa: ARG002
        batch_idx: int,  # noqa: ARG002
    ) -> None:
        """Add up the time from the end of a step to this, when the next batch has come."""
        self._waited += perf_counter() - self._learned_until

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,  # noqa: ARG002
        pl_module: lightning.LightningModule,  # noqa: ARG002
        outputs: Any,  # noqa: ARG002
        batch: Any,  # noqa: ARG002
        batch_idx: int,  # noqa: ARG002
    ) -> None:
        """Remember when the step ended."""
        self._learned_until = perf_counter()

    def on_train_epoch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,  # noqa: ARG002
    ) -> None:
        """Keep the epoch; validation comes before this.

        Raises
        ------
        McnetError
            The loss is no number any more.
        """
        row = {"epoch": float(trainer.current_epoch + 1)}
        row |= {name: float(value) for name, value in sorted(trainer.callback_metrics.items())}
        if not all(math.isfinite(row[name]) for name in ("train_total", "validation_total")):
            kind = McnetError if trainer.is_global_zero else OtherProcessError
            raise kind(
                f"the loss is not finite in epoch {row['epoch']:.0f}; check the images for empty "
                "scans, or train with a lower learning rate."
            )
        if not self.best or row["validation_total"] < self.best["validation_total"]:
            self.best = row
            weights = self.network.state_dict()
            self.best_weights = {name: value.cpu().clone() for name, value in weights.items()}
        self.rows.append(row | self._timing())
        if trainer.is_global_zero:
            table = pd.DataFrame(self.rows).astype({"epoch": int})
            write_text(self.curve, table.to_csv(index=False))
        trainer.save_checkpoint(self.checkpoint)

    def _timing(self) -> dict[str, float]:
        """Seconds of the epoch, and the share of its time before validation without a batch."""
        return {
            "seconds": perf_counter() - self._started,
            "waiting_share": self._waited / (self._learned_until - self._started),
        }

    def state_dict(self) -> dict[str, Any]:
        """What goes into the checkpoint."""
        return {
            "fingerprint": self.fingerprint,
            "rows": self.rows,
            "best": self.best,
            "best_weights": self.best_weights,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what came out of the checkpoint."""
        self.rows, self.best = state_dict["rows"], state_dict["best"]
        self.best_weights = state_dict["best_weights"]
