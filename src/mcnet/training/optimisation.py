"""Adam, and how its learning rate goes over a stage of training."""

from collections.abc import Iterable

from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import nn, optim


def adam_on_schedule(
    parameters: Iterable[nn.Parameter], learning_rate: float, schedule: str, n_steps: int
) -> OptimizerLRScheduler:
    """Adam, and the schedule of its rate over ``n_steps``, as Lightning takes them.

    ``schedule`` is one of `mcnet.training.training_config.SCHEDULES`.
    """
    adam = optim.Adam(parameters, lr=learning_rate)
    rate: optim.lr_scheduler.LRScheduler
    if schedule == "cosine":
        rate = optim.lr_scheduler.CosineAnnealingLR(adam, T_max=n_steps)
    elif schedule == "one-cycle":
        rate = optim.lr_scheduler.OneCycleLR(adam, max_lr=learning_rate, total_steps=n_steps)
    else:
        return adam
    return {"optimizer": adam, "lr_scheduler": {"scheduler": rate, "interval": "step"}}
