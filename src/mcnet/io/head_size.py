"""Whether lengths are those of a head: of a voxel grid, a field of view, a head within it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mcnet.core.errors import McnetError
from mcnet.io.volume import Volume
from mcnet.motion.poses import AXES
from mcnet.physics.acquisition import Acquisition

# set by what was observed; other values: experiments/tuning/head_size.py
SMALLEST_MM = 60.0
"""A scan that is shorter along two axes is not of a head."""
# set by what was observed; other values: experiments/tuning/head_size.py
FINEST_MM = 0.35
"""A small scan with voxels finer than this along two axes has wrong units; with larger voxels it
may be a part of a head. Heads in centimetres taken for millimetres have voxels of .03 to .3."""
# set by what was observed; other values: experiments/tuning/head_size.py
LARGEST_MM = 600.0
"""A scan that is longer along two axes, or a field of view that is longer along one, is not of a
head: no scanner's bore is wider."""
# set by what was observed; other values: experiments/tuning/head_size.py
LONGEST_MM = 1000.0
"""Nor is a scan that is longer along a single axis."""
SHORTEST_FOV_MM = 50.0
"""A field of view that images a head is no shorter within its plane; across it there may be a
single slice."""


def check_head_size(
    place: Path, shape: Sequence[int], voxel_size_mm: Sequence[float], remedy: str
) -> None:
    """Check, before anything is allocated, that a head can lie on a voxel grid.

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


def check_field_of_view(name: str, length_mm: float, remedy: str) -> None:
    """Check a field of view within the plane of a scan of a head.

    Parameters
    ----------
    name
        Whose it is, for the sentence, such as "scan.h5 has encodedSpace.fieldOfView_mm.y".
    length_mm
        Its length.
    remedy
        How the sentence ends.

    Raises
    ------
    McnetError
        It is too short or too long; the sentence suggests metres where they fit.
    """
    if SHORTEST_FOV_MM <= length_mm <= LARGEST_MM:
        return
    in_metres = SHORTEST_FOV_MM <= 1000 * length_mm <= LARGEST_MM
    hint = f" (metres? {1000 * length_mm:g} mm would be a head)" if in_metres else ""
    raise McnetError(
        f"{name} of {length_mm:g} mm{hint}, but a field of view that images a head is "
        f"{SHORTEST_FOV_MM:g} to {LARGEST_MM:g} mm long; {remedy}."
    )


def check_no_aliasing(scan: Volume, acquisition: Acquisition) -> None:
    """Check that the bright part of a scan fits the field of view, without aliasing.

    What lies outside would fold over onto the other side of the image.

    Raises
    ------
    McnetError
        The field of view is too short or too long, or nothing of the scan is bright.
    """
    for axis, length_mm in zip(AXES, acquisition.fov_mm, strict=True):
        if length_mm > LARGEST_MM:
            check_field_of_view(
                f"the acquisition has a field of view along {axis}",
                length_mm,
                "give a smaller field of view",
            )
    level = np.percentile(scan.values, 99.9)
    if not level > 0:
        raise McnetError(
            f"{scan.name} is dark (99.9th percentile {level:g}); a magnitude image of a head is "
            "needed."
        )
    bright = scan.values > 0.1 * level
    for index, axis in enumerate(AXES):
        others = tuple(other for other in range(3) if other != index)
        inside = np.flatnonzero(bright.any(axis=others))
        length_mm = (inside[-1] - inside[0] + 1) * scan.voxel_size_mm[index]
        if length_mm > acquisition.fov_mm[index] + acquisition.voxel_size_mm[index]:
            raise McnetError(
                f"{scan.name} is {length_mm:.0f} mm long along {axis} and folds over in a field of "
                f"view of {acquisition.fov_mm[index]:.0f} mm; give a larger field of view."
            )
