"""Motion files: what each program's numbers do to a head, round trips, and bad files."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from mcnet.core.errors import McnetError
from mcnet.motion.formats.files import (
    check_motion_name,
    is_motion_file,
    motion_files,
    read_motion,
    write_motion,
)
from mcnet.motion.formats.registry import FORMAT_NAMES
from mcnet.motion.plausibility import is_suspicious
from mcnet.motion.trace import MotionTrace

NAMES: dict[str, str] = {
    "fsl": "head.par",
    "spm": "rp_head.txt",
    "afni": "head.1D",
    "aff12": "head.aff12.1D",
    "fmriprep": "sub-1_desc-confounds_timeseries.tsv",
    "csv": "head.csv",
}
CSV_HEADER = ",".join([f"translation_{a}_mm" for a in "xyz"] + [f"rotation_{a}_deg" for a in "xyz"])
FMRIPREP_HEADER = "global_signal\ttrans_x\ttrans_y\ttrans_z\trot_x\trot_y\trot_z"


def written(folder: Path, motion_format: str, row: list[float]) -> Path:
    """A motion file of two rows: rest, and ``row``."""
    path = folder / NAMES[motion_format]
    rows = [[0.0] * 6, row]
    lines = [" ".join(str(value) for value in each) for each in rows]
    if motion_format == "fmriprep":
        lines = [
            FMRIPREP_HEADER,
            *("n/a\t" + "\t".join(str(value) for value in each) for each in rows),
        ]
    if motion_format == "csv":
        lines = [CSV_HEADER, *(line.replace(" ", ",") for line in lines)]
    path.write_text("\n".join(lines) + "\n")
    return path


def last_pose(path: Path, motion_format: str) -> np.ndarray:
    """Six numbers of the last pose: mm, then deg."""
    trace = read_motion(path, motion_format)
    return np.concatenate([trace.translation_mm[-1], trace.rotation_deg[-1]])


RADIANS = np.radians(2.0)
# x right, y to the front, z up; a positive rotation about x lifts the chin, about y lowers the
# right ear, about z moves the nose to the left
PHYSICAL: list[tuple[str, str, int, float, int, float]] = [
    ("FSL rotates about x as the head does", "fsl", 0, RADIANS, 3, 2.0),
    ("FSL rotates about y the other way, as its x runs left", "fsl", 1, RADIANS, 4, -2.0),
    ("FSL rotates about z the other way, as its x runs left", "fsl", 2, RADIANS, 5, -2.0),
    ("FSL moves the volume back to the left of a head gone right", "fsl", 3, 1.5, 0, 1.5),
    ("FSL moves the volume back to the front", "fsl", 4, 1.5, 1, -1.5),
    ("FSL moves the volume back up", "fsl", 5, 1.5, 2, -1.5),
    ("fMRIPrep's trans_x is FSL's", "fmriprep", 0, 1.5, 0, 1.5),
    ("fMRIPrep's trans_z is FSL's", "fmriprep", 2, 1.5, 2, -1.5),
    ("fMRIPrep's rot_x is FSL's", "fmriprep", 3, RADIANS, 3, 2.0),
    ("fMRIPrep's rot_z is FSL's", "fmriprep", 5, RADIANS, 5, -2.0),
    ("SPM moves the volume back to the right", "spm", 0, 1.5, 0, -1.5),
    ("SPM moves the volume back up", "spm", 2, 1.5, 2, -1.5),
    ("SPM's pitch is a rotation about x", "spm", 3, RADIANS, 3, 2.0),
    ("SPM's roll is a rotation about y, the other way", "spm", 4, RADIANS, 4, -2.0),
    ("SPM's yaw is a rotation about z", "spm", 5, RADIANS, 5, 2.0),
    ("a nod of 2 degrees in AFNI is column 2", "afni", 1, 2.0, 3, 2.0),
    ("a shake of the head in AFNI is column 1", "afni", 0, 2.0, 5, -2.0),
    ("an ear to the shoulder in AFNI is column 3", "afni", 2, 2.0, 4, 2.0),
    ("AFNI lifts back what sank", "afni", 3, 1.5, 2, -1.5),
    ("AFNI moves back to the left what went right", "afni", 4, 1.5, 0, 1.5),
    ("AFNI moves back what went to the front", "afni", 5, 1.5, 1, 1.5),
    ("CSV says what it means: translation along y", "csv", 1, 1.5, 1, 1.5),
    ("CSV says what it means: rotation about z", "csv", 5, 2.0, 5, 2.0),
]


@pytest.mark.parametrize(
    ("motion_format", "column", "number", "freedom", "expected"),
    [case[1:] for case in PHYSICAL],
    ids=[case[0] for case in PHYSICAL],
)
def test_one_number_of_a_program_moves_one_degree_of_freedom(
    tmp_path: Path,
    motion_format: str,
    column: int,
    number: float,
    freedom: int,
    expected: float,
) -> None:
    row = [0.0] * 6
    row[column] = number
    pose = last_pose(written(tmp_path, motion_format, row), motion_format)
    assert pose[freedom] == pytest.approx(expected, abs=1e-9)
    assert np.delete(pose, freedom) == pytest.approx(0, abs=1e-9)


def fsl_to_reference(row: list[float]) -> np.ndarray:
    """MCFLIRT's matrix of a row, in its own left-anterior-superior millimetres."""
    x, y, z = np.cos(row[:3])
    sx, sy, sz = np.sin(row[:3])
    about_x = np.array([[1, 0, 0], [0, x, sx], [0, -sx, x]])
    about_y = np.array([[y, 0, -sy], [0, 1, 0], [sy, 0, y]])
    about_z = np.array([[z, sz, 0], [-sz, z, 0], [0, 0, 1]])
    matrix = np.eye(4)
    matrix[:3, :3] = about_x @ about_y @ about_z
    matrix[:3, 3] = row[3:]
    return matrix


def spm_to_reference(row: list[float]) -> np.ndarray:
    """spm_matrix of a row."""
    c, s = np.cos(row[3:]), np.sin(row[3:])
    pitch = np.array([[1, 0, 0], [0, c[0], s[0]], [0, -s[0], c[0]]])
    roll = np.array([[c[1], 0, s[1]], [0, 1, 0], [-s[1], 0, c[1]]])
    yaw = np.array([[c[2], s[2], 0], [-s[2], c[2], 0], [0, 0, 1]])
    matrix = np.eye(4)
    matrix[:3, :3] = pitch @ roll @ yaw
    matrix[:3, 3] = row[:3]
    return matrix


def afni_to_base(row: list[float]) -> np.ndarray:
    """3dvolreg's matrix of a row in DICOM's left-posterior-superior millimetres."""
    roll, pitch, yaw, superior, left, posterior = row
    matrix = np.eye(4)
    for axis, angle in ((2, roll), (0, pitch), (1, yaw)):
        rotation = Rotation.from_rotvec(np.eye(3)[axis] * angle, degrees=True).as_matrix()
        matrix[:3, :3] = rotation @ matrix[:3, :3]
    matrix[:3, 3] = left, posterior, superior
    return matrix


@pytest.mark.parametrize(
    ("motion_format", "row", "to_reference", "axes"),
    [
        ("fsl", [0.3, -0.2, 0.5, 4.0, -7.0, 11.0], fsl_to_reference, [-1, 1, 1]),
        ("spm", [4.0, -7.0, 11.0, 0.3, -0.2, 0.5], spm_to_reference, [1, 1, 1]),
        ("afni", [17.0, -11.0, 29.0, 4.0, -7.0, 11.0], afni_to_base, [-1, -1, 1]),
    ],
)
def test_large_motion_is_undone_by_the_matrix_of_the_program(
    tmp_path: Path, motion_format: str, row: list[float], to_reference, axes: list[int]
) -> None:
    trace = read_motion(written(tmp_path, motion_format, row))
    point = np.array([31.0, -17.0, 53.0, 1.0])
    own_axes = np.diag([*axes, 1])
    seen_by_program = own_axes @ trace.poses[-1] @ point
    assert own_axes @ to_reference(row) @ seen_by_program == pytest.approx(point, abs=1e-9)


def test_mcflirt_matrix_printed_beside_its_par_file_has_our_rotation(tmp_path: Path) -> None:
    # a published pair of MAT_0000 and the first row of the .par file
    row = [0.000388147, -0.000175142, 0.000708284, 0, 0, 0]
    printed = [[1, 0.000708, 0.000175], [-0.000708, 1, 0.000388], [-0.000175, -0.000388, 1]]
    head = read_motion(written(tmp_path, "fsl", row)).poses[-1, :3, :3]
    flip = np.diag([-1, 1, 1])
    assert flip @ head.T @ flip == pytest.approx(np.array(printed), abs=1e-6)


# what a head can do, and what no other reading makes more ordinary
traces = (
    st.integers(1, 7)
    .flatmap(
        lambda n: st.builds(
            MotionTrace,
            translation_mm=arrays(float, (n, 3), elements=st.floats(-15, 15)),
            rotation_deg=arrays(float, (n, 3), elements=st.floats(-12, 12)),
        )
    )
    .filter(lambda trace: not is_suspicious(trace))
)


@pytest.mark.parametrize("motion_format", NAMES)
@settings(deadline=None, max_examples=25)
@given(trace=traces)
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, motion_format: str, trace: MotionTrace
) -> None:
    path = tmp_path_factory.mktemp("trip") / NAMES[motion_format]
    write_motion(path, trace, motion_format)
    again = read_motion(path)
    assert again.poses == pytest.approx(trace.poses, abs=1e-8)
    assert again.name == path.name


def test_written_file_has_its_origin_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "head.par"
    write_motion(path, MotionTrace(np.zeros((3, 3)), np.zeros((3, 3))), "fsl")
    assert json.loads((tmp_path / "head.par.json").read_text())["generator"] == "mcnet"


def test_csv_keeps_the_interval_and_an_argument_overrides_it(tmp_path: Path) -> None:
    path = tmp_path / "head.csv"
    write_motion(path, MotionTrace(np.ones((5, 3)), np.ones((5, 3)), interval_s=0.72), "csv")
    assert path.read_text().startswith("time_s,translation_x_mm")
    assert read_motion(path).interval_s == pytest.approx(0.72)
    assert read_motion(path, interval_s=2.5).interval_s == 2.5


def test_comments_and_blank_lines_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "head.1D"
    path.write_text("# 3dvolreg\n\n 0 1 0 0 0 0\n   \n 0 2 0 0 0 0\n")
    assert read_motion(path).rotation_deg[:, 0] == pytest.approx([1, 2])


def test_nine_columns_of_afni_are_its_dfile(tmp_path: Path) -> None:
    path = tmp_path / "dfile.1D"
    path.write_text("7  0.0 2.0 0.0  0.0 1.5 0.0  33.1 12.9\n")
    trace = read_motion(path)
    assert trace.rotation_deg[0] == pytest.approx([2, 0, 0])
    assert trace.translation_mm[0] == pytest.approx([1.5, 0, 0], abs=0.1)


def test_header_tells_the_format_where_the_name_does_not(tmp_path: Path) -> None:
    for motion_format in ("fmriprep", "csv"):
        path = written(tmp_path, motion_format, [0, 0, 1.5, 0, 0, 0]).rename(tmp_path / "m.txt")
        expected = -1.5 if motion_format == "fmriprep" else 1.5
        assert read_motion(path).translation_mm[1, 2] == pytest.approx(expected)


def test_old_names_of_fmriprep_are_those_of_today(tmp_path: Path) -> None:
    rows = "0\t1.5\t0\t0\t0.01\t0\t0\n0\t0\t2.5\t0.5\t0\t0.02\t0.03\n"
    traces = []
    for name, columns in (("old.tsv", "X\tY\tZ\tRotX\tRotY\tRotZ"), ("new.tsv", None)):
        header = f"WhiteMatter\t{columns}" if columns else FMRIPREP_HEADER
        (tmp_path / name).write_text(f"{header}\n{rows}")
        assert is_motion_file(tmp_path / name)
        traces.append(read_motion(tmp_path / name))
    np.testing.assert_array_equal(traces[0].poses, traces[1].poses)
    assert traces[0].translation_mm[1, 2] == pytest.approx(-0.5, abs=0.1)


@pytest.mark.parametrize(
    "text",
    [
        "0,01 0,02 0 0,3 0 0\n",  # decimal commas
        "0.01 0.02\t0  0.3 0 0\n",  # a stray tab
        "0.01\t0.02\t0\t0.3\t0\t0\t\n",  # a tab at the end
        "0.01, 0.02, 0, 0.3, 0, 0\n",
        "0,01;0,02;0;0,3;0;0\n",
    ],
)
def test_six_numbers_are_read_however_they_are_parted(tmp_path: Path, text: str) -> None:
    path, plain = tmp_path / "odd.par", tmp_path / "plain.par"
    path.write_text(text)
    plain.write_text("0.01 0.02 0 0.3 0 0\n")
    np.testing.assert_array_equal(read_motion(path).poses, read_motion(plain).poses)


@pytest.mark.parametrize("motion_format", ["csv", "fmriprep"])
def test_columns_without_a_name_do_not_count(tmp_path: Path, motion_format: str) -> None:
    # pandas writes its row numbers so, spreadsheets an empty column at the end
    angle = 0.5 if motion_format == "csv" else 0.01
    path = written(tmp_path, motion_format, [0.5, 0, 1.5, angle, 0, 0])
    expected = read_motion(path).poses
    separator = "," if motion_format == "csv" else "\t"
    header, *rows = path.read_text().splitlines()
    first = [separator + header, *(f"{n}{separator}{row}" for n, row in enumerate(rows))]
    last = [line + separator for line in (header, *rows)]
    for lines in (first, last):
        path.write_text("\n".join(lines) + "\n")
        np.testing.assert_array_equal(read_motion(path).poses, expected)


def test_a_nameless_field_does_not_hide_the_names_that_are_needed(tmp_path: Path) -> None:
    (tmp_path / "a.par").write_text("0;0;0;0;0;0;\n" * 2)
    with pytest.raises(McnetError, match=r"have 6 \(rot_x rot_y rot_z trans_x trans_y trans_z\)"):
        read_motion(tmp_path / "a.par")


def test_csv_of_a_spreadsheet_with_semicolons_and_decimal_commas_is_read(tmp_path: Path) -> None:
    path = tmp_path / "head.csv"
    rows = "0,0;0;0;0;0;0;0\n0,5;1,5;0;0;0,25;0;0\n1,0;1,5;0;0;0,25;0;0\n"
    path.write_text("time_s;" + CSV_HEADER.replace(",", ";") + "\n" + rows)
    trace = read_motion(path)
    assert trace.translation_mm[1].tolist() == [1.5, 0, 0]
    assert trace.rotation_deg[1].tolist() == [0.25, 0, 0]
    assert trace.interval_s == 0.5
    assert is_motion_file(path)


@pytest.mark.slow
def test_real_fsl_files_are_read(shared_data: Path) -> None:
    paths = sorted((shared_data / "motion").glob("*.par"))
    traces = [read_motion(path, interval_s=2.0) for path in paths]
    assert len(traces) == 108
    assert {trace.n_points for trace in traces} == {67, 150}
    first = np.loadtxt(paths[0])
    assert traces[0].rotation_deg[:, 0] == pytest.approx(np.degrees(first[:, 0]), abs=1e-9)


def refusal(path: Path, motion_format: str = "auto") -> str:
    """The sentence that a file is refused with."""
    with pytest.raises(McnetError) as refused:
        read_motion(path, motion_format)
    sentence = str(refused.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "none.par")
    assert "cannot be read" in refusal(tmp_path)


BAD_FILES = [
    ("head.par", "", "empty"),
    ("head.par", "# nothing\n\n", "empty"),
    ("head.par", "0 0 0 0 0\n", "5 columns"),
    ("head.1D", " ".join(["0"] * 12) + "\n", "12 columns"),
    ("head.par", "0 0 0 0 0 0\n0 0 0 0 0\n", "line 2: nothing found for trans_z"),
    ("head.par", "0 0 0 0 0 0\n0 0 0 0 0 0 0\n", "line 2: 7 columns found"),
    ("head.1D", "0 0 0 0 0 0 0 0 0\n0 0 0 0 0 0 0 0\n", "line 2: 8 columns found"),
    ("head.csv", "translation_x_mm,b\n1," + "7" * 140_000, "line 2 is no row"),
    ("head.par", "0 0 0 0 0 0\n0 0 nose 0 0 0\n", "line 2: 'nose' found for rot_z"),
    ("head.par", "0 0 0 0 0 0\n0 0 nan 0 0 0\n", "'nan' found for rot_z"),
    ("head.par", "0 0 0 0 inf 0\n", "'inf' found for trans_y"),
    ("head.par", "60 0 0 0 0 0\n", "line 1: rot_x is 60 rad"),
    ("head.par", "20 0 0 0.1 0 0\n", "give --motion-format spm"),
    ("rp_head.txt", "0 0 0 -20 0 0\n", "give --motion-format fsl"),
    ("rp_head.txt", "10 0 0 -20 0 0\n", "convert degrees to radians, as spm has them"),
    ("head.1D", "0 100 0 0 0 0\n", "pitch is 100 deg, but a head in a coil rotates by 30 deg at"),
    ("head.1D", "0 0 0 0 51 0\n", "dL is 51 mm, but a head in a coil moves by 50 mm at most"),
    ("head.csv", "translation_x_mm,translation_x_mm\n1,2\n", "no column translation_y_mm"),
    ("head.tsv", FMRIPREP_HEADER + "\ttrans_x\n" + "0\t" * 7 + "0\n", "2 columns named trans_x"),
    (
        "head.csv",
        CSV_HEADER + "\n" + "0,1," * 5 + "0,1\n",
        "12 columns found (numbers with decimal",
    ),
    ("head.csv", "a,b\n1,2\n", "no column translation_x_mm"),
    ("head.tsv", FMRIPREP_HEADER.replace("rot_y", "y") + "\n0\t0\n", "no column rot_y"),
    ("head.tsv", FMRIPREP_HEADER + "\n", "no rows"),
    ("head.txt", "0 0 0 0 0 0\n", f"--motion-format {'|'.join(FORMAT_NAMES)}"),
    ("head.tsv", "a\tb\n1\t2\n", "--motion-format"),
]


@pytest.mark.parametrize(("name", "text", "part"), BAD_FILES)
def test_bad_file_is_refused_in_a_sentence(tmp_path: Path, name: str, text: str, part: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert part in refusal(path)


def test_missing_value_of_fmriprep_is_refused_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "confounds.tsv"
    path.write_text(FMRIPREP_HEADER + "\n" + "\t".join(["0"] * 7) + "\n5\t0\tn/a\t0\t0\t0\t0\n")
    assert "line 3: 'n/a' found for trans_y" in refusal(path)


def test_binary_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "head.par"
    path.write_bytes(bytes(range(128, 256)))
    assert "no text" in refusal(path)


def test_unequal_times_of_csv_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "csv", [0.0] * 6)
    lines = path.read_text().splitlines()
    lines.append(lines[-1])
    path.write_text("\n".join(f"{t},{x}" for t, x in zip(["time_s", 0, 2, 5], lines, strict=True)))
    assert "equal steps" in refusal(path)


@pytest.mark.parametrize("times", [(0, 4, 2), (4, 2, 0), (0, 0, 0)])
def test_times_that_do_not_rise_are_refused_whatever_interval_is_given(
    tmp_path: Path, times: tuple[int, ...]
) -> None:
    path = written(tmp_path, "csv", [0.0] * 6)
    header, *rows = path.read_text().splitlines()
    lines = [f"time_s,{header}", *(f"{t},{rows[0]}" for t in times)]
    path.write_text("\n".join(lines))
    for interval_s in (None, 2.0):
        with pytest.raises(McnetError, match="time_s does not rise in equal steps"):
            read_motion(path, interval_s=interval_s)


@pytest.mark.parametrize(
    ("name", "motion_format"),
    [("used.txt", "fsl"), ("used.par", "spm"), ("used.txt", "spm"), ("used.par", "afni")],
)
def test_names_by_which_a_format_is_not_known_again_are_refused(
    tmp_path: Path, name: str, motion_format: str
) -> None:
    with pytest.raises(McnetError, match=f"would not be read again as {motion_format}; name it"):
        check_motion_name(tmp_path / name, motion_format)
    for good in ("csv", "fmriprep"):  # known by their header
        check_motion_name(tmp_path / name, good)
    for fmt, good_name in NAMES.items():
        check_motion_name(tmp_path / good_name, fmt)


def test_impossible_interval_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "fsl", [0.0] * 6)
    with pytest.raises(McnetError, match="interval_s -1"):
        read_motion(path, interval_s=-1.0)


def test_motion_files_of_a_folder_come_in_order_without_other_tables(tmp_path: Path) -> None:
    for motion_format in NAMES:
        written(tmp_path, motion_format, [0.0] * 6)
    (tmp_path / "participants.tsv").write_text("participant_id\tage\n1\t30\n")
    (tmp_path / "ages.csv").write_text("age\n30\n")
    (tmp_path / "notes.txt").write_text("0 0 0 0 0 0\n")
    (tmp_path / "folder.par").mkdir()
    assert [path.name for path in motion_files(tmp_path)] == sorted(NAMES.values())
    assert motion_files(tmp_path / "notes.txt") == [tmp_path / "notes.txt"]
    assert not is_motion_file(tmp_path / "none.par")


def test_folder_without_motion_files_and_no_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(McnetError, match="holds no motion file"):
        motion_files(tmp_path)
    with pytest.raises(McnetError, match="does not exist"):
        motion_files(tmp_path / "none")


@pytest.mark.parametrize("function", ["open", "iterdir", "is_file"])
def test_files_and_folders_that_may_not_be_read_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    (tmp_path / "head.csv").write_text("translation_x_mm\n")

    def forbidden(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, function, forbidden)
    with pytest.raises(McnetError, match=r"cannot be read \(permission denied\)"):
        motion_files(tmp_path)
