"""Motion files of other programs, and plain CSV, read and written.

Which programs, and what their numbers mean, stands in `mcnet.motion.formats.programs`.
"""

from pathlib import Path

import numpy as np

from mcnet.core.errors import BadFileError, BadOptionError, OutputError
from mcnet.core.outputs import Given, check_outputs, record_of, recorded
from mcnet.core.provenance import Inputs, provenance
from mcnet.core.records import written_with_record
from mcnet.core.writing import cannot_read
from mcnet.motion.formats.motion_format import MotionFormat
from mcnet.motion.formats.readings import check_reading
from mcnet.motion.formats.registry import AUTO, FORMAT_NAMES, format_named, motion_formats
from mcnet.motion.formats.tables import TextTable, read_text_table
from mcnet.motion.trace import MotionTrace

_TABLES = (".csv", ".tsv")
"""Endings of files in which a header is looked for; those of a folder are many."""
MOTION_FILE = recorded(
    "motion is written as a table in text",
    tuple(dict.fromkeys(Path(known.pattern).suffix for known in motion_formats())),
)


def read_motion(
    path: Path,
    motion_format: str = AUTO,
    *,
    interval_s: float | None = None,
) -> MotionTrace:
    """Return the head's motion from a motion file, in the conventions of `mcnet.motion.poses`.

    Parameters
    ----------
    path
        The file of one run.
    motion_format
        The program that wrote it, by its name in `mcnet.motion.formats.registry.FORMAT_NAMES`;
        "auto" goes by the file's header and name.
    interval_s
        Time between two points (an fMRI scan's repetition time); of the formats only CSV can
        tell it, by its column ``time_s``.

    Raises
    ------
    McnetError
        The file is missing, empty or no table of finite numbers, its numbers are no motion of a
        head by the format (where another makes them so, it is named), or its format is unknown or
        cannot be told.
    """
    if interval_s is not None and not 0 < interval_s < np.inf:
        raise BadOptionError(f"interval_s {interval_s} is no time between points; give seconds.")
    given = None if motion_format == AUTO else format_named(motion_format)
    table = read_text_table(path)
    known = given or _detected_format(table)
    rows = known.reader(known, table)
    check_reading(rows, known)
    translation_mm, rotation_deg = known.convention.head_motion(rows.values)
    return MotionTrace(
        translation_mm,
        rotation_deg,
        rows.interval_s if interval_s is None else interval_s,
        path.name,
    )


def write_motion(
    path: Path, trace: MotionTrace, motion_format: str, *, inputs: Inputs | None = None
) -> None:
    """Write the head's motion as a program's motion file; `read_motion` gives it back.

    Beside it goes a ``.json`` of the same name with version, command, what the motion was made
    from, and the file's SHA-256, because these formats have no room for them.

    Raises
    ------
    McnetError
        `mcnet.core.outputs.check_outputs` refuses the path, the format is unknown, or the disk is
        full.
    """
    check_outputs([Given("", path, MOTION_FILE)])
    known = format_named(motion_format)
    text = known.writer(known, trace)
    with written_with_record(path, record_of(path), provenance(inputs=inputs)) as temporary:
        temporary.write_text(text, encoding="utf-8")


def check_motion_name(path: Path, motion_format: str) -> None:
    """Refuse, before any work, a name by which `read_motion` would not know the format again.

    Raises
    ------
    McnetError
        It is such a name; formats whose header names the columns are known by that.
    """
    known = format_named(motion_format)
    if not known.header and _format_of_name(path.name) is not known:
        raise OutputError(
            f"{path} would not be read again as {motion_format}; name it {known.pattern}, "
            "or choose another --motion-output-format."
        )


def is_motion_file(path: Path) -> bool:
    """Whether a file is a motion file by its name and, for tables with a header, by that.

    Raises
    ------
    McnetError
        A table may not be read.
    """
    try:
        if not path.is_file():
            return False
        if path.name.lower().endswith(_TABLES):
            with path.open(encoding="utf-8-sig", errors="replace") as stream:
                header = stream.readline()
            return any(name in header for known in motion_formats() for name in known.header)
    except OSError as error:
        raise cannot_read(path, error) from error
    return _format_of_name(path.name) is not None


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
            raise BadFileError(f"{path} does not exist; name a motion file or a folder of them.")
        files = sorted(each for each in path.iterdir() if is_motion_file(each))
    except OSError as error:
        raise cannot_read(path, error) from error
    if not files:
        raise BadFileError(
            f"{path} holds no motion file; expected {', '.join(_patterns())}, of which tables "
            "(.csv, .tsv) name the columns of a motion file in their header."
        )
    return files


def _detected_format(table: TextTable) -> MotionFormat:
    """Return the format of a motion file by its header, else by its name."""
    by_header = [known for known in motion_formats() if known.has_header(table.header)]
    found = _most_specific(by_header) or _format_of_name(table.path.name)
    if found is None:
        raise BadFileError(
            f"{table.path}: neither the name ({', '.join(_patterns())}) nor a header tells which "
            f"program wrote this motion file; say so with --motion-format {'|'.join(FORMAT_NAMES)}."
        )
    return found


def _format_of_name(name: str) -> MotionFormat | None:
    return _most_specific([known for known in motion_formats() if known.has_name(name)])


def _most_specific(fitting: list[MotionFormat]) -> MotionFormat | None:
    """The format of the longest pattern: *.aff12.1D is a *.1D too."""
    return max(fitting, key=lambda known: len(known.pattern), default=None)


def _patterns() -> list[str]:
    return [known.pattern for known in motion_formats()]
