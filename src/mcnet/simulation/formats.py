"""Motion files of FSL, SPM, AFNI and fMRIPrep, and plain CSV, read and written.

What the numbers of each program mean stands in `mcnet.simulation.conventions`.
"""

from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float

from mcnet.errors import McnetError
from mcnet.outputs import MOTION_FILE, Given, check_outputs, record_of
from mcnet.provenance import cannot_read, provenance, written_with_record
from mcnet.simulation.conventions import (
    CONVENTIONS,
    FORMATS,
    LARGEST_ANGLE_DEG,
    MotionFormat,
    head_motion,
    program_numbers,
)
from mcnet.simulation.motion import MotionTrace
from mcnet.simulation.tables import TextTable, read_text_table


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
    translation_mm, rotation_deg = head_motion(values, CONVENTIONS[known])
    if interval_s is None and known == "csv":
        interval_s = _interval_of_csv(table)
    return MotionTrace(translation_mm, rotation_deg, interval_s, path.name)


def write_motion(path: Path, trace: MotionTrace, motion_format: MotionFormat) -> None:
    """Write the head's motion as a program's motion file; `read_motion` gives it back.

    Beside it goes a ``.json`` of the same name with version, command and the file's SHA-256,
    because these formats have no room for them.

    Raises
    ------
    McnetError
        `mcnet.outputs.check_outputs` refuses the path, or the disk is full.
    """
    check_outputs([Given("", path, MOTION_FILE)])
    convention = CONVENTIONS[motion_format]
    table = program_numbers(trace, convention)
    header: list[str] = []
    if convention.named:
        header = list(convention.columns)
    if motion_format == "csv" and trace.interval_s is not None:
        header.insert(0, "time_s")
        table = np.column_stack([np.arange(trace.n_points) * trace.interval_s, table])
    separator = {"fmriprep": "\t", "csv": ","}.get(motion_format, "  ")
    lines = [separator.join(header)] if header else []
    lines += [separator.join(f"{value:.12g}" for value in row) for row in table]
    with written_with_record(path, record_of(path), provenance()) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def is_motion_file(path: Path) -> bool:
    """Whether a file is a motion file by its name and, for tables with a header, by that.

    Raises
    ------
    McnetError
        A table may not be read.
    """
    name = path.name.lower()
    try:
        if not path.is_file():
            return False
        if name.endswith((".csv", ".tsv")):
            with path.open(encoding="utf-8-sig", errors="replace") as stream:
                header = stream.readline()
            return "trans_x" in header or "translation_x_mm" in header
    except OSError as error:
        raise cannot_read(path, error) from error
    return name.endswith((".par", ".1d")) or (name.startswith("rp_") and name.endswith(".txt"))


def motion_files(path: Path) -> list[Path]:
    """Return the file itself, or the motion files of a folder in the order of their names.

    Raises
    ------
    McnetError
        The folder holds none or may not be read, or there is neither file nor folder.
    """
    try:
        if path.is_file():
            return [path]
        if not path.is_dir():
            raise McnetError(f"{path} does not exist; name a motion file or a folder of them.")
        files = sorted(each for each in path.iterdir() if is_motion_file(each))
    except OSError as error:
        raise cannot_read(path, error) from error
    if not files:
        raise McnetError(
            f"{path} holds no motion file; expected *.par, rp_*.txt, *.1D, confounds *.tsv or "
            "*.csv with the columns of a motion file."
        )
    return files


def _detected_format(table: TextTable) -> MotionFormat:
    """Return the format of a motion file by its header, else by its name."""
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
        f"{table.path}: neither the name (rp_*.txt, *.par, *.1D, *.csv) nor a header tells which "
        f"program wrote this motion file; say so with --motion-format {'|'.join(FORMATS)}."
    )


def _program_columns(
    table: TextTable, motion_format: MotionFormat
) -> tuple[TextTable, Float[np.ndarray, "n_points 6"]]:
    """Lines of data and their six numbers, in the order of the program's columns."""
    columns = CONVENTIONS[motion_format].columns
    if CONVENTIONS[motion_format].named:
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
    values = lines.numbers(places, columns)
    if not CONVENTIONS[motion_format].named:
        lines.refuse_uneven()  # after the numbers, whose sentence names the column that is missing
    return lines, values


def _refuse_implausible(
    lines: TextTable, values: Float[np.ndarray, "n_points 6"], motion_format: MotionFormat
) -> None:
    """Refuse turns of more than a quarter circle and shifts of more than 200 mm."""
    limits = CONVENTIONS[motion_format].limits
    beyond = np.argwhere(np.abs(values) > limits)
    if len(beyond) == 0:
        return
    row, column = (int(index) for index in beyond[0])
    convention = CONVENTIONS[motion_format]
    turn = column in convention.rotation
    unit = ("rad" if convention.radians else "deg") if turn else "mm"
    kind = "turns" if turn else "shifts"
    raise McnetError(
        f"{lines.path}, line {lines.line_numbers[row]}: {convention.columns[column]} is "
        f"{values[row, column]:g} {unit}, but a head {kind} by {limits[column]:.4g} {unit} at most"
        f"{_hint(values, motion_format)}; give the right --motion-format or repair the file."
    )


def _hint(values: Float[np.ndarray, "n_points 6"], motion_format: MotionFormat) -> str:
    """What implausible numbers look like instead, where that can be told."""
    swapped: dict[str, tuple[MotionFormat, str]] = {
        "fsl": ("spm", "SPM's order (shifts first)"),
        "spm": ("fsl", "FSL's order (turns first)"),
    }
    if motion_format in swapped:
        other, words = swapped[motion_format]
        if np.all(np.abs(values) <= CONVENTIONS[other].limits):
            return f" (the columns look like {words})"
    turns = np.abs(values[:, CONVENTIONS[motion_format].rotation])
    if CONVENTIONS[motion_format].radians and turns.max() <= LARGEST_ANGLE_DEG:
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
