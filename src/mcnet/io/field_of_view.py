"""Whether a field of view can be that of a head, and whether a scan fits it."""

import numpy as np

from mcnet.core.errors import McnetError
from mcnet.io.volume import Volume
from mcnet.motion.poses import AXES
from mcnet.physics.acquisition import Acquisition

LEAST_HEAD_MM = 50.0
MOST_HEAD_MM = 600.0
"""Within its plane, a field of view that images a head is no shorter, and no longer than the bore
of a scanner is wide. Across it there may be a single slice."""


def check_head_sized(name: str, length_mm: float, remedy: str) -> None:
    """Refuse a field of view, within the plane, that no scan of a head has.

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
        It is too short or too long; a length in metres is told as such.
    """
    if LEAST_HEAD_MM <= length_mm <= MOST_HEAD_MM:
        return
    in_metres = LEAST_HEAD_MM <= 1000 * length_mm <= MOST_HEAD_MM
    hint = f" (metres? {1000 * length_mm:g} mm would be a head)" if in_metres else ""
    raise McnetError(
        f"{name} of {length_mm:g} mm{hint}, but a field of view that images a head is "
        f"{LEAST_HEAD_MM:g} to {MOST_HEAD_MM:g} mm long; {remedy}."
    )


def check_no_aliasing(scan: Volume, acquisition: Acquisition) -> None:
    """Refuse a field of view that is shorter than the bright part of a scan, or beyond any bore.

    What lies outside would fold over onto the other side of the image.

    Raises
    ------
    McnetError
        The field of view is too short or too long, or nothing of the scan is bright.
    """
    for axis, length_mm in zip(AXES, acquisition.fov_mm, strict=True):
        if length_mm > MOST_HEAD_MM:
            check_head_sized(
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
