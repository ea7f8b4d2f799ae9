"""SSIM, PSNR and NMSE of an image against its reference, in 2D and 3D.

Two scores compare only where both come from one definition (`SSIM_DEFINITION`) and one data range,
so the data range is always an argument.
"""

from typing import Any

import numpy as np
from jaxtyping import Float
from skimage.metrics import structural_similarity

from mcnet.core.errors import McnetError
from mcnet.metrics.checks import Image, Mask, check_comparable, check_data_range

SSIM_DEFINITION: str = (
    "SSIM (Wang et al. 2004) as scikit-image computes it: Gaussian window of sigma 1.5 pixels "
    "(11 wide), K1 = 0.01, K2 = 0.03, population covariance, data range 1 on images scaled so that "
    "the reference's 99.9th percentile is 1; the whole image is averaged without its border of 5 "
    "pixels, and inside the head the SSIM map is averaged over the head mask."
)

WINDOW_WIDTH = 11
"""Pixels across the Gaussian window: sigma 1.5, cut off at 3.5 sigma."""


def ssim(reference: Image, image: Image, *, data_range: float, mask: Mask | None = None) -> float:
    """Structural similarity, 1 for equal images; `SSIM_DEFINITION` says how.

    Parameters
    ----------
    reference, image
        Two images of one shape and one intensity scale.
    data_range
        The difference between the greatest and the least intensity that images of this kind have.
    mask
        Where to average the SSIM map; the whole image without a border of half a window if absent.

    Raises
    ------
    McnetError
        The shapes differ, a value is not finite, the image is smaller than the window, the
        reference is constant, the data range is not positive, or the mask is empty.

    Examples
    --------
    >>> image = np.eye(16)
    >>> round(ssim(image, image, data_range=1.0), 3)
    1.0
    """
    whole, inside = _ssim(reference, image, data_range, mask)
    return whole if mask is None else inside


def ssim_whole_and_inside(
    reference: Image, image: Image, *, data_range: float, mask: Mask
) -> tuple[float, float]:
    """`ssim` of the whole image and inside the mask, from one map; raises as `ssim` does."""
    return _ssim(reference, image, data_range, mask)


def psnr(reference: Image, image: Image, *, data_range: float, mask: Mask | None = None) -> float:
    """Peak signal-to-noise ratio in dB, ``10 log10(data_range^2 / MSE)``; infinite if equal.

    Raises
    ------
    McnetError
        As `ssim` does, except for the size of the window.
    """
    check_comparable(reference, image, mask)
    check_data_range(data_range)
    expected, found = _inside(reference, mask), _inside(image, mask)
    mean_square = float(np.mean((found - expected) ** 2))
    if mean_square == 0:
        return float("inf")
    return float(10 * np.log10(data_range**2 / mean_square))


def nmse(reference: Image, image: Image, *, mask: Mask | None = None) -> float:
    """Normalised mean squared error, ``||image - reference||^2 / ||reference||^2``.

    Raises
    ------
    McnetError
        As `psnr` does, or the reference is zero throughout the mask.
    """
    check_comparable(reference, image, mask)
    expected, found = _inside(reference, mask), _inside(image, mask)
    energy = float(np.sum(expected**2))
    if energy == 0:
        raise McnetError(
            "The reference is zero throughout the mask; NMSE divides by its energy: give a mask "
            "that covers the head."
        )
    return float(np.sum((found - expected) ** 2) / energy)


def _ssim(
    reference: Image, image: Image, data_range: float, mask: Mask | None
) -> tuple[float, float]:
    """SSIM of the whole image and inside the mask; the latter is NaN without a mask."""
    check_comparable(reference, image, mask)
    check_data_range(data_range)
    if min(reference.shape, default=0) < WINDOW_WIDTH:
        raise McnetError(
            f"An image of shape {reference.shape} is smaller than the window of SSIM; every axis "
            f"needs {WINDOW_WIDTH} pixels or more."
        )
    whole, local = _similarity_map(reference.astype(float), image.astype(float), data_range)
    return whole, float("nan") if mask is None else float(local[mask].mean())


def _similarity_map(
    reference: Float[np.ndarray, "..."], image: Float[np.ndarray, "..."], data_range: float
) -> tuple[float, Float[np.ndarray, "..."]]:
    """scikit-image's average SSIM and its map."""
    similarity: Any = structural_similarity  # scikit-image is not typed
    result = similarity(
        reference,
        image,
        data_range=data_range,
        gaussian_weights=True,
        sigma=1.5,
        K1=0.01,
        K2=0.03,
        use_sample_covariance=False,
        full=True,
    )
    return float(result[0]), np.asarray(result[1])


def _inside(values: Image, mask: Mask | None) -> Float[np.ndarray, "..."]:
    """Return the values inside the mask, or all of them, in double precision."""
    return (values if mask is None else values[mask]).astype(float)
