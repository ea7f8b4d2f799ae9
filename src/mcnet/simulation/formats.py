"""Motion files of FSL, SPM, AFNI and fMRIPrep, and plain CSV, read and written.

Each program writes how it moved a volume *back* to the reference; `mcnet.geometry` wants how the
head moved. So every program's six numbers are made into its own rigid transform, inverted, and
turned from its axes to RAS+ (x right, y anterior, z superior):

======== ===================================== ============ ===== ============================
format   columns                               units        axes  the head turned, and shifted
======== ===================================== ============ ===== ============================
fsl      rot x y z, trans x y z                rad, mm      LAS   Rz(-rz) Ry(-ry) Rx(rx);
                                                                  ( tx, -ty, -tz)
fmriprep trans_x trans_y trans_z               mm, rad      LAS   as fsl: MCFLIRT's own numbers
         rot_x rot_y rot_z, by name
spm      trans x y z, pitch roll yaw           mm, rad      RAS   Rz(yaw) Ry(-roll) Rx(pitch);
                                                                  (-tx, -ty, -tz)
afni     roll pitch yaw, dS dL dP              deg, mm      LPS   Rz(-roll) Rx(pitch) Ry(yaw);
                                                                  ( dL,  dP, -dS)
csv      translation_x_mm ... rotation_z_deg   mm, deg      RAS   Rz Ry Rx, as they stand;
         by name, optional time_s                                 ( x,   y,   z)
======== ===================================== ============ ===== ============================

The shifts are those of small angles; exactly, the inverse's shift is ``-R t``.

Sources
    FSL: matrix ``Rx Ry Rz`` from volume to reference, each factor ``[[cos, sin], [-sin, cos]]``
    (``rotmat2euler`` of MISCMATHS), in scaled voxels whose x runs to the left.
    SPM: ``spm_matrix`` of the rows gives the matrix from image to reference; its roll has the
    opposite sense of its pitch and yaw.
    AFNI: the help of 3dvolreg ("those needed to bring the sub-brick back into alignment with the
    base", degrees counterclockwise) and of 3drotate (right-hand rule about I-S, R-L and A-P).

Left open by the programs: their files do not say about which point the head turns (FSL the
centre of mass, SPM the origin of the world, AFNI the centre of the grid). It is taken to be the
centre of the field of view. FSL's x runs to the left only as FSL orders voxels; an image stored
along other axes than left-right, anterior-posterior, inferior-superior keeps its own.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from mcnet.errors import McnetError
from mcnet.geometry import inverse_pose, pose_parameters
from mcnet.provenance import provenance, write_json, write_text
from mcnet.simulation.motion import MotionTrace
from mcnet.simulation.tables import TextTable, read_text_table

MotionFormat = Literal["fsl", "spm", "afni", "fmriprep", "csv"]
FORMATS: tuple[MotionFormat, ...] = get_args(MotionFormat)

_NAMED = ("fmriprep", "csv")
_LARGEST_ANGLE_DEG = 90.0
_LARGEST_SHIFT_MM = 200.0


@dataclass(frozen=True)
class _Convention:
    """What the six columns of a program mean, in RAS+ axes."""

    columns: tuple[str, ...]
    """Names of the columns in the order of the file."""
    translation: tuple[int, int, int]
    """Columns of the shifts along x, y and z."""
    rotation: tuple[int, int, int]
    """Columns of the turns about x, y and z."""
    translation_signs: tuple[int, int, int] = (1, 1, 1)
    rotation_signs: tuple[int, int, int] = (1, 1, 1)
    """Sign of the head's turn about x, y and z, by the right-hand rule."""
    order: str = "xyz"
    """Axes of the head's turns, the first turn first."""
    radians: bool = True
    moves_back: bool = True
    """Whether the shifts belong to the transform that brings the volume back."""


_BY_NAME = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")
_CONVENTIONS: dict[str, _Convention] = {
    "fsl": _Convention(_BY_NAME[3:] + _BY_NAME[:3], (3, 4, 5), (0, 1, 2), (-1, 1, 1), (1, -1, -1)),
    "fmriprep": _Convention(_BY_NAME, (0, 1, 2), (3, 4, 5), (-1, 1, 1), (1, -1, -1)),
    "spm": _Convention(
        ("x", "y", "z", "pitch", "roll", "yaw"), (0, 1, 2), (3, 4, 5), rotation_signs=(1, -1, 1)
    ),
    "afni": _Convention(
        ("roll", "pitch", "yaw", "dS", "dL", "dP"),
        (4, 5, 3),
        (1, 2, 0),
        (-1, -1, 1),
        (1, 1, -1),
        order="yxz",
        radians=False,
    ),
    "csv": _Convention(
        tuple(f"translation_{axis}_mm" for axis in "xyz")
        + tuple(f"rotation_{axis}_deg" for axis in "xyz"),
        (0, 1, 2),
        (3, 4, 5),
        radians=False,
        moves_back=False,
    ),
}


def read_motion(
    path: Path,
    motion_format: MotionFormat | Literal["auto"] = "auto",
    *,
    interval_s: float | None = None,
) -> MotionTrace:
    """Return the head's motion from a motion file, in the conventions of `mcnet.geometry`.

    Parameters
    ----------
    path
        The file of one run.
    motion_format
        The program that wrote it; "auto" goes by the file's name and header.
    interval_s
        Time between two points (an fMRI scan's repetition time); of the formats only CSV can
        tell it, by its column ``time_s``.

    Raises
    ------
    McnetError
        The file is missing, empty or no table of six finite numbers a row, its numbers cannot be
        what the format says, or its format cannot be told.
    """
    if interval_s is not None and not 0 < interval_s < np.inf:
        raise McnetError(f"interval_s {interval_s} is no time between points; give seconds.")
    table = read_text_table(path)
    known = _detected_format(table) if motion_format == "auto" else motion_format
    lines, values = _program_columns(table, known)
    _refuse_implausible(lines, values, known)
    translation_mm, rotation_deg = _head_motion(values, _CONVENTIONS[known])
    if interval_s is None and known == "csv":
        interval_s = _interval_of_csv(table)
    return MotionTrace(translation_mm, rotation_deg, interval_s, path.name)


def write_motion(path: Path, trace: MotionTrace, motion_format: MotionFormat) -> None:
    """Write the head's motion as a program's motion file; `read_motion` gives it back.

    Beside it goes a ``.json`` of the same name with version and command, because these formats
    have no room for them.

    Raises
    ------
    McnetError
        The folder cannot be written.
    """
    convention = _CONVENTIONS[motion_format]
    table = _program_numbers(trace, convention)
    header: list[str] = []
    if motion_format in _NAMED:
        header = list(convention.columns)
    if motion_format == "csv" and trace.interval_s is not None:
        header.insert(0, "time_s")
        table = np.column_stack([np.arange(trace.n_points) * trace.interval_s, table])
    separator = {"fmriprep": "\t", "csv": ","}.get(motion_format, "  ")
    lines = [separator.join(header)] if header else []
    lines += [separator.join(f"{value:.12g}" for value in row) for row in table]
    write_text(path, "\n".join(lines) + "\n")
    write_json(path.with_name(path.name + ".json"), provenance())


def _detected_format(table: TextTable) -> MotionFormat:
    """Return the format of a motion file by its header, else by its name; refuse if neither tells."""
    name, header = table.path.name.lower(), table.header
    tests: dict[MotionFormat, bool] = {
        "fmriprep": "trans_x" in header or "rot_x" in header,
        "csv": "translation_x_mm" in header or name.endswith(".csv"),
        "spm": name.startswith("rp_") and name.endswith(".txt"),
        "fsl": name.endswith(".par"),
        "afni": name.endswith(".1d"),
    }
    for motion_format, fits in tests.items():
        if fits:
            return motion_format
    raise McnetError(
        f"{table.path}: neither the name (rp_*.txt, *.par, *.1D, *.csv) nor a header tells which program "
        f"wrote this motion file; say so with --motion-format {'|'.join(FORMATS)}."
    )


def _head_motion(
    values: Float[np.ndarray, "n_points 6"], convention: _Convention
) -> tuple[Float[np.ndarray, "n_points 3"], Float[np.ndarray, "n_points 3"]]:
    """Translations in mm and angles in degrees of the head, from a program's numbers."""
    if not convention.moves_back:
        return values[:, convention.translation], values[:, convention.rotation]
    angles = values[:, convention.rotation] * convention.rotation_signs
    in_order = angles[:, ["xyz".index(axis) for axis in convention.order]]
    turns = Rotation.from_euler(convention.order, in_order, degrees=not convention.radians)
    poses = np.tile(np.eye(4), (len(values), 1, 1))
    poses[:, :3, :3] = turns.inv().as_matrix()
    poses[:, :3, 3] = values[:, convention.translation] * convention.translation_signs
    return pose_parameters(inverse_pose(poses))


def _program_numbers(
    trace: MotionTrace, convention: _Convention
) -> Float[np.ndarray, "n_points 6"]:
    """A program's six numbers of the head's motion: the inverse of `_head_motion`."""
    values = np.zeros((trace.n_points, 6))
    if not convention.moves_back:
        values[:, convention.translation] = trace.translation_mm
        values[:, convention.rotation] = trace.rotation_deg
        return values
    poses = trace.poses
    turns = Rotation.from_matrix(np.ascontiguousarray(poses[:, :3, :3]))
    in_order = turns.as_euler(convention.order, degrees=not convention.radians)
    angles = in_order[:, [convention.order.index(axis) for axis in "xyz"]]
    values[:, convention.rotation] = angles * convention.rotation_signs
    shifts = inverse_pose(poses)[:, :3, 3]
    values[:, convention.translation] = shifts * convention.translation_signs
    return values


def _program_columns(
    table: TextTable, motion_format: MotionFormat
) -> tuple[TextTable, Float[np.ndarray, "n_points 6"]]:
    """Lines of data and their six numbers, in the order of the program's columns."""
    columns = _CONVENTIONS[motion_format].columns
    if motion_format in _NAMED:
        missing = [name for name in columns if name not in table.header]
        if missing:
            raise McnetError(
                f"{table.path} has no column {', '.join(missing)}; {motion_format} motion files "
                f"name their columns {', '.join(columns)}: add them or choose another "
                "--motion-format."
            )
        lines, places = table.without_header(), [table.header.index(name) for name in columns]
    else:
        # 3dvolreg's -dfile puts an index before the six columns and two residuals behind them
        n_columns = len(table.header)
        first = 1 if motion_format == "afni" and n_columns == 9 else 0
        if n_columns != 6 and not first:
            raise McnetError(
                f"{table.path}, line {table.line_numbers[0]}: {n_columns} columns found, but "
                f"{motion_format} motion files have 6 ({' '.join(columns)}); choose another "
                "--motion-format or another file."
            )
        lines, places = table, list(range(first, first + 6))
    return lines, lines.numbers(places, columns)


def _refuse_implausible(
    lines: TextTable, values: Float[np.ndarray, "n_points 6"], motion_format: MotionFormat
) -> None:
    """Refuse turns of more than a quarter circle and shifts of more than 200 mm."""
    limits = _limits(motion_format)
    beyond = np.argwhere(np.abs(values) > limits)
    if len(beyond) == 0:
        return
    row, column = (int(index) for index in beyond[0])
    convention = _CONVENTIONS[motion_format]
    turn = column in convention.rotation
    unit = ("rad" if convention.radians else "deg") if turn else "mm"
    kind = "turns" if turn else "shifts"
    raise McnetError(
        f"{lines.path}, line {lines.line_numbers[row]}: {convention.columns[column]} is "
        f"{values[row, column]:g} {unit}, but a head {kind} by {limits[column]:.4g} {unit} at most"
        f"{_hint(values, motion_format)}; give the right --motion-format or repair the file."
    )


def _limits(motion_format: MotionFormat) -> Float[np.ndarray, "6"]:
    """Largest plausible numbers of the six columns."""
    convention = _CONVENTIONS[motion_format]
    limits = np.full(6, _LARGEST_SHIFT_MM)
    angle = _LARGEST_ANGLE_DEG
    limits[list(convention.rotation)] = np.radians(angle) if convention.radians else angle
    return limits


def _hint(values: Float[np.ndarray, "n_points 6"], motion_format: MotionFormat) -> str:
    """What implausible numbers look like instead, where that can be told."""
    swapped: dict[str, tuple[MotionFormat, str]] = {
        "fsl": ("spm", "SPM's order (shifts first)"),
        "spm": ("fsl", "FSL's order (turns first)"),
    }
    if motion_format in swapped:
        other, words = swapped[motion_format]
        if np.all(np.abs(values) <= _limits(other)):
            return f" (the columns look like {words})"
    turns = np.abs(values[:, _CONVENTIONS[motion_format].rotation])
    if _CONVENTIONS[motion_format].radians and turns.max() <= _LARGEST_ANGLE_DEG:
        return " (the turns look like degrees)"
    return ""


def _interval_of_csv(table: TextTable) -> float | None:
    """Time between two rows of a CSV table with the column time_s."""
    if "time_s" not in table.header or len(table.fields) < 3:
        return None
    lines = table.without_header()
    steps = np.diff(lines.numbers([table.header.index("time_s")], ["time_s"])[:, 0])
    interval = float(steps.mean())
    if interval <= 0 or np.abs(steps - interval).max() > 0.01 * interval:
        raise McnetError(
            f"{table.path}: time_s does not rise in equal steps ({steps.min():g} to "
            f"{steps.max():g} s); resample the motion to equally spaced times."
        )
    return interval
