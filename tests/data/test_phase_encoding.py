"""The axis of the lines, from DICOM's words."""

import numpy as np
import pytest

from mcnet.data.phase_encoding import phase_encoding_axis, phase_encoding_of_sidecar

SAGITTAL = [-0.06, 0.998, 0, 0, 0.02, -0.99]
AXIAL = [1, 0, 0, 0, 1, 0]


@pytest.mark.parametrize(
    ("direction", "orientation", "axis"),
    [
        ("ROW", SAGITTAL, "y"),
        ("COL", SAGITTAL, "z"),
        ("COLUMN ", SAGITTAL, "z"),
        ("ROW", AXIAL, "x"),
        ("COL", np.reshape(AXIAL, (2, 3)), "y"),
        ("OTHER", AXIAL, None),
        (None, AXIAL, None),
        ("ROW", None, None),
        ("ROW", [1, 0], None),
        ("ROW", ["a"] * 6, None),
    ],
)
def test_rows_and_columns_are_named_by_the_nearest_axis(direction, orientation, axis):
    assert phase_encoding_axis(direction, orientation) == axis


def test_a_sidecar_tells_it_in_the_same_words():
    about = {"InPlanePhaseEncodingDirectionDICOM": "COL", "ImageOrientationPatientDICOM": SAGITTAL}
    assert phase_encoding_of_sidecar(about) == "z"
    assert phase_encoding_of_sidecar({}) is None
