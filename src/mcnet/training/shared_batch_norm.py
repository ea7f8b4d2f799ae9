"""Batch norm over the batch of all processes, where torch has none: on a CPU.

Torch's ``SyncBatchNorm`` takes images on a GPU alone. This one does the same arithmetic with one
message between all processes forwards, and one backwards.
"""

from typing import Any

import torch
from jaxtyping import Float
from lightning.pytorch.plugins import LayerSync
from torch import Tensor, distributed, nn


class _Total(torch.autograd.Function):
    """Sum over all processes; so is its gradient, as every process's loss looks at the sum."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:  # noqa: ARG004  torch's own signature
        total = value.detach().clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # noqa: ARG004
        total = gradients[0].clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(total)
        return total


class SharedBatchNorm2d(nn.BatchNorm2d):
    """Batch norm whose mean and variance are of the images of all processes together.

    It has the parameters and buffers of ``BatchNorm2d`` under the same names and nothing else, and
    is one outside of training.
    """

    def forward(
        self,
        input: Float[Tensor, "n channels rows columns"],  # noqa: A002  torch's own name
    ) -> Float[Tensor, "n channels rows columns"]:
        """Normalised images."""
        if not self.training:
            return super().forward(input)
        axes = (0, 2, 3)
        n_here = input.new_full((1,), input.numel() / input.shape[1])
        variance, mean = torch.var_mean(input, axes, correction=0)
        counts, means, variances = _of_all(torch.cat([n_here, mean, variance]))
        # Chan et al. 1979: spread within the processes and between them, as nothing cancels in
        weights = counts / counts.sum()
        mean = (weights * means).sum(0)
        variance = (weights * (variances + (means - mean).square())).sum(0)
        count = counts.sum()
        self._remember(mean.detach(), variance.detach() * count / (count - 1))
        scale = (self.weight * torch.rsqrt(variance + self.eps))[:, None, None]
        return (input - mean[:, None, None]) * scale + self.bias[:, None, None]

    @torch.no_grad()
    def _remember(self, mean: Tensor, unbiased_variance: Tensor) -> None:
        """Go a step towards the statistics of a batch, which evaluation uses."""
        if self.running_mean is None or self.running_var is None:
            return
        momentum = 0.1 if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(unbiased_variance, momentum)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)


class SharedBatchNorm(LayerSync):
    """Lightning's way to share the batch norms of a network while it is trained."""

    def apply(self, model: nn.Module) -> nn.Module:
        """The same network, whose batch norms look at all processes."""
        return _changed(model, nn.BatchNorm2d, SharedBatchNorm2d)

    def revert(self, model: nn.Module) -> nn.Module:
        """The same network, whose batch norms look at this process alone."""
        return _changed(model, SharedBatchNorm2d, nn.BatchNorm2d)


def _changed(model: nn.Module, old: type[nn.Module], new: type[nn.Module]) -> nn.Module:
    for module in model.modules():
        if type(module) is old:
            # both classes hold the same things, so parameters stay those that Adam knows
            module.__class__ = new
    return model


def _of_all(values: Float[Tensor, "values"]) -> tuple[Tensor, Tensor, Tensor]:
    """Counts, means and variances of every process, a row for each, in one message."""
    rank, n = distributed.get_rank(), distributed.get_world_size()
    rows = [values if row == rank else torch.zeros_like(values) for row in range(n)]
    table: Tensor = _Total.apply(torch.stack(rows))  # type: ignore[no-untyped-call]
    n_channels = (len(values) - 1) // 2
    return table[:, :1].detach(), table[:, 1 : 1 + n_channels], table[:, 1 + n_channels :]
