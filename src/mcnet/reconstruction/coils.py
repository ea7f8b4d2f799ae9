"""Coil maps from the scan itself: what a coil sees of the coarse head, as a share of what all see.

The coarse image of each coil is divided by the root of sum of squares of all; its phase is kept,
so that the maps carry the smooth phase of coils, field and scanner, and the head behind them is
real. One coil's map is that phase alone. In the air, where nothing is to be divided, maps go on
as they go at the head's edge. Only few central lines matter, which are measured within a short
part of the scan (where lines go in order); of motion between them what is known is undone.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Complex64, Complex128, Shaped

from mcnet.physics.broadcasting import along_axis
from mcnet.physics.fourier import centred_fft, centred_ifft
from mcnet.reconstruction.map_terms import on_grid, polynomials

RESOLUTION_MM = 16.0
"""Full width at half maximum of what the coarse images see of a point."""
_SPACING_MM = 8.0
"""Of the places at which maps are fitted to coarse images."""
_DEGREE = {2: 8, 3: 6}
"""Of the polynomials, all variables together, by the number of dimensions."""
_STIFFNESS = 1e-4
"""Weight of the maps' slope beside their misfit, over a quarter of the field of view."""

Coarse = Callable[
    [Complex64[np.ndarray, "n_coils n_images *small"]],
    Complex64[np.ndarray, "n_coils n_images *small"],
]
"""Images of the coarse head from central k-space, both as small as that is."""


def coil_maps(
    kspace: Complex64[np.ndarray, "n_coils n_images *shape"],
    pixel_mm: Sequence[float],
    *,
    coarse: Coarse | None = None,
) -> Complex64[np.ndarray, "n_coils n_images *shape"]:
    """Maps whose root of sum of squares is 1, estimated from the centre of k-space.

    Parameters
    ----------
    kspace
        Of slices, or of volumes, that are imaged apart; of any scale.
    pixel_mm
        Along each axis of an image.
    coarse
        How the central part of k-space, as much as `central_shape` says, becomes images: the
        inverse FFT, unless motion is known.
    """
    shape = kspace.shape[2:]
    axes = tuple(range(2, kspace.ndim))
    small = central_shape(shape, pixel_mm)
    middle = kspace[(slice(None), slice(None), *central_part(shape, small))]
    if coarse is not None:
        middle = centred_fft(coarse(np.ascontiguousarray(middle)), axes)
    padded = np.zeros(kspace.shape, np.complex64)
    padded[(slice(None), slice(None), *central_part(shape, small))] = middle * _window(
        small, shape, pixel_mm
    )
    images = centred_ifft(padded, axes)
    fitted = np.stack([_fitted(images[:, k], pixel_mm) for k in range(images.shape[1])], axis=1)
    size = np.sqrt((np.abs(fitted) ** 2).sum(axis=0))
    return np.asarray(fitted / np.maximum(size, np.finfo(np.float32).tiny), np.complex64)


def central_shape(shape: Sequence[int], pixel_mm: Sequence[float]) -> tuple[int, ...]:
    """Samples along each axis of the part of k-space that coarse images are made of."""
    # the window has fallen to some percent at its edge
    edges = [
        2 * np.ceil(0.75 * n * size / RESOLUTION_MM)
        for n, size in zip(shape, pixel_mm, strict=True)
    ]
    return tuple(min(n, max(2, int(edge))) for n, edge in zip(shape, edges, strict=True))


def central_part(shape: Sequence[int], small: Sequence[int]) -> tuple[slice, ...]:
    """Where that part lies; its sample ``n // 2`` is zero frequency too."""
    starts = [n // 2 - few // 2 for n, few in zip(shape, small, strict=True)]
    return tuple(slice(start, start + few) for start, few in zip(starts, small, strict=True))


def _window(
    small: Sequence[int], shape: Sequence[int], pixel_mm: Sequence[float]
) -> Shaped[np.ndarray, "..."]:
    """A Gaussian in k-space, whose image is a Gaussian of `RESOLUTION_MM`."""
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
    """Polynomials nearest to the coils' shares of what all see, weighted by how much that is.

    Where nothing is seen, the penalty on slopes lets them go on as they were.
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
