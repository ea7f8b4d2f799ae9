"""Baselines without a network: rigid registration to the reference, and light smoothing.

A corrupted image is seldom aligned with its reference, since the pose at the centre of k-space is
not the mean pose. Alignment alone can gain as much SSIM as a network; so can blurring.
"""

# mypy: disable-error-code="no-untyped-call"
# (SimpleITK is not typed.)

import joblib  # type: ignore[import-untyped]
import numpy as np
import SimpleITK as sitk  # noqa: N813 (its own manual names it so)
from jaxtyping import Float, Float32
from scipy.ndimage import gaussian_filter

from mcnet.core.engine import n_cores
from mcnet.core.errors import McnetError
from mcnet.core.progress import OnProgress

# Mean squares on grids of about 32 and 43 pixels a side, then a cubic spline: on 128x128 heads
# rotated by up to 16 degrees and translated by up to 8 pixels, no error passes 0.05 pixels or 0.1
# degrees, in about 25 ms. Finer grids take twice as long for less than 0.02 pixels.
_COARSE_SIDES, _SIGMAS_PIXELS = (32, 43), (2.0, 1.0)
_FIRST_STEP_PIXELS, _LAST_STEP_PIXELS, _MAX_STEPS, _RELAXATION = 1.0, 0.01, 100, 0.6
_FEW_IMAGES = 64  # fewer than these are registered before further processes would have started
_SMALLEST_SIDE = 16


def register_rigidly(
    reference: Float[np.ndarray, "rows columns"], image: Float[np.ndarray, "rows columns"]
) -> Float32[np.ndarray, "rows columns"]:
    """Return the image after rigid registration to its reference, by cubic B-splines.

    Outside the image it is zero. Where the mean squared difference to the reference would
    grow, the image comes back as it is.

    Raises
    ------
    McnetError
        The shapes differ, or a side has less than 16 pixels.
    """
    return _registered(reference, image)


def _registered(
    reference: Float[np.ndarray, "*shape"], image: Float[np.ndarray, "*shape"]
) -> Float32[np.ndarray, "*shape"]:
    _check_registrable(reference, image)
    fixed, moving = _as_itk(reference), _as_itk(image)
    transform = _registration(fixed, moving)
    resampled = sitk.Resample(moving, fixed, transform, sitk.sitkBSpline3, 0.0)
    # A spline overshoots at sharp edges: no value may leave the image's own range.
    low, high = min(float(image.min()), 0.0), float(image.max())
    registered = sitk.GetArrayFromImage(resampled).T.clip(low, high)
    if _mean_square(reference, registered) < _mean_square(reference, image):
        return np.ascontiguousarray(registered, dtype=np.float32)
    return np.array(image, dtype=np.float32)


def register_volume_rigidly(
    reference: Float[np.ndarray, "x y z"], volume: Float[np.ndarray, "x y z"]
) -> Float32[np.ndarray, "x y z"]:
    """Return the volume after rigid registration to its reference, as `register_rigidly` in 3D.

    Raises
    ------
    McnetError
        The shapes differ, or a side has less than 16 voxels.
    """
    return _registered(reference, volume)


def register_all(
    references: Float[np.ndarray, "n_references rows columns"],
    images: Float[np.ndarray, "n_images rows columns"],
    *,
    progress: OnProgress | None = None,
) -> Float32[np.ndarray, "n_images rows columns"]:
    """Return every image registered to its reference by `register_rigidly`, on all cores.

    Raises
    ------
    McnetError
        As `register_rigidly` does, or there are not as many references as images.
    """
    if len(references) != len(images):
        raise McnetError(
            f"There are {len(references)} references for {len(images)} images; every image needs "
            "its own: repeat the references that serve several."
        )
    n_processes = 1 if len(images) < _FEW_IMAGES else n_cores()
    # SimpleITK holds Python's lock while it works: processes gain, threads do not.
    results = joblib.Parallel(n_jobs=n_processes, return_as="generator", batch_size=8)(
        joblib.delayed(register_rigidly)(*pair) for pair in zip(references, images, strict=True)
    )
    registered = np.empty(images.shape, dtype=np.float32)
    for index, result in enumerate(results):
        registered[index] = result
        if progress is not None:
            progress(index + 1, len(images))
    return registered


def smooth_lightly(
    images: Float[np.ndarray, "n_images rows columns"], sigma_pixels: float = 0.7
) -> Float32[np.ndarray, "n_images rows columns"]:
    """Return every image blurred by a Gaussian of ``sigma_pixels``."""
    return gaussian_filter(images, (0, sigma_pixels, sigma_pixels)).astype(np.float32)


def _registration(
    fixed: sitk.Image, moving: sitk.Image
) -> sitk.Euler2DTransform | sitk.Euler3DTransform:
    """Transform from the fixed image's points to the moving image's."""
    size = fixed.GetSize()
    transform = sitk.Euler2DTransform() if len(size) == 2 else sitk.Euler3DTransform()
    n_rotations = 1 if len(size) == 2 else 3
    transform.SetCenter([float(n // 2) for n in size])
    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfThreads(1)
    method.SetMetricAsMeanSquares()
    method.SetMetricSamplingStrategy(method.NONE)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetShrinkFactorsPerLevel([max(1, round(min(size) / side)) for side in _COARSE_SIDES])
    method.SetSmoothingSigmasPerLevel(_SIGMAS_PIXELS)
    method.SetOptimizerAsRegularStepGradientDescent(
        _FIRST_STEP_PIXELS,
        _LAST_STEP_PIXELS,
        _MAX_STEPS,
        relaxationFactor=_RELAXATION,
        gradientMagnitudeTolerance=1e-8,
    )
    # A radian weighs less than the pixels that it moves on a whole image, sqrt((n^2 + m^2) / 12):
    # with that weight the rotation of a round head converges more slowly than its translation and
    # stops degrees away.
    of_rotation = np.mean([n**2 for n in size]) / 48
    method.SetOptimizerScales([of_rotation] * n_rotations + [1.0] * len(size))
    method.SetInitialTransform(transform, inPlace=True)
    try:
        method.Execute(fixed, moving)
    except RuntimeError:  # no overlap or no gradient, as in an empty image: leave it where it is
        transform.SetIdentity()
    return transform


def _as_itk(image: Float[np.ndarray, "*shape"]) -> sitk.Image:
    """Return a SimpleITK image whose axes are those of the array, in their order."""
    return sitk.GetImageFromArray(np.ascontiguousarray(image.T, dtype=np.float32))


def _mean_square(
    reference: Float[np.ndarray, "*shape"], image: Float[np.ndarray, "*shape"]
) -> float:
    """Mean squared difference."""
    return float(np.mean((image.astype(float) - reference) ** 2))


def _check_registrable(reference: np.ndarray, image: np.ndarray) -> None:
    """Refuse images that cannot be registered."""
    if reference.shape != image.shape or min(image.shape) < _SMALLEST_SIDE:
        raise McnetError(
            f"An image of shape {image.shape} cannot be registered to a reference of shape "
            f"{reference.shape}; both need one shape of at least {_SMALLEST_SIDE} pixels a side."
        )
