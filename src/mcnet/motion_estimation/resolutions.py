"""Grids, k-space and images of one extent at other resolutions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Complex64, Float32

from mcnet.motion_estimation.joint import Images
from mcnet.physics.fourier import centred_fft, centred_ifft
from mcnet.physics.operators import ScanGrid

Grid = TypeVar("Grid", bound=ScanGrid)

_SMALLEST = 16
"""Lines of the coarsest resolution, at least."""


@dataclass(frozen=True)
class Shares:
    """Resolutions with shares of the lines and samples, about the centre of k-space."""

    shares: tuple[float, ...] = (0.375, 0.625, 1.0)

    def grids(self, grid: Grid) -> list[Grid]:
        """From coarse to fine."""
        return [coarser(grid, share) for share in self.shares]


@dataclass(frozen=True)
class VoxelSizes:
    """Resolutions whose voxels are larger across the lines than along them.

    A pose moves all samples of its line, a plane of k-space, so that few of them tell it. Where
    many are looked at too early, poses of outer lines end beside the right ones.
    """

    sizes_mm: tuple[tuple[float, float], ...] = (
        (5.3, 14.0),
        (3.2, 8.5),
        (2.5, 6.4),
        (2.0, 5.3),
        (2.0, 4.0),
        (2.0, 2.7),
        (1.4, 2.7),
        (0.0, 2.7),
        (0.0, 0.0),
    )
    """Along the lines' axis, and across; the scan's own where those are larger."""

    def grids(self, grid: Grid) -> list[Grid]:
        """From coarse to fine; those of a coarse scan may be equal."""
        grids = []
        for along_mm, across_mm in self.sizes_mm:
            sizes = [across_mm] * len(grid.shape)
            sizes[grid.line_axis] = along_mm
            grids.append(with_voxels(grid, sizes))
        return grids


def coarser(grid: Grid, share: float) -> Grid:
    """Grid of the same extent with a share of the pixels along each axis."""
    if share == 1:
        return grid
    return with_shape(
        grid, tuple(max(min(n, _SMALLEST), 2 * round(share * n / 2)) for n in grid.shape)
    )


def with_voxels(grid: Grid, sizes_mm: Sequence[float]) -> Grid:
    """Grid of the same extent with pixels of about these sizes, or of its own if larger."""
    shape = tuple(
        n if wanted <= size else max(min(n, _SMALLEST), 2 * round(n * size / wanted / 2))
        for n, size, wanted in zip(grid.shape, grid.pixel_mm, sizes_mm, strict=True)
    )
    return with_shape(grid, shape)


def with_shape(grid: Grid, shape: tuple[int, ...]) -> Grid:
    """Grid of the same extent with other pixels."""
    if shape == grid.shape:
        return grid
    pixel_mm = tuple(
        n * size / m for n, size, m in zip(grid.shape, grid.pixel_mm, shape, strict=True)
    )
    return replace(grid, shape=shape, pixel_mm=pixel_mm)


def cropped(
    kspace: Complex64[np.ndarray, "*images_and_samples"], shape: tuple[int, ...]
) -> Complex64[np.ndarray, "..."]:
    """Central part of k-space, or k-space with zeros around, of images of the same brightness.

    The last axes are those of ``shape``.
    """
    samples = kspace.shape[-len(shape) :]
    result = np.zeros((*kspace.shape[: -len(shape)], *shape), np.complex64)
    here: list[Any] = [...]
    there: list[Any] = [...]
    for n_from, n_to in zip(samples, shape, strict=True):
        kept = min(n_from, n_to)
        here.append(slice(n_from // 2 - kept // 2, n_from // 2 - kept // 2 + kept))
        there.append(slice(n_to // 2 - kept // 2, n_to // 2 - kept // 2 + kept))
    scale = np.sqrt(np.prod(shape) / np.prod(samples))
    result[tuple(there)] = kspace[tuple(here)] * np.float32(scale)
    return result


def resampled(images: Images, shape: tuple[int, ...]) -> Float32[np.ndarray, "n_images *other"]:
    """Images of the same extent with other pixels: their spectrum cropped, or with zeros around."""
    if images.shape[1:] == shape:
        return images
    axes = range(1, images.ndim)
    scale = np.sqrt(np.prod(shape) / np.prod(images.shape[1:]))
    spectra = cropped(centred_fft(images, axes).astype(np.complex64), shape)
    return np.asarray(centred_ifft(spectra, axes).real * scale, np.float32)
