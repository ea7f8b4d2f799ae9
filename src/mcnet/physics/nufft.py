"""Non-uniform fast Fourier transforms (NUFFT); the only place that imports finufft.

Grids are centred as in `mcnet.physics.fourier`. Frequencies are in cycles/mm and positions in mm;
radians per voxel, which finufft wants, stay inside this module. On a GPU cufinufft transforms.
"""

import threading
from collections.abc import Sequence
from functools import cache
from typing import Any

import finufft
import numpy as np
import scipy.fft
from jaxtyping import Complex64, Float, Float32, Shaped

from mcnet.core.engine import ALL_CORES, Engine
from mcnet.physics.fourier import outside_band

TOLERANCE = 1e-5
"""Precision asked of finufft. The error that comes out, relative and root mean square, is below
1e-5 at the frequencies of a head that keeps still and about 1e-5 at those of one that rotates, of
which single precision has its share; tests hold it to 1e-5 and 1e-4."""
UPSAMPLING = 1.3
"""Finufft's finer grid, times the image's. The usual 2 takes six times as long for little more
precision: most of the time goes into the FFT of the finer grid."""
GPU_TOLERANCE = 1e-6
"""Precision asked of cufinufft, with the usual upsampling of 2."""
READER_TOLERANCE = 1e-6
READER_UPSAMPLING = 1.5
"""Of `SpectrumReader`, whose finer grid is made once: an FFT of it costs nothing afterwards."""
PLANNED_TOLERANCE = 1e-4
"""Of `PlannedTransform`: what is searched for with it is far less certain."""
PLANNED_UPSAMPLING = 1.25
_SMALLEST_GRID = 32
"""Points of an axis, more than the kernel is wide."""
_kept = threading.local()


def spectrum_at(
    volumes: Shaped[Any, "n_volumes *shape"],
    voxel_size_mm: Sequence[float],
    frequencies: Sequence[Float[Any, "n_points"]] | Float[Any, "dimensions n_points"],
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
        Where to sample along each axis, in cycles/mm. Beyond the band of the images, half a cycle
        per voxel, the spectrum is zero, not the periodic repetition that the sum alone would give.
    engine
        What computes; all arrays lie on its device.
    """
    images = engine.xp.ascontiguousarray(volumes, dtype=np.complex64)
    plan = _plan_of(images.shape, engine)
    plan.setpts(*_radians_per_voxel(frequencies, voxel_size_mm))
    return _within_band(plan.execute(images), frequencies, voxel_size_mm)


class SpectrumReader:
    """Spectra of slices that are asked for again and again, each time at other frequencies.

    What `spectrum_at` does in every call, dividing the images by the spectrum of the kernel and
    taking the FFT of a finer grid, is done once; what is left is to read between the points of
    that grid. Twice as fast for slices of a head, and more exact.

    Parameters
    ----------
    images, voxel_size_mm, engine
        As for `spectrum_at`; the images lie on the CPU. A GPU holds them as they are, since FFTs
        cost it little.
    """

    def __init__(
        self,
        images: Shaped[np.ndarray, "n_images rows columns"],
        voxel_size_mm: Sequence[float],
        engine: Engine = ALL_CORES,
    ) -> None:
        self.voxel_size_mm = tuple(voxel_size_mm)
        self.engine = engine
        on_gpu = engine.device == "cuda"
        self._source = engine.array(images) if on_gpu else _fine_spectra(images, engine)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._source)

    def at(
        self, frequencies: Sequence[Float[Any, "n_points"]] | Float[Any, "2 n_points"]
    ) -> Complex64[Any, "n_images n_points"]:
        """Spectra at frequencies in cycles/mm; zero beyond the band of the images."""
        if self.engine.device == "cuda":
            return spectrum_at(self._source, self.voxel_size_mm, frequencies, self.engine)
        plan = _plan_of(self._source.shape, self.engine, reads=True)
        plan.setpts(*_radians_per_voxel(frequencies, self.voxel_size_mm))
        return _within_band(plan.execute(self._source), frequencies, self.voxel_size_mm)


def _fine_spectra(
    images: Shaped[np.ndarray, "n_images rows columns"], engine: Engine
) -> Complex64[np.ndarray, "n_images fine_rows fine_columns"]:
    """Spectra on a grid that is finer along every axis, to be read by a kernel."""
    fine: np.ndarray = images.astype(np.complex64)
    for axis in (1, 2):
        n_modes = images.shape[axis]
        n_fine = 2 * scipy.fft.next_fast_len(int(np.ceil(READER_UPSAMPLING * n_modes / 2)))
        n_fine = max(n_fine, _SMALLEST_GRID)
        fine = np.moveaxis(fine, axis, -1) / _read_factors(n_modes, n_fine)
        padded = np.zeros((*fine.shape[:-1], n_fine), np.complex64)
        padded[..., : n_modes - n_modes // 2] = fine[..., n_modes // 2 :]
        padded[..., n_fine - n_modes // 2 :] = fine[..., : n_modes // 2]
        spectra = scipy.fft.fft(padded, workers=engine.threads, overwrite_x=True)
        fine = np.moveaxis(spectra, -1, axis)
    return np.ascontiguousarray(fine)


@cache
def _read_factors(n_modes: int, n_fine: int) -> Float32[np.ndarray, "n_modes"]:
    """What reading from the finer grid multiplies each voxel's share with, found by trying it.

    A voxel's spectrum is a wave; put on the finer grid and read by the kernel, it is the same wave
    times a factor, to within the tolerance.
    """
    # two-dimensional as the images, since finufft chooses its kernel by the dimension too
    voxels = (np.arange(n_modes) - n_modes // 2)[:, None]
    waves = np.exp(-2j * np.pi / n_fine * voxels * np.arange(n_fine))
    waves = np.repeat(waves[:, :, None], _SMALLEST_GRID, axis=2)
    between = np.arange(16) + 0.5
    options = {"eps": READER_TOLERANCE, "upsampfac": READER_UPSAMPLING, "spreadinterponly": 1}
    shape = waves.shape[1:]
    plan = finufft.Plan(2, shape, n_trans=n_modes, isign=-1, nthreads=1, **options)
    x, y = 2 * np.pi / n_fine * between / 16, np.full(16, 0.1)
    plan.setpts(x, y)
    factors = (plan.execute(waves) / np.exp(-1j * voxels * x)).mean(axis=1).real
    of_the_other_axis = np.sqrt(factors[n_modes // 2])
    return np.asarray(factors / of_the_other_axis, dtype=np.float32)


class PlannedTransform:
    """Spectra of a batch of images at fixed frequencies, and the adjoint: plans made once.

    For those who go back and forth many times between slices, or volumes, and one set of
    frequencies. Frequencies beyond the band read as zero, and give nothing back.

    Parameters
    ----------
    n_images, shape
        Size of the batch, and of its images, in two or three dimensions.
    voxel_size_mm, frequencies
        As for `spectrum_at`.
    engine
        Cores of the CPU.
    tolerance
        Relative error; `PLANNED_TOLERANCE` if absent.
    """

    def __init__(
        self,
        n_images: int,
        shape: tuple[int, ...],
        voxel_size_mm: Sequence[float],
        frequencies: Sequence[Float[np.ndarray, "n_points"]],
        engine: Engine = ALL_CORES,
        *,
        tolerance: float | None = None,
    ) -> None:
        self._shape = shape
        self._outside = outside_band(frequencies, voxel_size_mm)
        points = _radians_per_voxel(frequencies, voxel_size_mm)
        options: dict[str, Any] = {"n_trans": n_images, "dtype": "complex64"}
        options |= {"nthreads": engine.threads, "eps": tolerance or PLANNED_TOLERANCE}
        self._there, self._back = (
            finufft.Plan(kind, shape, isign=sign, upsampfac=PLANNED_UPSAMPLING, **options)
            for kind, sign in ((2, -1), (1, 1))
        )
        for plan in (self._there, self._back):
            plan.setpts(*points)

    def spectra(
        self, images: Shaped[np.ndarray, "n_images *shape"]
    ) -> Complex64[np.ndarray, "n_images n_points"]:
        """Spectra of the images: type 2."""
        spectra = self._there.execute(np.ascontiguousarray(images, dtype=np.complex64))
        if self._outside is not None:
            spectra[..., self._outside] = 0
        return np.asarray(spectra.reshape(len(images), -1))

    def adjoint(
        self, spectra: Complex64[np.ndarray, "n_images n_points"]
    ) -> Complex64[np.ndarray, "n_images *shape"]:
        """Images ``sum over k of F(k) exp(+2 pi i k.p)``: type 1."""
        if self._outside is not None:
            spectra = spectra * ~self._outside
        images = self._back.execute(np.ascontiguousarray(spectra, dtype=np.complex64))
        return np.asarray(images.reshape(len(spectra), *self._shape))


def _plan_of(shape: tuple[int, ...], engine: Engine, *, reads: bool = False) -> Any:
    """Plan of a type-2 transform; the last one of slices is kept with its work memory.

    A plan that reads has finer grids for images, and does nothing but read from them. A plan of
    volumes is not kept: it would hold hundreds of megabytes to save a few per cent.
    """
    key = (shape, engine, reads)
    if getattr(_kept, "key", None) == key:
        return _kept.plan
    n_volumes, *source = shape
    options: dict[str, Any] = {"n_trans": n_volumes, "isign": -1, "dtype": "complex64"}
    if engine.device == "cuda":
        import cufinufft

        # a GPU's FFT is fast enough for the usual upsampling
        plan = cufinufft.Plan(2, tuple(source), eps=GPU_TOLERANCE, **options)
    else:
        options |= {"nthreads": engine.threads, "eps": TOLERANCE, "upsampfac": UPSAMPLING}
        if reads:
            options |= {"eps": READER_TOLERANCE, "upsampfac": READER_UPSAMPLING}
            options["spreadinterponly"] = 1
        plan = finufft.Plan(2, tuple(source), **options)
    if len(source) == 2:
        _kept.key, _kept.plan = key, plan
    return plan


def _within_band(
    spectra: Any, frequencies: Sequence[Any] | np.ndarray, voxel_size_mm: Sequence[float]
) -> Complex64[Any, "n_images n_points"]:
    outside = outside_band(frequencies, voxel_size_mm)
    if outside is not None:
        spectra[..., outside] = 0
    n_points = len(frequencies[0])
    return spectra.reshape(-1, n_points)  # the axis of a single image was dropped


def _radians_per_voxel(
    frequencies: Sequence[Any] | np.ndarray, voxel_size_mm: Sequence[float]
) -> list[Float[Any, "n_points"]]:
    return [
        (2 * np.pi * size * frequency).astype(np.float32)
        for frequency, size in zip(frequencies, voxel_size_mm, strict=True)
    ]
