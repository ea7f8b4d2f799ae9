"""Whether a grid can hold the head of a subject: what tells wrong units and wrong voxel sizes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mcnet.core.errors import McnetError

# set by what was observed; other values: experiments/tuning/head_size.py
SMALLEST_MM = 60.0
"""A scan that is shorter along two axes is of no head."""
# set by what was observed; other values: experiments/tuning/head_size.py
FINEST_MM = 0.35
"""Voxels that are finer along two axes make a small scan one of wrong units, not a part of a head.

Heads in centimetres that are taken for millimetres have voxels of .03 to .3.
"""
# set by what was observed; other values: experiments/tuning/head_size.py
LARGEST_MM = 600.0
"""A scan that is longer along two axes is of no head; no scanner's bore is wider."""
# set by what was observed; other values: experiments/tuning/head_size.py
LONGEST_MM = 1000.0
"""Nor is one that is longer along a single axis."""


def check_head_size(
    place: Path, shape: Sequence[int], voxel_size_mm: Sequence[float], remedy: str
) -> None:
    """Refuse, before anything is allocated, a grid on which no head can lie.

    Parameters
    ----------
    place
        The scan, for the sentence.
    shape, voxel_size_mm
        Of the three axes, in any order.
    remedy
        What to check, for the end of the sentence.

    Raises
    ------
    McnetError
        The middle one of the three lengths is above `LARGEST_MM` or the longest above
        `LONGEST_MM`; or the middle one is below `SMALLEST_MM` and the middle voxel size below
        `FINEST_MM`.
    """
    lengths_mm = np.asarray(shape, dtype=float) * np.asarray(voxel_size_mm, dtype=float)
    _, middle, longest = np.sort(lengths_mm)
    is_small = middle < SMALLEST_MM and np.median(voxel_size_mm) < FINEST_MM
    if is_small or middle > LARGEST_MM or longest > LONGEST_MM:
        size = " x ".join(f"{length:.3g}" for length in lengths_mm)
        steps = " x ".join(f"{step:.3g}" for step in voxel_size_mm)
        raise McnetError(
            f"{place} measures {size} mm (voxels of {steps} mm), which no head can; expected "
            f"{SMALLEST_MM:.0f} to {LARGEST_MM:.0f} mm: {remedy}."
        )
