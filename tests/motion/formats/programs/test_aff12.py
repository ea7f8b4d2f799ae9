"""AFNI's matrices: where a point of the head goes, against routes that share nothing with mcnet."""

from pathlib import Path

import numpy as np
import pytest

from mcnet.core.errors import McnetError
from mcnet.motion.formats.files import is_motion_file, read_motion, write_motion
from mcnet.motion.generators import generate_motion

STILL = [1.0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]


def about(axis: int, degrees: float) -> np.ndarray:
    """Rotation of a point about an axis by the right-hand rule, written out by hand."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array(
        [
            [[1, 0, 0], [0, c, -s], [0, s, c]],
            [[c, 0, s], [0, 1, 0], [-s, 0, c]],
            [[c, -s, 0], [s, c, 0], [0, 0, 1]],
        ][axis]
    )


def matrix_of(rotation: np.ndarray, translation: np.ndarray) -> np.ndarray:
    return np.vstack([np.column_stack([rotation, translation]), [0, 0, 0, 1]])


def written(folder: Path, *rows: np.ndarray | list[float]) -> Path:
    """A file as 3dvolreg writes it: a comment, and twelve numbers of six digits a row."""
    path = folder / "mat.r01.vr.aff12.1D"
    lines = ["# 3dvolreg matrices (DICOM-to-DICOM, row-by-row):"]
    lines += [" ".join(f"{value:13.6g}" for value in row) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


# a point of the head that lies at p in the base lies at R p + t in the volume, in DICOM's axes
PHYSICAL = [
    ("a head gone 2 mm to the left", np.eye(3), [2, 0, 0], [-2, 0, 0], [0, 0, 0]),
    ("a head gone 2 mm to the back", np.eye(3), [0, 2, 0], [0, -2, 0], [0, 0, 0]),
    ("a head gone 2 mm up", np.eye(3), [0, 0, 2], [0, 0, 2], [0, 0, 0]),
    # y to z in DICOM's axes: the back of the head goes up, the nose goes down, the chin drops
    ("a nod, chin down, by 5 degrees", about(0, 5), [0, 0, 0], [0, 0, 0], [-5, 0, 0]),
    # z to x: the top of the head goes to the left, as the right-hand rule about -y of RAS has it
    ("the left ear to the shoulder", about(1, 5), [0, 0, 0], [0, 0, 0], [0, -5, 0]),
    # x to y: the left ear goes to the back, the nose to the left
    ("a look to the left", about(2, 5), [0, 0, 0], [0, 0, 0], [0, 0, 5]),
]


@pytest.mark.parametrize(
    ("rotation", "translation", "translation_mm", "rotation_deg"),
    [case[1:] for case in PHYSICAL],
    ids=[case[0] for case in PHYSICAL],
)
def test_one_number_moves_one_degree_of_freedom(
    tmp_path: Path, rotation, translation, translation_mm, rotation_deg
) -> None:
    row = np.column_stack([rotation, translation]).ravel()
    trace = read_motion(written(tmp_path, STILL, row), "aff12")
    assert trace.translation_mm[1] == pytest.approx(translation_mm, abs=1e-5)
    assert trace.rotation_deg[1] == pytest.approx(rotation_deg, abs=1e-4)


def test_points_go_where_the_matrix_of_the_file_takes_them(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    rotation = about(1, 11.0) @ about(0, -7.0) @ about(2, 5.0)
    translation = np.array([4.0, -7.0, 11.0])
    row = np.column_stack([rotation, translation]).ravel()
    pose = read_motion(written(tmp_path, STILL, row)).poses[1]
    for dicom in rng.uniform(-90, 90, (20, 3)):
        x, y, z = rotation @ dicom + translation
        right, front, up = (pose @ [-dicom[0], -dicom[1], dicom[2], 1])[:3]
        assert [-right, -front, up] == pytest.approx([x, y, z], abs=1e-3)


@pytest.mark.parametrize("centre", [(0, 0, 0), (3.0, -21.0, 34.0)])
def test_matrices_and_six_numbers_of_one_run_are_one_motion(tmp_path: Path, centre) -> None:
    # as 3dvolreg has both: the volume is rotated about the centre of the grid by roll about z,
    # pitch about x, yaw about y, and translated by (dL, dP, dS), to lie on the base; the matrix of
    # -1Dmatrix_save is the inverse of that, from the base to the volume
    rolls = np.array([[0, 0, 0, 0, 0, 0], [5, -4, 7, 1.5, -2.5, 3.5], [-2, 6, -3, -1, 2, 0.5]])
    rows = []
    for roll, pitch, yaw, superior, left, posterior in rolls:
        rotation = about(1, yaw) @ about(0, pitch) @ about(2, roll)
        shift = np.array([left, posterior, superior]) + centre - rotation @ centre
        rows.append(np.linalg.inv(matrix_of(rotation, shift))[:3].ravel())
    six = tmp_path / "dfile.r01.1D"
    np.savetxt(six, rolls)
    by_matrix, by_numbers = read_motion(written(tmp_path, *rows)), read_motion(six)
    np.testing.assert_allclose(by_matrix.rotation_deg, by_numbers.rotation_deg, atol=1e-4)
    # the matrices rotate about the origin of the world, and not about the centre
    in_ras = np.array([-1, -1, 1]) * centre
    apart = in_ras - by_matrix.poses[:, :3, :3] @ in_ras
    np.testing.assert_allclose(
        by_matrix.translation_mm - apart, by_numbers.translation_mm, atol=1e-3
    )
    if any(centre):
        assert np.abs(apart).max() > 1


def test_written_matrices_are_the_inverse_of_what_was_read(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    trace = generate_motion(30, rng)
    path = tmp_path / "head.aff12.1D"
    write_motion(path, trace, "aff12")
    assert path.read_text().startswith("# mcnet matrices (DICOM-to-DICOM, row-by-row):\n")
    table = np.loadtxt(path)
    assert table.shape == (30, 12)
    flip = np.diag([-1, -1, 1, 1])
    expected = (flip @ trace.poses @ flip)[:, :3].reshape(30, 12)
    np.testing.assert_allclose(table, expected, atol=1e-9)


def test_the_name_tells_matrices_from_six_numbers(tmp_path: Path) -> None:
    assert is_motion_file(written(tmp_path, STILL))
    plain = tmp_path / "mat.1D"
    plain.write_text(" ".join(str(value) for value in STILL) + "\n")
    with pytest.raises(McnetError, match="12 columns found, but afni .* .aff12 has 12"):
        read_motion(plain)
    assert read_motion(plain, "aff12").n_points == 1


@pytest.mark.parametrize(
    ("linear", "why"),
    [
        (np.diag([1.02, 1, 1]), "line 3: the matrix scales or shears lengths by up to 2 %"),
        (np.array([[1, 0.01, 0], [0, 1, 0], [0, 0, 1]]), "line 3: the matrix scales or shears"),
        (np.diag([-1, 1, 1]), "line 3: the matrix mirrors"),
        (np.zeros((3, 3)), "line 3: the matrix scales or shears lengths by up to 1e.02 %"),
    ],
)
def test_matrices_that_are_not_rigid_are_refused_by_their_line(
    tmp_path: Path, linear, why: str
) -> None:
    row = np.column_stack([linear, [1.0, 2, 3]]).ravel()
    with pytest.raises(McnetError, match=why) as refused:
        read_motion(written(tmp_path, STILL, row))
    assert "3dAllineate -warp shift_rotate" in str(refused.value)
    assert str(refused.value).endswith(".")


def test_rounding_to_six_digits_is_rigid(tmp_path: Path) -> None:
    row = np.column_stack([about(0, 3.3) @ about(2, 1.7), [0.1, 0.2, 0.3]]).ravel()
    path = written(tmp_path, STILL, np.round(row, 4))
    poses = read_motion(path).poses
    np.testing.assert_allclose(poses[1, :3, :3] @ poses[1, :3, :3].T, np.eye(3), atol=1e-12)


def test_impossible_motion_is_told_by_its_degree_of_freedom(tmp_path: Path) -> None:
    row = np.column_stack([about(1, 40), [0, 0, 0]]).ravel()
    with pytest.raises(McnetError, match="line 3: the rotation about y is -40 deg, but a head"):
        read_motion(written(tmp_path, STILL, row))
    row = np.column_stack([np.eye(3), [0, 51, 0]]).ravel()
    with pytest.raises(McnetError, match="line 3: the translation along y is -51 mm, but a head"):
        read_motion(written(tmp_path, STILL, row))
