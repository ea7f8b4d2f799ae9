"""Visual information fidelity: the share of the reference's information in an image.

Of ten metrics it agreed best with radiologists' scores of MR images (Mason et al. 2020, IEEE
Transactions on Medical Imaging 39).
"""

import numpy as np
from jaxtyping import Float

from mcnet.core.errors import McnetError
from mcnet.metrics.checks import Image, Mask, check_comparable, check_data_range

VIF_DEFINITION: str = (
    "VIF (Sheikh and Bovik 2006), the pixel-based version on four scales as torchmetrics computes "
    "it, with a visual noise of variance 2 on grey values up to 255; inside the head: both images "
    "are zero outside the mask; of a volume, the mean over its slices along the first axis."
)

SMALLEST_SIDE = 41
"""Pixels a side that four scales need."""
_GREY_VALUES = 255.0


def vif(reference: Image, image: Image, *, data_range: float, mask: Mask | None = None) -> float:
    """Visual information fidelity: 1 for equal images, 0 without the reference's information.

    It may exceed 1 where an image has more contrast than its reference.

    Parameters
    ----------
    reference, image
        Two images of one shape and one intensity scale; or two volumes, whose slices along the
        first axis are compared, except those in which the reference is constant.
    data_range
        The difference between the greatest and the least intensity that images of this kind have.
    mask
        Outside of it both images are taken to be zero.

    Raises
    ------
    McnetError
        As `mcnet.metrics.similarity.ssim` does, or a side has less than 41 pixels.
    """
    check_comparable(reference, image, mask)
    check_data_range(data_range)
    if reference.ndim not in (2, 3) or min(reference.shape[-2:]) < SMALLEST_SIDE:
        raise McnetError(
            f"An image of shape {reference.shape} cannot be compared on four scales; VIF needs an "
            f"image or a stack of slices of at least {SMALLEST_SIDE} pixels a side."
        )
    inside = np.ones(reference.shape, bool) if mask is None else mask
    values = [
        _of_slice(*(np.where(within, one, 0) * (_GREY_VALUES / data_range) for one in pair))
        for *pair, within in zip(*(_stack(one) for one in (reference, image, inside)), strict=True)
        if np.ptp(np.where(within, pair[0], 0)) > 0
    ]
    if not values:
        raise McnetError(
            "The reference is zero throughout the mask; VIF needs a picture to compare with: give "
            "a mask that covers the head."
        )
    return float(np.mean(values))


def _stack(values: np.ndarray) -> np.ndarray:
    return values if values.ndim == 3 else values[None]


def _of_slice(
    reference: Float[np.ndarray, "rows columns"], image: Float[np.ndarray, "rows columns"]
) -> float:
    """VIF of grey values up to 255, in single precision, which changes the fifth digit."""
    import torch  # here, since comparing scans does without torch where it is not installed
    from torchmetrics.functional.image import visual_information_fidelity

    target, preds = (
        torch.from_numpy(one.astype(np.float32))[None, None] for one in (reference, image)
    )
    return float(visual_information_fidelity(preds, target))
