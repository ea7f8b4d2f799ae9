"""Whether a scan fits the field of view."""

import numpy as np

from mcnet.data.volume import Volume
from mcnet.errors import McnetError
from mcnet.geometry import AXES
from mcnet.simulation.acquisition import Acquisition


def refuse_folding(scan: Volume, acquisition: Acquisition) -> None:
    """Refuse a field of view that is shorter than the bright part of a scan.

    What lies outside would fold over onto the other side of the image.

    Raises
    ------
    McnetError
        The field of view is too short, or nothing of the scan is bright.
    """
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
