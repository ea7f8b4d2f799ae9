"""What the browser gets of an image: samples of 16 bits, and nothing that says which image it is.

Samples are sent plain, without a file format around them: no metadata, and as many bytes for one
version of a case as for another, where a compressed image would tell by its length how noisy it
is, and a repeat by its equal length.
"""

import zlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt16

WHITE = 32768
"""Sample that the first window shows as white; brighter ones keep their differences."""
_LAST_SAMPLE = 65535
_WHITE_PERCENTILE, _BLACK_PERCENTILE = 99.9, 0.1


@dataclass(frozen=True)
class Form:
    """Shape of an image and of its pixels; the same for all versions of a case."""

    n_frames: int
    rows: int
    columns: int
    row_mm: float
    column_mm: float


def samples_of(
    frames: Float32[np.ndarray, "n_frames rows columns"],
) -> UInt16[np.ndarray, "n_frames rows columns"]:
    """Samples on a grey scale of the image's own: its 99.9th percentile is `WHITE`.

    Black is zero, or the 0.1th percentile where that is below. By the image's own scale, neither
    units nor gain of a processing can tell it from another.
    """
    black, white = np.percentile(frames, [_BLACK_PERCENTILE, _WHITE_PERCENTILE])
    black = min(0.0, float(black))
    span = max(float(white) - black, float(np.finfo(np.float32).tiny))
    samples = np.rint((frames.astype(np.float64) - black) / span * WHITE)
    return np.clip(samples, 0, _LAST_SAMPLE).astype(np.uint16)


def packed(samples: UInt16[np.ndarray, "n_frames rows columns"]) -> bytes:
    """Samples as they are kept: little-endian, compressed without loss."""
    return zlib.compress(samples.astype("<u2").tobytes(), level=1)


def unpacked(stored: bytes) -> bytes:
    """Samples as they are sent: little-endian, row by row, frame by frame."""
    return zlib.decompress(stored)
