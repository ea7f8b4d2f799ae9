"""What a scan does to slices when line ``k`` and line ``-k`` move alike, in half of the time.

So it is in the Fourier transform of magnitudes: a real image has the same line twice, and what
explains both best is one pose.
"""

from typing import Any

import numpy as np
from jaxtyping import Complex64, Float, Float32, Int64, Shaped

from mcnet.core.engine import ONE_CORE, Engine
from mcnet.physics.in_plane import InPlaneScan, SliceGrid
from mcnet.physics.line_poses import InPlanePoses


class MirroredScan(InPlaneScan):
    """`InPlaneScan` of real slices and poses that are the same for line ``k`` and ``-k``.

    Two slices go through one transform, as its real and its imaginary part; that real images have
    conjugate samples at ``k`` and ``-k`` tells them apart. Samples whose mirror image was not
    sampled (the first line and the first column, of even numbers) are zero.
    """

    def __init__(
        self,
        grid: SliceGrid,
        n_slices: int,
        poses: InPlanePoses,
        engine: Engine = ONE_CORE,
        *,
        tolerance: float | None = None,
    ) -> None:
        super().__init__(grid, (n_slices + 1) // 2, alike(poses), engine, tolerance=tolerance)
        # samples that have a mirror image: those backward are theirs
        self._inner = tuple(slice(1 - n % 2, None) for n in grid.shape)
        self._both = np.zeros(grid.shape, np.float32)
        self._both[self._inner] = 1

    def kspace(
        self, slices: Shaped[np.ndarray, "n_slices rows columns"]
    ) -> Complex64[np.ndarray, "n_slices rows columns"]:
        """K-space of real slices that move."""
        spectra = self._transform.spectra(_in_pairs(slices)).reshape(-1, *self.grid.shape)
        inner = (slice(None), *self._inner)
        spectra = spectra[inner] * np.float32(0.5)
        mirrored = spectra[:, ::-1, ::-1].conj()
        ramp = self._ramp[self._inner]
        result = np.zeros((2 * len(spectra), *self.grid.shape), np.complex64)
        result[0::2][inner] = ramp * (spectra + mirrored)
        result[1::2][inner] = np.complex64(-1j) * ramp * (spectra - mirrored)
        return result[: len(slices)]

    def adjoint(
        self, kspace: Complex64[np.ndarray, "n_slices rows columns"]
    ) -> Complex64[np.ndarray, "n_slices rows columns"]:
        """Adjoint of `kspace`, of samples that are conjugate at ``k`` and ``-k``: real slices."""
        n_slices, both = len(kspace), kspace * (self._ramp.conj() * self._both)
        pairs = both[0::2].copy()
        pairs[: n_slices // 2] += np.complex64(1j) * both[1::2]
        back = self._transform.adjoint(pairs.reshape(len(pairs), -1))
        images = np.empty((2 * len(pairs), *self.grid.shape), np.complex64)
        images[0::2], images[1::2] = back.real, back.imag
        return images[:n_slices]

    @property
    def within_band(self) -> Float32[np.ndarray, "rows columns"]:
        """As that of `InPlaneScan`; 0 for samples without a mirror image too."""
        return super().within_band * self._both

    def of_lines(
        self,
        one: Complex64[np.ndarray, "n rows columns"],
        other: Complex64[np.ndarray, "n rows columns"],
    ) -> Float[np.ndarray, "n_lines"]:
        """As that of `InPlaneScan`: the mean of line ``k`` and ``-k``."""
        return alike(super().of_lines(one, other))


def alike(of_lines: Float[np.ndarray, "n_lines *of_line"]) -> Float[np.ndarray, "n_lines *of_line"]:
    """Mean of line ``k`` and ``-k``."""
    return np.asarray(0.5 * (of_lines + of_lines[mirrored_indices(len(of_lines))]))


def mirrored_indices(n: int) -> Int64[np.ndarray, "n"]:
    """Where ``-k`` is, of samples of which sample ``n // 2`` is zero; -n/2 stays where it is."""
    return np.asarray((2 * (n // 2) - np.arange(n)) % n, dtype=np.int64)


def _in_pairs(
    slices: Shaped[np.ndarray, "n_slices rows columns"],
) -> Complex64[np.ndarray, "n_pairs rows columns"]:
    pairs: Any = slices[0::2].astype(np.complex64)
    pairs[: len(slices) // 2] += np.complex64(1j) * slices[1::2]
    return np.asarray(pairs)
