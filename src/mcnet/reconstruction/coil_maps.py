"""Coil sensitivity maps estimated from the centre of the scan's own k-space.

As in SENSE (Pruessmann et al., Magn Reson Med 42:952, 1999), the low-resolution image of each coil
is divided by the root of the sum of squares of all coils and fitted by smooth polynomials, which
extrapolate it into the air. The phase is kept: the maps carry the smooth phase of coils, field and
scanner, and the image behind them is real. One coil's map is that phase alone. Only few central
lines are used, which a sequential scan measures within a short time; known motion between them is
corrected. (Neither Walsh's adaptive combination nor ESPIRiT is used.)
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Complex64, Complex128, Shaped

from mcnet.physics.broadcasting import along_axis
from mcnet.physics.fourier import centred_fft, centred_ifft
from mcnet.reconstruction.coil_expansion import on_grid, polynomials

RESOLUTION_MM = 16.0
"""Full width at half maximum of the point spread function of the low-resolution images."""
_SPACING_MM = 8.0
"""Spacing of the places at which maps are fitted to low-resolution images."""
_DEGREE = {2: 8, 3: 6}
"""Total degree of the polynomials, by the number of dimensions."""
_STIFFNESS = 1e-4
"""Weight of the squared slope beside the squared residual, over a quarter of the field of view."""

LowResolution = Callable[
    [Complex64[np.ndarray, "n_coils n_images *small"]],
    Complex64[np.ndarray, "n_coils n_images *small"],
]
"""Low-resolution images from central k-space of the same shape."""


def coil_maps(
    kspace: Complex64[np.ndarray, "n_coils n_images *shape"],
    pixel_mm: Sequence[float],
    *,
    low_resolution: LowResolution | None = None,
) -> Complex64[np.ndarray, "n_coils n_images *shape"]:
    """Sensitivity maps whose root of sum of squares is 1.

    Parameters
    ----------
    kspace
        Of slices or volumes, which are treated independently; of any scale.
    pixel_mm
        Along each axis of an image.
    low_resolution
        Reconstruction of the central part of k-space (`central_shape`); the inverse FFT if absent,
        unless motion is to be corrected.
    """
    shape = kspace.shape[2:]
    axes = tuple(range(2, kspace.ndim))
    small = central_shape(shape, pixel_mm)
    middle = kspace[(slice(None), slice(None), *central_part(shape, small))]
    if low_resolution is not None:
        middle = centred_fft(low_resolution(np.ascontiguousarray(middle)), axes)
    padded = np.zeros(kspace.shape, np.complex64)
    padded[(slice(None), slice(None), *central_part(shape, small))] = middle * _window(
        small, shape, pixel_mm
    )
    images = centred_ifft(padded, axes)
    fitted = np.stack([_fitted(images[:, k], pixel_mm) for k in range(images.shape[1])], axis=1)
    size = np.sqrt((np.abs(fitted) ** 2).sum(axis=0))
    return np.asarray(fitted / np.maximum(size, np.finfo(np.float32).tiny), np.complex64)


def central_shape(shape: Sequence[int], pixel_mm: Sequence[float]) -> tuple[int, ...]:
    """Samples along each axis of the central part of k-space that the maps are estimated from."""
    # the window has fallen to some percent at its edge
    edges = [
        2 * np.ceil(0.75 * n * size / RESOLUTION_MM)
        for n, size in zip(shape, pixel_mm, strict=True)
    ]
    return tuple(min(n, max(2, int(edge))) for n, edge in zip(shape, edges, strict=True))


def central_part(shape: Sequence[int], small: Sequence[int]) -> tuple[slice, ...]:
    """Place of the central part in k-space; its sample ``n // 2`` is zero frequency too."""
    starts = [n // 2 - few // 2 for n, few in zip(shape, small, strict=True)]
    return tuple(slice(start, start + few) for start, few in zip(starts, small, strict=True))


def _window(
    small: Sequence[int], shape: Sequence[int], pixel_mm: Sequence[float]
) -> Shaped[np.ndarray, "..."]:
    """Gaussian window in k-space whose point spread function is a Gaussian of `RESOLUTION_MM`."""
    deviation_mm = RESOLUTION_MM / 2.355
    window = np.ones(tuple(small), np.float32)
    for axis, (few, n, size) in enumerate(zip(small, shape, pixel_mm, strict=True)):
        k = (np.arange(few) - few // 2) / (n * size)
        along = np.exp(-2 * (np.pi * k * deviation_mm) ** 2).astype(np.float32)
        window *= along_axis(along, axis, len(small))
    return window


def _fitted(
    images: Complex64[np.ndarray, "n_coils *shape"], pixel_mm: Sequence[float]
) -> Complex128[np.ndarray, "n_coils *shape"]:
    """Polynomials fitted to each coil's ratio to the root of sum of squares, weighted by signal.

    In the air the penalty on slopes makes them extrapolate smoothly.
    """
    shape = images.shape[1:]
    steps = [max(1, round(_SPACING_MM / size)) for size in pixel_mm]
    some = images[(slice(None), *(slice(step // 2, None, step) for step in steps))]
    axes = [np.linspace(-1, 1, n) for n in shape]
    places = [axis[step // 2 :: step] for axis, step in zip(axes, steps, strict=True)]
    degree = min(_DEGREE[len(shape)], *(int(2 * np.sqrt(len(one))) for one in places))
    there = polynomials(places, degree)
    bright = np.sqrt((np.abs(some) ** 2).sum(axis=0)).ravel().astype(float)
    weight = bright**2 / ((bright**2).mean() or 1.0)
    values = some.reshape(len(some), -1) / np.maximum(bright, 1e-30)
    grids = there.reshape(*some.shape[1:], -1)
    slopes = [
        np.gradient(grids, one, axis=axis).reshape(len(bright), -1)
        for axis, one in enumerate(places)
    ]
    matrix = there.T @ (weight[:, None] * there)
    matrix += _STIFFNESS * sum(slope.T @ slope for slope in slopes)
    matrix += 1e-9 * np.trace(matrix) / len(matrix) * np.eye(len(matrix))
    found = np.linalg.solve(matrix.astype(complex), there.T @ (weight * values).T)
    return on_grid(axes, degree, found)
