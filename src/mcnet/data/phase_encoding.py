"""Along which axis lines were encoded, by what a scan says of itself.

Read from DICOM's words alone, in a series or in the JSON file that dcm2niix writes: they are of the
scanner's axes and stay true when the voxels are turned. NIfTI's own ``dim_info`` counts axes of the
file, and is seldom kept up to date by programs that turn it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mcnet.geometry import AXES, Axis

_PLACES = {"ROW": 0, "COL": 1, "COLUMN": 1}
"""Which of the two vectors of ``ImageOrientationPatient`` lines are encoded along."""


def phase_encoding_axis(direction: object, orientation: object) -> Axis | None:
    """Axis of RAS+ nearest to the lines' own; none where the scan does not tell.

    Parameters
    ----------
    direction
        DICOM's ``InPlanePhaseEncodingDirection``: ROW, or COL (in enhanced files COLUMN).
    orientation
        Six numbers of ``ImageOrientationPatient``: unit vectors along a row and along a column.
    """
    place = _PLACES.get(str(direction or "").strip())
    if place is None or not isinstance(orientation, Sequence | np.ndarray):
        return None
    try:
        vectors = np.asarray(orientation, dtype=float).reshape(2, 3)
    except (TypeError, ValueError):
        return None
    return AXES[int(np.abs(vectors[place]).argmax())]


def phase_encoding_of_sidecar(about: Mapping[str, Any]) -> Axis | None:
    """`phase_encoding_axis` of a JSON file as dcm2niix writes it."""
    return phase_encoding_axis(
        about.get("InPlanePhaseEncodingDirectionDICOM"), about.get("ImageOrientationPatientDICOM")
    )
