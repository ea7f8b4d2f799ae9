"""How alike an image and its reference are: SSIM, PSNR and NMSE, in 2D and 3D.

Two scores compare only where both come from one definition (`SSIM_DEFINITION`) and one data range,
so no data range is ever guessed here.
"""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Real
from skimage.metrics import structural_similarity

from mcnet.core.errors import McnetError

SSIM_DEFINITION: str = (
    "SSIM (Wang et al. 2004) as scikit-image computes it: Gaussian window of sigma 1.5 pixels "
    "(11 wide), K1 = 0.01, K2 = 0.03, population covariance, data range 1 on images scaled so that "
    "the reference's 99.9th percentile is 1; the whole image is averaged without its border of 5 "
    "pixels, and inside the head the SSIM map is averaged over the head mask."
)

WINDOW_WIDTH = 11
"""Pixels across the Gaussian window: sigma 1.5, cut off at 3.5 sigma."""

Image = Real[np.ndarray, "..."]
Mask = Bool[np.ndarray, "..."]


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
        As `ssim` does, the size of the window aside.
    """
    _check_comparable(reference, image, mask)
    _check_data_range(data_range)
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
    _check_comparable(reference, image, mask)
    expected, found = _inside(reference, mask), _inside(image, mask)
    energy = float(np.sum(expected**2))
    if energy == 0:
        raise McnetError(
            "The reference is zero throughout the mask; NMSE divides by its energy: give a mask "
            "that covers the head."
        )
    return float(np.sum((found - expected) ** 2) / energy)


def intensity_scale(values: Image, percentile: float = 99.9) -> float:
    """Intensity to divide by, so that the given percentile of ``values`` becomes 1.

    Raises
    ------
    McnetError
        The values are none, not finite, or so dark that this percentile is not positive.
    """
    if values.size == 0 or not np.all(np.isfinite(values)):
        raise McnetError(
            "The image is empty or holds NaN or infinite values; its intensity scale needs finite "
            "numbers: repair the image."
        )
    scale = float(np.percentile(values, percentile))
    if scale <= 0:
        raise McnetError(
            f"The {percentile:g}th percentile of the image is {scale:g}; a scale has to be "
            "positive: give a magnitude image that is not empty."
        )
    return scale


def _ssim(
    reference: Image, image: Image, data_range: float, mask: Mask | None
) -> tuple[float, float]:
    """SSIM of the whole image and inside the mask; the latter is NaN without a mask."""
    _check_comparable(reference, image, mask)
    _check_data_range(data_range)
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


def _check_comparable(reference: Image, image: Image, mask: Mask | None) -> None:
    """Refuse images that no score can compare."""
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
    if mask is not None and (mask.shape != reference.shape or not mask.any()):
        raise McnetError(
            f"The mask has shape {mask.shape} and {int(mask.sum())} pixels inside; it needs the "
            f"images' shape {reference.shape} and at least one pixel."
        )


def _check_data_range(data_range: float) -> None:
    """Refuse a data range that is no positive number."""
    if not 0 < data_range < np.inf:
        raise McnetError(
            f"The data range is {data_range}; it has to be positive: give the difference between "
            "the greatest and the least intensity, 1 for scaled images."
        )
