"""The paper's loss: equation (1), L1, and equation (2), total variation."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from mcnet.core.errors import McnetError
from mcnet.training.loss_config import LossConfig, Reduction
from mcnet.training.processes import alone, share_of
from mcnet.training.recipes import Stage

Across = Callable[[Tensor], Tensor]
"""Mean of a number over the processes that share a batch, without its gradient."""

_WINDOW, _STRIDE = 7, 2
_C1, _C2 = 0.01**2, 0.03**2


class LossTerms(NamedTuple):
    """The loss and its parts, without their weights."""

    total: Float[Tensor, ""]
    """``alpha l1 + beta tv``, equation (1), and the weighted ``1 - SSIM`` where it is asked for."""
    l1: Float[Tensor, ""]
    """Mean absolute difference, weighted where air weighs less."""
    tv: Float[Tensor, ""]
    """Total variation, equation (2)."""
    dissimilarity: Float[Tensor, ""]
    """``1 - SSIM`` inside the head; zero where it has no weight."""


def l1(
    output: Float[Tensor, "n 1 rows columns"],
    reference: Float[Tensor, "n 1 rows columns"],
    head: Bool[Tensor, "n 1 rows columns"] | None = None,
    air_weight: float = 1.0,
    across: Across = alone,
) -> Float[Tensor, ""]:
    """Mean over images and pixels of ``|output - reference|``, those outside the head weighted."""
    difference = (output - reference).abs()
    if head is None or air_weight == 1:
        return difference.mean() * share_of(output, across)
    weights = head + air_weight * ~head
    return (difference * weights).sum() / across(weights.sum())


def dissimilarity_in_head(
    output: Float[Tensor, "n 1 rows columns"],
    reference: Float[Tensor, "n 1 rows columns"],
    head: Bool[Tensor, "n 1 rows columns"],
    across: Across = alone,
) -> Float[Tensor, ""]:
    """``1 - SSIM`` averaged inside the heads, of images whose data range is 1.

    A loss, not a score: uniform windows of 7 pixels, at every second place, cost a tenth of what
    Gaussian ones cost. `mcnet.metrics` is the score.
    """

    def local(image: Tensor) -> Tensor:
        return functional.avg_pool2d(image, _WINDOW, _STRIDE)

    mean_x, mean_y = local(output), local(reference)
    variance_x = local(output * output) - mean_x * mean_x
    variance_y = local(reference * reference) - mean_y * mean_y
    covariance = local(output * reference) - mean_x * mean_y
    similarity = (2 * mean_x * mean_y + _C1) * (2 * covariance + _C2)
    similarity = similarity / (
        (mean_x * mean_x + mean_y * mean_y + _C1) * (variance_x + variance_y + _C2)
    )
    share = local(head.to(output.dtype))
    return ((1 - similarity) * share).sum() / across(share.sum()).clamp(min=1)


def total_variation(
    image: Float[Tensor, "n 1 rows columns"], *, reduction: Reduction = "mean"
) -> Float[Tensor, ""]:
    """Total variation, equation (2), averaged over the images of the batch.

    Over the pixels, the mean or the sum of
    ``((I[i+1, j] - I[i, j])^2 + (I[i, j+1] - I[i, j])^2)^1.25``, taken at every pixel that has
    both neighbours: all but the last row and the last column. Its gradient is zero where the image
    is flat.

    Raises
    ------
    McnetError
        An image of one row or one column has no such pixel.
    """
    if min(image.shape[-2:]) < 2:
        raise McnetError(
            f"an image of {image.shape[-2]} x {image.shape[-1]} pixels has no total variation; "
            "give images of 2 rows and 2 columns or more."
        )
    corner = image[..., :-1, :-1]
    along_rows = image[..., 1:, :-1] - corner
    along_columns = image[..., :-1, 1:] - corner
    of_pixels = (along_rows.square() + along_columns.square()).pow(1.25)
    of_images = of_pixels.mean((1, 2, 3)) if reduction == "mean" else of_pixels.sum((1, 2, 3))
    return of_images.mean()


def hybrid_loss(
    output: Float[Tensor, "n 1 rows columns"],
    reference: Float[Tensor, "n 1 rows columns"],
    stage: Stage,
    config: LossConfig,
    head: Bool[Tensor, "n 1 rows columns"] | None = None,
    across: Across = alone,
) -> LossTerms:
    """Loss ``alpha L1 + beta TV`` with the weights of a stage, equation (1), and its parts.

    ``head`` is needed where the configuration weighs air or SSIM. Of several processes that share
    a batch, each gives ``across``; the mean of their losses is then the loss of the whole batch.
    """
    varied = output - reference if config.tv_target == "residual" else output
    difference = l1(output, reference, head, config.air_weight, across)
    with torch.set_grad_enabled(stage.beta != 0 and torch.is_grad_enabled()):
        variation = total_variation(varied, reduction=config.reduction)
        variation = variation * share_of(output, across)
    total = stage.alpha * difference + stage.beta * variation
    dissimilarity = torch.zeros(())
    if config.ssim_weight and head is not None:
        dissimilarity = dissimilarity_in_head(output, reference, head, across)
        total = total + config.ssim_weight * dissimilarity
    return LossTerms(total, difference, variation, dissimilarity)
