"""The axis of the lines, by DICOM's words and by those of BIDS."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from mcnet.io.nifti.files import read_volume, voxel_axes
from mcnet.io.phase_encoding import phase_encoding_note, phase_encoding_of
from mcnet.motion.poses import rotation_matrix

SAGITTAL = [-0.06, 0.998, 0, 0, 0.02, -0.99]
AXIAL = [1, 0, 0, 0, 1, 0]
RAS = ("R", "A", "S")


def axis_of(about: dict[str, object], affine: np.ndarray | None = None, axes=RAS):
    found = phase_encoding_of(about, np.eye(4) if affine is None else affine, axes)
    assert not found.warnings
    return found.axis


@pytest.mark.parametrize(
    ("direction", "orientation", "axis"),
    [
        ("ROW", SAGITTAL, "y"),
        ("COL", SAGITTAL, "z"),
        ("COLUMN ", SAGITTAL, "z"),
        ("col ", SAGITTAL, "z"),
        (["Row"], SAGITTAL, "y"),
        ("ROW", AXIAL, "x"),
        ("COL", np.reshape(AXIAL, (2, 3)).tolist(), "y"),
        ("COL", [str(number) for number in AXIAL], "y"),
        ("OTHER", AXIAL, None),
        (5, AXIAL, None),
        (None, AXIAL, None),
        ("ROW", None, None),
        ("ROW", [1, 0], None),
        ("ROW", ["a"] * 6, None),
        ("ROW", [None] * 6, None),
        ("ROW", [0] * 6, None),
        ("ROW", [10**400] * 6, None),
        ("ROW", ["inf"] * 6, None),
        ("ROW", {"a": 1}, None),
    ],
)
def test_rows_and_columns_are_named_by_the_nearest_axis(direction, orientation, axis):
    words = {
        "InPlanePhaseEncodingDirectionDICOM": direction,
        "ImageOrientationPatientDICOM": orientation,
    }
    assert axis_of(words) == axis


def test_of_an_oblique_scan_the_axis_is_its_own():
    """Turned far enough, a row is nearer to another axis of the scanner than to its own."""
    turned = rotation_matrix(np.array([46.0, 37.0, 20.0]))
    assert np.abs(turned[:, 2]).argmax() == 0
    affine = nib.affines.from_matvec(turned @ np.diag([0.8, 1.1, 1.3]))
    assert nib.aff2axcodes(affine) == RAS
    rows, columns = (turned @ np.eye(3)[:, [1, 2]]).T * [-1, -1, 1]
    for word, axis in (("ROW", "y"), ("COL", "z")):
        words = {
            "InPlanePhaseEncodingDirectionDICOM": word,
            "ImageOrientationPatientDICOM": [*rows, *columns],
        }
        assert axis_of(words, affine) == axis


@pytest.mark.parametrize(
    ("direction", "axes", "axis"),
    [
        ("i", RAS, "x"),
        ("j", RAS, "y"),
        ("k-", RAS, "z"),
        ("j-", ("L", "P", "S"), "y"),
        ("i", ("P", "I", "R"), "y"),
        ("j", ("P", "I", "R"), "z"),
        (" K ", ("P", "I", "R"), "x"),
        ("y", RAS, None),
        ("ij", RAS, None),
        (1, RAS, None),
        (None, RAS, None),
        ("i", (), None),
    ],
)
@pytest.mark.parametrize("name", ["PhaseEncodingDirection", "PhaseEncodingAxis"])
def test_bids_counts_the_axes_of_the_file(name, direction, axes, axis):
    assert axis_of({name: direction}, axes=axes) == axis


def test_dicom_wins_over_bids_and_a_disagreement_is_told():
    words = {
        "InPlanePhaseEncodingDirectionDICOM": "COL",
        "ImageOrientationPatientDICOM": SAGITTAL,
        "PhaseEncodingDirection": "k-",
    }
    assert axis_of(words) == "z"
    found = phase_encoding_of(words | {"PhaseEncodingDirection": "j"}, np.eye(4), RAS)
    assert found.axis == "z"
    assert (
        "z by InPlanePhaseEncodingDirectionDICOM, y by PhaseEncodingDirection" in found.warnings[0]
    )
    assert phase_encoding_of({}, np.eye(4)).axis is None


@pytest.mark.parametrize("letters", ["RAS", "LPS", "PIR", "SAL", "ARI"])
@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_what_is_written_for_a_file_is_read_of_it(tmp_path: Path, letters: str, axis):
    ras = nib.orientations.axcodes2ornt("RAS")
    to_file = nib.orientations.ornt_transform(ras, nib.orientations.axcodes2ornt(letters))
    values = np.random.default_rng(1).random((9, 11, 10)).astype(np.float32)
    affine = nib.affines.from_matvec(rotation_matrix(np.array([8.0, -12.0, 5.0])))
    image = nib.Nifti1Image(values, affine).as_reoriented(to_file)
    nib.save(image, tmp_path / "a.nii")
    path = tmp_path / "a.nii"
    assert "".join(voxel_axes(path)) == letters
    words = phase_encoding_note(axis, path)
    assert axis_of(words, read_volume(path).affine, voxel_axes(path)) == axis
    # by the words of BIDS themselves: the letter counts the axes of the file, the sign their way
    place = "ijk".index(words["PhaseEncodingDirection"][0])
    step = image.affine[:3, place]
    assert int(np.abs(step).argmax()) == "xyz".index(axis)
    assert words["PhaseEncodingDirection"].endswith("-") == bool(step["xyz".index(axis)] < 0)


def test_without_a_file_the_axes_are_those_of_ras():
    assert [phase_encoding_note(axis)["PhaseEncodingDirection"] for axis in "xyz"] == [*"ijk"]
