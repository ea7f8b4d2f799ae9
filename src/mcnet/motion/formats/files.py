"""Motion files of FSL, SPM, AFNI and fMRIPrep, and plain CSV, read and written.

What the numbers of each program mean stands in `mcnet.motion.formats.conventions`.
"""

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float

from mcnet.core.errors import McnetError
from mcnet.core.outputs import MOTION_FILE, Given, check_outputs, record_of
from mcnet.core.provenance import Inputs, provenance
from mcnet.core.records import written_with_record
from mcnet.core.writing import cannot_read
from mcnet.motion.formats.conventions import (
    CONVENTIONS,
    FORMATS,
    MotionFormat,
    head_motion,
    program_numbers,
)
from mcnet.motion.formats.readings import check_reading
from mcnet.motion.formats.tables import TextTable, read_text_table
from mcnet.motion.trace import MotionTrace


def read_motion(
    path: Path,
    motion_format: MotionFormat | Literal["auto"] = "auto",
    *,
    interval_s: float | None = None,
) -> MotionTrace:
    """Return the head's motion from a motion file, in the conventions of `mcnet.motion.poses`.

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
        The file is missing, empty or no table of six finite numbers a row, its numbers are no
        motion of a head by the format (where another makes them so, it is named), or its format
        cannot be told.
    """
    if interval_s is not None and not 0 < interval_s < np.inf:
        raise McnetError(f"interval_s {interval_s} is no time between points; give seconds.")
    table = read_text_table(path)
    known = _detected_format(table) if motion_format == "auto" else motion_format
    lines, values = _program_columns(table, known)
    check_reading(lines, values, known)
    translation_mm, rotation_deg = head_motion(values, CONVENTIONS[known])
    told_s = _interval_of_csv(table) if known == "csv" else None
    return MotionTrace(
        translation_mm, rotation_deg, told_s if interval_s is None else interval_s, path.name
    )


def write_motion(
    path: Path, trace: MotionTrace, motion_format: MotionFormat, *, inputs: Inputs | None = None
) -> None:
    """Write the head's motion as a program's motion file; `read_motion` gives it back.

    Beside it goes a ``.json`` of the same name with version, command, what the motion was made
    from, and the file's SHA-256, because these formats have no room for them.

    Raises
    ------
    McnetError
        `mcnet.core.outputs.check_outputs` refuses the path, or the disk is full.
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
    with written_with_record(path, record_of(path), provenance(inputs=inputs)) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def check_motion_name(path: Path, motion_format: MotionFormat) -> None:
    """Refuse, before any work, a name by which `read_motion` would not know the format again.

    Raises
    ------
    McnetError
        It is such a name; formats whose header names the columns are known by that.
    """
    if motion_format in _NAMES and not _fits_name(path.name, motion_format):
        raise McnetError(
            f"{path} would not be read again as {motion_format}; name it {_NAMES[motion_format]}, "
            "or choose another --motion-output-format."
        )


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
            return any(name in header for name in ("trans_x", "RotX", "translation_x_mm"))
    except OSError as error:
        raise cannot_read(path, error) from error
    return any(_fits_name(name, known) for known in _NAMES)


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
        "fmriprep": not {"trans_x", "rot_x", "RotX"}.isdisjoint(header),
        "csv": "translation_x_mm" in header or name.endswith(".csv"),
        **{known: _fits_name(name, known) for known in _NAMES},
    }
    for motion_format, fits in tests.items():
        if fits:
            return motion_format
    raise McnetError(
        f"{table.path}: neither the name (rp_*.txt, *.par, *.1D, *.csv) nor a header tells which "
        f"program wrote this motion file; say so with --motion-format {'|'.join(FORMATS)}."
    )


_NAMES: dict[MotionFormat, str] = {"spm": "rp_*.txt", "fsl": "*.par", "afni": "*.1D"}
"""How the programs name the files that have no header."""


def _fits_name(name: str, motion_format: MotionFormat) -> bool:
    return fnmatchcase(name.lower(), _NAMES[motion_format].lower())


def _program_columns(
    table: TextTable, motion_format: MotionFormat
) -> tuple[TextTable, Float[np.ndarray, "n_points 6"]]:
    """Lines of data and their six numbers, in the order of the program's columns."""
    columns = CONVENTIONS[motion_format].columns_of(table.header)
    if CONVENTIONS[motion_format].named:
        missing = [name for name in columns if name not in table.header]
        if missing:
            raise McnetError(
                f"{table.path} has no column {', '.join(missing)}; {motion_format} motion files "
                f"name their columns {', '.join(columns)}: add them or choose another "
                "--motion-format."
            )
        table.check_named_once((*columns, "time_s"))
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
    table.check_even()  # after the numbers, whose sentence names the column that is missing
    return lines, values


def _interval_of_csv(table: TextTable) -> float | None:
    """Time between two rows of a CSV table with the column time_s."""
    if "time_s" not in table.header or len(table.fields) < 3:  # a single time has no interval
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
