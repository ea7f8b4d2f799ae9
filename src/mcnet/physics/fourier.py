"""Discrete Fourier transforms on the grid, and the matrix that resamples an axis.

Grids are centred: voxel and sample ``n // 2`` of an axis are the origin. Frequencies are in
cycles/mm and positions in mm. Transforms off the grid are in `mcnet.physics.nufft`. An engine
(`mcnet.core.engine`) says what computes: on a GPU arrays are cupy's.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.fft
from jaxtyping import Complex, Float, Shaped

from mcnet.core.engine import ONE_CORE, Engine


def centred_fft(
    image: Shaped[np.ndarray, "*shape"], axes: Sequence[int]
) -> Complex[np.ndarray, "*shape"]:
    """Spectrum of a centred image along ``axes``: the plain sum, without a factor."""
    shifted = scipy.fft.ifftshift(image, axes=axes)
    return scipy.fft.fftshift(scipy.fft.fftn(shifted, axes=axes), axes=axes)


def centred_ifft(
    kspace: Complex[Any, "*shape"], axes: Sequence[int], engine: Engine = ONE_CORE
) -> Complex[Any, "*shape"]:
    """Image of a centred spectrum along ``axes``: inverse of `centred_fft`."""
    return centred_image(engine.xp.fft.ifftshift(kspace, axes=axes), axes, engine)


def centred_image(
    kspace: Complex[Any, "*shape"], axes: Sequence[int], engine: Engine = ONE_CORE
) -> Complex[Any, "*shape"]:
    """Centred image of a spectrum that starts at its origin along ``axes``, as FFTs order it.

    The spectrum is written over.
    """
    xp = engine.xp
    if engine.device == "cpu":
        image = scipy.fft.ifftn(kspace, axes=axes, workers=engine.threads, overwrite_x=True)
    else:
        image = xp.fft.ifftn(kspace, axes=axes)
    return xp.fft.fftshift(image, axes=axes)


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
    outside = outside_band(frequencies[None], [voxel_size_mm])
    if outside is not None:
        forward[outside] = 0
    back = np.exp(2j * np.pi * np.outer(positions_mm, frequencies))
    spacing = frequencies[1] - frequencies[0]
    return np.asarray(back @ forward * (voxel_size_mm * spacing))


def outside_band(
    frequencies: Sequence[Any] | np.ndarray, voxel_size_mm: Sequence[float]
) -> Any | None:
    """Mask of the frequencies beyond the band, or nothing where there are none."""
    # the edge itself belongs to the band: a still head sampled at its own resolution keeps it
    edges = [(0.5 + 1e-9) / size for size in voxel_size_mm]
    beyond = [
        max(float(along.max()), -float(along.min())) > edge
        for along, edge in zip(frequencies, edges, strict=True)
    ]
    if not any(beyond):
        return None
    return sum(abs(along) > edge for along, edge in zip(frequencies, edges, strict=True)) > 0
