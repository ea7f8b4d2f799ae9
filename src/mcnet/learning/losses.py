"""The paper's loss: equation (1), L1, and equation (2), total variation."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from jaxtyping import Float
from torch import Tensor

from mcnet.errors import McnetError
from mcnet.learning.recipes import Stage

Target = Literal["residual", "output"]
TARGETS: tuple[Target, ...] = ("residual", "output")
Reduction = Literal["mean", "sum"]
REDUCTIONS: tuple[Reduction, ...] = ("mean", "sum")


@dataclass(frozen=True)
class LossConfig:
    """What the paper leaves open about its loss."""

    tv_target: Target = "residual"
    """The image whose total variation is taken. The paper's text says residual (output minus
    reference); of the output itself, total variation rewards blur."""
    reduction: Reduction = "mean"
    """How total variation is taken over the pixels; L1 is always the mean. Summed, it is thousands
    of times L1 and drowns it."""

    def __post_init__(self) -> None:
        """Refuse words that mean nothing here."""
        if self.tv_target not in TARGETS:
            raise McnetError(f"tv_target {self.tv_target!r} is none of {', '.join(TARGETS)}.")
        if self.reduction not in REDUCTIONS:
            raise McnetError(f"reduction {self.reduction!r} is none of {', '.join(REDUCTIONS)}.")


class LossTerms(NamedTuple):
    """The loss and its parts, without their weights."""

    total: Float[Tensor, ""]
    """``alpha l1 + beta tv``, equation (1)."""
    l1: Float[Tensor, ""]
    """Mean absolute difference."""
    tv: Float[Tensor, ""]
    """Total variation, equation (2)."""


def l1(
    output: Float[Tensor, "n 1 rows columns"], reference: Float[Tensor, "n 1 rows columns"]
) -> Float[Tensor, ""]:
    """Mean over images and pixels of ``|output - reference|``."""
    return (output - reference).abs().mean()


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
) -> LossTerms:
    """Loss ``alpha L1 + beta TV`` with the weights of a stage, equation (1), and its parts."""
    varied = output - reference if config.tv_target == "residual" else output
    terms = l1(output, reference), total_variation(varied, reduction=config.reduction)
    return LossTerms(stage.alpha * terms[0] + stage.beta * terms[1], *terms)
