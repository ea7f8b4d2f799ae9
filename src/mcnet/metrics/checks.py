"""What metrics take, and what they refuse."""

import numpy as np
from jaxtyping import Bool, Real

from mcnet.core.errors import McnetError

Image = Real[np.ndarray, "..."]
Mask = Bool[np.ndarray, "..."]


def check_comparable(reference: Image, image: Image, mask: Mask | None) -> None:
    """Refuse images that no metric can compare.

    Raises
    ------
    McnetError
        The shapes differ, a value is not finite, the reference is constant, or the mask has
        another shape or no pixel inside.
    """
    if reference.shape != image.shape:
        raise McnetError(
            f"The image has shape {image.shape} and the reference {reference.shape}; both need "
            "one grid: resample one to the other first."
        )
    if not (np.all(np.isfinite(reference)) and np.all(np.isfinite(image))):
        raise McnetError(
            "An image holds NaN or infinite values; a score needs finite numbers: repair it first."
        )
    if reference.size == 0 or np.ptp(reference) == 0:
        raise McnetError(
            "The reference is constant; a score needs a picture to compare with: look whether the "
            "right file or slice was given."
        )
    check_mask(reference, mask)


def check_mask(image: Image, mask: Mask | None) -> None:
    """Refuse a mask of another shape than the image's, or without a pixel inside.

    Raises
    ------
    McnetError
        It is one of these.
    """
    if mask is not None and (mask.shape != image.shape or not mask.any()):
        raise McnetError(
            f"The mask has shape {mask.shape} and {int(mask.sum())} pixels inside; it needs the "
            f"images' shape {image.shape} and at least one pixel."
        )


def check_data_range(data_range: float) -> None:
    """Refuse a data range that is not a positive number.

    Raises
    ------
    McnetError
        It is zero, negative, infinite or NaN.
    """
    if not 0 < data_range < np.inf:
        raise McnetError(
            f"The data range is {data_range}; it has to be positive: give the difference between "
            "the greatest and the least intensity, 1 for scaled images."
        )
