"""Slices at the pixel size that a network was trained at, and back to the scan's own.

Band-limited and not linear: a network is trained on images whose resolution ends where a scanner's
k-space does, and linear interpolation would smooth away fine detail that it expects. Slices are
mirrored at their edges (a cosine transform), because a neck that is cut off at the bottom must not
ring through the top, as it would in a Fourier transform.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.fft
from jaxtyping import Float32

TOLERANCE: float = 1.15
"""How far a pixel may lie outside the trained sizes, or be from square, as a ratio."""


@dataclass(frozen=True)
class SliceSampling:
    """Pixels of a scan's slices, and those that the network sees."""

    native: tuple[int, int]
    """Rows and columns of the scan's slices."""
    native_mm: tuple[float, float]
    seen: tuple[int, int]
    """Rows and columns that the network sees, over the same extent."""

    @property
    def is_native(self) -> bool:
        """Whether the network sees the slices as they are."""
        return self.native == self.seen

    @property
    def seen_mm(self) -> tuple[float, float]:
        """Pixel size that the network sees."""
        rows, columns = (
            n * size / n_seen
            for n, size, n_seen in zip(self.native, self.native_mm, self.seen, strict=True)
        )
        return rows, columns

    @cached_property
    def to_seen(self) -> tuple[Float32[np.ndarray, "a b"], Float32[np.ndarray, "c d"]]:
        """Matrices for rows and for columns: ``rows @ image @ columns.T``."""
        return self._matrices(self.native, self.seen)

    @cached_property
    def to_native(self) -> tuple[Float32[np.ndarray, "b a"], Float32[np.ndarray, "d c"]]:
        """Matrices that take images that the network gives back to the scan's pixels."""
        return self._matrices(self.seen, self.native)

    @staticmethod
    def _matrices(
        source: tuple[int, int], target: tuple[int, int]
    ) -> tuple[Float32[np.ndarray, "a b"], Float32[np.ndarray, "c d"]]:
        return mirrored_resampling(source[0], target[0]), mirrored_resampling(source[1], target[1])


def sampling_for(
    shape: tuple[int, int], pixel_mm: tuple[float, float], trained_mm: tuple[float, float]
) -> SliceSampling:
    """Pixels on which a network trained at sizes from one to another sees slices.

    Slices whose pixels fit within `TOLERANCE` are seen as they are. Others are resampled to square
    pixels of the trained size nearest to their finer side, so that the network sees all detail
    that it can.
    """
    low, high = trained_mm
    finest, coarsest = min(pixel_mm), max(pixel_mm)
    fits = low / TOLERANCE <= finest and coarsest <= high * TOLERANCE
    if fits and coarsest <= finest * TOLERANCE:
        return SliceSampling(shape, pixel_mm, shape)
    target_mm = min(max(finest, low), high)
    rows, columns = (
        max(1, round(n * size / target_mm)) for n, size in zip(shape, pixel_mm, strict=True)
    )
    return SliceSampling(shape, pixel_mm, (rows, columns))


def is_too_coarse(pixel_mm: tuple[float, float], trained_mm: tuple[float, float]) -> bool:
    """Whether a scan's pixels are coarser than any that a network was trained at.

    Resampled, such slices fit, but the detail is missing that the network expects.
    """
    return max(pixel_mm) > max(trained_mm) * TOLERANCE


def mirrored_resampling(n_from: int, n_to: int) -> Float32[np.ndarray, "n_to n_from"]:
    """Matrix from samples to others over the same extent, through the cosine transform (DCT-II).

    Frequencies that both can hold are kept, the others are zero or dropped; a constant stays.
    """
    waves = scipy.fft.dct(np.eye(n_from), axis=0, norm="ortho")
    kept = np.zeros((n_to, n_from))
    n_common = min(n_from, n_to)
    kept[:n_common] = waves[:n_common]
    matrix = scipy.fft.idct(kept, axis=0, norm="ortho") * np.sqrt(n_to / n_from)
    return np.asarray(matrix, dtype=np.float32)
