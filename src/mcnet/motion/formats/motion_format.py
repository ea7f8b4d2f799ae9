"""A format of motion files: how its files are known, read and written, and what they mean."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import numpy as np

from mcnet.core.errors import McnetError
from mcnet.motion.formats.conventions import Convention, Numbers
from mcnet.motion.formats.registry import motion_formats
from mcnet.motion.formats.tables import TextTable
from mcnet.motion.trace import MotionTrace


@dataclass(frozen=True, eq=False)
class Rows:
    """The numbers of a motion file, a row a time point."""

    lines: TextTable
    """Lines of the rows, for sentences about them."""
    values: Numbers
    interval_s: float | None = None
    """Time between two rows, where the file tells it."""


def read_rows(known: "MotionFormat", table: TextTable) -> Rows:
    """Return the rows of a table whose columns are named by a header, or known by their place.

    Raises
    ------
    McnetError
        Columns are missing or stand there twice, or a row has others than the first.
    """
    if known.header:
        return _rows_by_name(known, table)
    columns, n_columns = known.convention.columns, len(table.header)
    first = 0 if n_columns == len(columns) else known.wider_rows.get(n_columns)
    if first is None:
        others = [each.name for each in motion_formats() if each.has_rows_of(n_columns)]
        named = f" ({' or '.join(others)} has {n_columns})" if others else ""
        raise McnetError(
            f"{table.path}, line {table.line_numbers[0]}: {n_columns} columns found, but "
            f"{known.name} motion files have {len(columns)} ({' '.join(columns)}); choose another "
            f"--motion-format{named} or another file."
        )
    values = table.numbers(range(first, first + len(columns)), columns)
    table.check_even()  # after the numbers, whose sentence names the column that is missing
    return Rows(table, values)


def write_rows(known: "MotionFormat", trace: MotionTrace) -> str:
    """Return the text of a table, with a header where the format has one."""
    values = known.convention.numbers(trace)
    header = list(known.convention.columns) if known.header else []
    if known.time_column and trace.interval_s is not None:
        header.insert(0, known.time_column)
        values = np.column_stack([np.arange(trace.n_points) * trace.interval_s, values])
    lines = [known.comment] if known.comment else []
    lines += [known.separator.join(header)] if header else []
    lines += [known.separator.join(f"{value:.12g}" for value in row) for row in values]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, kw_only=True, eq=False)
class MotionFormat:
    """Motion files of one program."""

    name: str
    """What ``--motion-format`` calls it; the name of its module."""
    label: str
    """The program, and its option that writes such files."""
    pattern: str
    """How the program names its files; upper and lower case are one. Of several patterns that fit
    a name the longest counts."""
    convention: Convention
    """What the numbers mean."""
    rotates_about: str
    """The point about which the program rotates, which no file tells."""
    header: tuple[str, ...] = ()
    """Columns of which any in the first line tells this format by its header, whatever the file is
    called. Without them there is no header: columns are known by their place."""
    old_columns: tuple[str, ...] = ()
    """What a header called the columns before."""
    time_column: str = ""
    """A column of times in seconds, which a header may name."""
    wider_rows: Mapping[int, int] = field(default_factory=dict)
    """Place of the first of the columns in rows of so many columns."""
    separator: str = "  "
    """Written between columns; all are read."""
    comment: str = ""
    """First line of a written file."""
    reader: Callable[["MotionFormat", TextTable], Rows] = read_rows
    writer: Callable[["MotionFormat", MotionTrace], str] = write_rows

    def has_name(self, name: str) -> bool:
        """Whether a file of this name is known to be of this format."""
        return fnmatchcase(name.lower(), self.pattern.lower())

    def has_header(self, header: Sequence[str]) -> bool:
        """Whether a first line of these fields tells that a file is of this format."""
        return not set(self.header).isdisjoint(header)

    def has_rows_of(self, n_columns: int) -> bool:
        """Whether a file without a header and with so many columns may be of this format."""
        return not self.header and n_columns == len(self.convention.columns)

    def column_names(self, header: Sequence[str]) -> tuple[str, ...]:
        """Names of the columns as this header has them, or is to have them."""
        is_old = bool(self.old_columns) and set(header).issuperset(self.old_columns)
        return self.old_columns if is_old else self.convention.columns


def _rows_by_name(known: MotionFormat, table: TextTable) -> Rows:
    columns = known.column_names(table.header)
    missing = [name for name in columns if name not in table.header]
    if missing:
        raise McnetError(
            f"{table.path} has no column {', '.join(missing)}; {known.name} motion files "
            f"name their columns {', '.join(columns)}: add them or choose another "
            "--motion-format."
        )
    table.check_named_once((*columns, *([known.time_column] if known.time_column else [])))
    lines = table.without_header()
    values = lines.numbers([table.header.index(name) for name in columns], columns)
    table.check_even()
    return Rows(lines, values, _interval_s(table, known.time_column))


def _interval_s(table: TextTable, column: str) -> float | None:
    """Time between two rows of a table with a column of times."""
    # a column without a name is no column of times, and a single time has no interval
    if not column or column not in table.header or len(table.fields) < 3:
        return None
    lines = table.without_header()
    steps = np.diff(lines.numbers([table.header.index(column)], [column])[:, 0])
    interval = float(steps.mean())
    if interval <= 0 or np.abs(steps - interval).max() > 0.01 * interval:
        raise McnetError(
            f"{table.path}: {column} does not rise in equal steps ({steps.min():g} to "
            f"{steps.max():g} s); resample the motion to equally spaced times."
        )
    return interval
