"""Discrete Fourier transforms on and off the grid; the only place that imports finufft.

Grids are centred: voxel and sample ``n // 2`` of an axis are the origin. Frequencies are in
cycles/mm and positions in mm; radians per voxel, which finufft wants, stay inside this module.
An engine (`mcnet.engine`) says what computes: on a GPU arrays are cupy's, and cufinufft transforms.
"""

import threading
from collections.abc import Sequence
from typing import Any

import finufft
import numpy as np
import scipy.fft
from jaxtyping import Complex, Complex64, Float, Shaped

from mcnet.engine import ALL_CORES, ONE_CORE, Engine

TOLERANCE = 1e-5
"""Precision asked of finufft. The error that comes out, relative and root mean square, is below
1e-5 at the frequencies of a head that keeps still and about 1e-5 at those of one that turns, of
which single precision has its share; tests hold it to 1e-5 and 1e-4."""
UPSAMPLING = 1.3
"""Finufft's finer grid, times the image's. The usual 2 takes six times as long for little more
precision: most of the time goes into the FFT of the finer grid."""
GPU_TOLERANCE = 1e-6
"""Precision asked of cufinufft, with the usual upsampling of 2."""


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
    xp = engine.xp
    shifted = xp.fft.ifftshift(kspace, axes=axes)
    if engine.device == "cpu":
        n_threads = engine.n_threads or -1
        image = scipy.fft.ifftn(shifted, axes=axes, workers=n_threads, overwrite_x=True)
    else:
        image = xp.fft.ifftn(shifted, axes=axes)
    return xp.fft.fftshift(image, axes=axes)


def spectrum_at(
    volumes: Shaped[Any, "n_volumes *shape"],
    voxel_size_mm: Sequence[float],
    frequencies: Float[Any, "dimensions n_points"],
    engine: Engine = ALL_CORES,
) -> Complex64[Any, "n_volumes n_points"]:
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
    engine
        What computes; all arrays lie on its device.
    """
    images = engine.xp.ascontiguousarray(volumes, dtype=np.complex64)
    points = _radians_per_voxel(frequencies, voxel_size_mm)
    plan = _plan_of(images.shape, engine)
    plan.setpts(*points)
    spectra = plan.execute(images)
    outside = _outside_band(frequencies, voxel_size_mm)
    if outside is not None:
        spectra[..., outside] = 0
    return spectra.reshape(len(images), -1)  # the axis of a single image was dropped


def adjoint_spectrum_at(
    spectra: Complex[np.ndarray, "n_volumes n_points"],
    voxel_size_mm: Sequence[float],
    frequencies: Float[np.ndarray, "dimensions n_points"],
    shape: tuple[int, ...],
) -> Complex64[np.ndarray, "n_volumes *shape"]:
    """Images ``sum over k of F(k) exp(+2 pi i k.p)``: exact adjoint of `spectrum_at` (type 1)."""
    outside = _outside_band(frequencies, voxel_size_mm)
    inside = 1 if outside is None else ~outside
    points = _radians_per_voxel(frequencies, voxel_size_mm)
    transform = {2: finufft.nufft2d1, 3: finufft.nufft3d1}[len(frequencies)]
    options = {"eps": TOLERANCE, "upsampfac": UPSAMPLING, "isign": 1}
    values = np.ascontiguousarray(spectra * inside, dtype=np.complex64)
    return np.asarray(transform(*points, values, shape, **options))


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
    outside = _outside_band(frequencies[None], [voxel_size_mm])
    if outside is not None:
        forward[outside] = 0
    back = np.exp(2j * np.pi * np.outer(positions_mm, frequencies))
    spacing = frequencies[1] - frequencies[0]
    return np.asarray(back @ forward * (voxel_size_mm * spacing))


_kept = threading.local()


def _plan_of(shape: tuple[int, ...], engine: Engine) -> Any:
    """Plan of a type-2 transform; the last one of slices is kept with its work memory.

    A plan of volumes is not kept: it would hold hundreds of megabytes to save a few per cent.
    """
    key = (shape, engine)
    if getattr(_kept, "key", None) == key:
        return _kept.plan
    n_volumes, *source = shape
    options = {"n_trans": n_volumes, "isign": -1, "dtype": "complex64"}
    if engine.device == "cuda":
        import cufinufft

        # a GPU's FFT is fast enough for the usual upsampling
        plan = cufinufft.Plan(2, tuple(source), eps=GPU_TOLERANCE, **options)
    else:
        options |= {"upsampfac": UPSAMPLING, "nthreads": engine.n_threads}
        plan = finufft.Plan(2, tuple(source), eps=TOLERANCE, **options)
    if len(source) == 2:
        _kept.key, _kept.plan = key, plan
    return plan


def _radians_per_voxel(
    frequencies: Float[Any, "dimensions n_points"], voxel_size_mm: Sequence[float]
) -> list[Float[Any, "n_points"]]:
    return [
        (2 * np.pi * size * frequency).astype(np.float32)
        for frequency, size in zip(frequencies, voxel_size_mm, strict=True)
    ]


def _outside_band(
    frequencies: Float[Any, "dimensions n_points"], voxel_size_mm: Sequence[float]
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
