"""Which slices of a scan show the head, and how bright it is there."""

import numpy as np
from jaxtyping import Float32, Int64

from mcnet.metrics.scale import intensity_scale

_HEAD_SHARE = 0.1
"""Slices with less signal than this share of the brightest one show no head, only air."""
_FULL_SHARE = 0.25
"""Slices with less signal than this share of the brightest one show little of the head."""


def spread_slices(values: Float32[np.ndarray, "x y z"], n_slices: int) -> Int64[np.ndarray, "n"]:
    """Indices of slices that show much of the head, from one side to the other."""
    content = np.maximum(values, 0).mean(axis=(1, 2))
    shown = np.flatnonzero(content >= _FULL_SHARE * content.max())
    places = np.linspace(0, len(shown) - 1, min(n_slices, len(shown)))
    return np.asarray(shown[places.round().astype(int)], dtype=np.int64)


def input_scale(values: Float32[np.ndarray, "x y z"]) -> float:
    """Intensity that the network sees as 1: 99.9th percentile of the slices that show the head.

    As in training, slices of air alone do not count, so that a wide field of view does not lower
    the scale; here the mean of a slice tells whether it shows the head.

    Raises
    ------
    McnetError
        The scan is too dark to have a scale.
    """
    content = np.maximum(values, 0).mean(axis=(1, 2))
    return intensity_scale(values[content >= _HEAD_SHARE * content.max()])
