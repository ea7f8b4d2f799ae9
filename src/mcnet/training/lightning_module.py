"""One stage of training as a Lightning module: losses, optimiser, schedule."""

from typing import Any, cast

import lightning.pytorch as lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from mcnet.metrics.similarity import WINDOW_WIDTH
from mcnet.networks.base import ImageNetwork
from mcnet.training.batch_ssim import batch_ssim
from mcnet.training.batches import Batch, PairBatches, whole_size
from mcnet.training.loss_config import LossConfig
from mcnet.training.losses import LossTerms, hybrid_loss
from mcnet.training.on_the_fly_batches import OnTheFlyBatches
from mcnet.training.optimisation import adam_on_schedule
from mcnet.training.processes import ALONE, Processes
from mcnet.training.recipes import Stage


class TrainingModule(lightning.LightningModule):
    """A network, and how one stage teaches it."""

    def __init__(
        self,
        network: ImageNetwork,
        stage: Stage,
        loss: LossConfig,
        *,
        learning_rate: float,
        schedule: str,
        average: float = 0.0,
        mixed_precision: bool = False,
        processes: Processes = ALONE,
    ) -> None:
        super().__init__()
        self.network = network
        self.averaged = (
            AveragedModel(
                network,
                multi_avg_fn=get_ema_multi_avg_fn(average),  # type: ignore[no-untyped-call]
                use_buffers=True,
            )
            if average
            else None
        )
        if self.averaged is not None:
            self.averaged.requires_grad_(False)  # nothing else that trains together waits for it
        self.stage = stage
        self.loss = loss
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.mixed_precision = mixed_precision
        self.processes = processes

    @property
    def taught(self) -> ImageNetwork:
        """The network that is kept: of the last weights, or of their moving average."""
        return self.network if self.averaged is None else cast(ImageNetwork, self.averaged.module)

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:  # noqa: ARG002
        """Let the average follow the weights."""
        if self.averaged is not None:
            self.averaged.update_parameters(self.network)

    def on_train_epoch_start(self) -> None:
        """Tell the epoch to the batches, which follow after this."""
        batches = self.trainer.train_dataloader
        if isinstance(batches, PairBatches | OnTheFlyBatches):
            batches.epoch = self.current_epoch

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Loss of a batch, logged with its parts as means of the epoch."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.mixed_precision):
            output = self.network(batch.corrupted)
        output = output.float()
        terms = self._loss_terms(output, batch)
        size = whole_size(self.trainer.train_dataloader, batch_index)
        self._log("train", terms._asdict(), size)
        return terms.total

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Log loss and SSIM of a batch that is not trained on.

        SSIM (Gaussian window, sigma 1.5, data range 1) is taken on the subject's physical scale.
        """
        output = self.taught(batch.corrupted)
        logged: dict[str, Any] = self._loss_terms(output, batch)._asdict()
        if min(output.shape[-2:]) > WINDOW_WIDTH:
            ssim = batch_ssim(output * batch.input_scale, batch.reference * batch.input_scale)
            logged["ssim"] = ssim * self.processes.share(output)
        size = whole_size(self.trainer.val_dataloaders, batch_index)
        self._log("validation", logged, size)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Adam, and the schedule over all steps of the stage."""
        n_steps = max(int(self.trainer.estimated_stepping_batches), 1)
        parameters = self.network.parameters()
        return adam_on_schedule(parameters, self.learning_rate, self.schedule, n_steps)

    def _loss_terms(self, output: Tensor, batch: Batch) -> LossTerms:
        """Loss of this process's part; its mean over the processes is that of the batch."""
        across = self.processes.mean
        return hybrid_loss(output, batch.reference, self.stage, self.loss, batch.head, across)

    def _log(self, prefix: str, values: dict[str, Any], n_images: int) -> None:
        """Log values whose mean over the processes is that of a batch of so many images."""
        named = {
            f"{prefix}_{name}": torch.as_tensor(value, device=self.device)
            for name, value in values.items()
        }
        self.log_dict(
            named,
            on_step=False,
            on_epoch=True,
            batch_size=n_images,
            sync_dist=self.processes.n > 1,
        )
