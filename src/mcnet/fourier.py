"""Discrete Fourier transforms on and off the grid; the only place that imports finufft.

Grids are centred: voxel and sample ``n // 2`` of an axis are the origin. Frequencies are in
cycles/mm and positions in mm; radians per voxel, which finufft wants, stay inside this module.
"""

from collections.abc import Sequence

import finufft
import numpy as np
import scipy.fft
from jaxtyping import Complex, Complex64, Float, Shaped

TOLERANCE = 1e-6
"""Precision asked of finufft. Single precision adds its own: the relative error is about 1e-5 at
random frequencies of a head, and 1e-6 at those of a scan of a head that keeps still."""


def centred_fft(
    image: Shaped[np.ndarray, "*shape"], axes: Sequence[int]
) -> Complex[np.ndarray, "*shape"]:
    """Spectrum of a centred image along ``axes``: the plain sum, without a factor."""
    shifted = scipy.fft.ifftshift(image, axes=axes)
    return scipy.fft.fftshift(scipy.fft.fftn(shifted, axes=axes), axes=axes)


def centred_ifft(
    kspace: Complex[np.ndarray, "*shape"], axes: Sequence[int]
) -> Complex[np.ndarray, "*shape"]:
    """Image of a centred spectrum along ``axes``: inverse of `centred_fft`."""
    shifted = scipy.fft.ifftshift(kspace, axes=axes)
    return scipy.fft.fftshift(scipy.fft.ifftn(shifted, axes=axes), axes=axes)


def spectrum_at(
    volumes: Shaped[np.ndarray, "n_volumes *shape"],
    voxel_size_mm: Sequence[float],
    frequencies: Float[np.ndarray, "dimensions n_points"],
) -> Complex64[np.ndarray, "n_volumes n_points"]:
    """Spectra ``sum over p of f(p) exp(-2 pi i k.p)`` at any frequencies: type-2 NuFFT.

    Parameters
    ----------
    volumes
        Real or complex images of two or three dimensions that are sampled at the same places.
    voxel_size_mm
        One length a dimension.
    frequencies
        Where to sample, in cycles/mm. Beyond the band of the images, half a cycle per voxel, the
        spectrum is zero, not the periodic repetition that the sum alone would give.
    """
    points = _radians_per_voxel(frequencies, voxel_size_mm)
    transform = {2: finufft.nufft2d2, 3: finufft.nufft3d2}[len(frequencies)]
    spectra = transform(*points, _complex64(volumes), eps=TOLERANCE, isign=-1)
    outside = _outside_band(frequencies, voxel_size_mm)
    if outside.any():
        spectra[:, outside] = 0
    return np.asarray(spectra)


def adjoint_spectrum_at(
    spectra: Complex[np.ndarray, "n_volumes n_points"],
    voxel_size_mm: Sequence[float],
    frequencies: Float[np.ndarray, "dimensions n_points"],
    shape: tuple[int, ...],
) -> Complex64[np.ndarray, "n_volumes *shape"]:
    """Images ``sum over k of F(k) exp(+2 pi i k.p)``: exact adjoint of `spectrum_at` (type 1)."""
    inside = ~_outside_band(frequencies, voxel_size_mm)
    points = _radians_per_voxel(frequencies, voxel_size_mm)
    transform = {2: finufft.nufft2d1, 3: finufft.nufft3d1}[len(frequencies)]
    return np.asarray(
        transform(*points, _complex64(spectra * inside), shape, eps=TOLERANCE, isign=1)
    )


def resampling_matrix(
    n_voxels: int,
    voxel_size_mm: float,
    frequencies: Float[np.ndarray, "n_frequencies"],
    positions_mm: Float[np.ndarray, "n_positions"],
) -> Complex[np.ndarray, "n_positions n_voxels"]:
    """Matrix that a still head's axis is multiplied with to be imaged, in double precision.

    It takes the spectrum of ``n_voxels`` centred voxels at the sampled ``frequencies`` (cycles/mm,
    equally spaced) and the image of that at ``positions_mm``: a plain sum, the exact counterpart
    of `spectrum_at` and the inverse transform for an axis along which nothing moves.
    """
    source_mm = (np.arange(n_voxels) - n_voxels // 2) * voxel_size_mm
    forward = np.exp(-2j * np.pi * np.outer(frequencies, source_mm))
    forward[_outside_band(frequencies[None], [voxel_size_mm])] = 0
    back = np.exp(2j * np.pi * np.outer(positions_mm, frequencies))
    spacing = frequencies[1] - frequencies[0]
    return np.asarray(back @ forward * (voxel_size_mm * spacing))


def _radians_per_voxel(
    frequencies: Float[np.ndarray, "dimensions n_points"], voxel_size_mm: Sequence[float]
) -> list[Float[np.ndarray, "n_points"]]:
    return [
        (2 * np.pi * size * frequency).astype(np.float32)
        for frequency, size in zip(frequencies, voxel_size_mm, strict=True)
    ]


def _outside_band(
    frequencies: Float[np.ndarray, "dimensions n_points"], voxel_size_mm: Sequence[float]
) -> np.ndarray:
    # the edge itself belongs to the band: a still head sampled at its own resolution keeps it
    sizes = np.asarray(voxel_size_mm)[:, None]
    return np.asarray((np.abs(frequencies * sizes) > 0.5 + 1e-9).any(axis=0))


def _complex64(values: np.ndarray) -> Complex64[np.ndarray, "..."]:
    return np.ascontiguousarray(values, dtype=np.complex64)
