"""Text tables of numbers: lines, header, named or placed columns; each fault told by its line."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from mcnet.errors import McnetError
from mcnet.provenance import cannot_read


@dataclass(frozen=True)
class TextTable:
    """Lines of a text file, split into fields, without blank lines and comments."""

    path: Path
    fields: tuple[tuple[str, ...], ...]
    """Fields of each line; of the header too, where there is one."""
    line_numbers: tuple[int, ...]
    """Where each line stands in the file, from 1."""

    @property
    def header(self) -> tuple[str, ...]:
        """Fields of the first line."""
        return self.fields[0]

    def without_header(self) -> "TextTable":
        """Return the lines below the first.

        Raises
        ------
        McnetError
            There are none.
        """
        if len(self.fields) < 2:
            raise McnetError(f"{self.path} has a header but no rows; a row a time point is needed.")
        return TextTable(self.path, self.fields[1:], self.line_numbers[1:])

    def numbers(
        self, places: Sequence[int], names: Sequence[str]
    ) -> Float[np.ndarray, "n_lines n_columns"]:
        """Return the finite numbers that stand at some places of each line.

        Raises
        ------
        McnetError
            A field is missing, no number, or not finite; the line and the column's name are told.
        """
        values = np.full((len(self.fields), len(places)), np.nan)
        for row, fields in enumerate(self.fields):
            for column, place in enumerate(places):
                try:
                    values[row, column] = float(fields[place])
                except (ValueError, IndexError):
                    break
        bad = np.argwhere(~np.isfinite(values))
        if len(bad):
            row, column = (int(index) for index in bad[0])
            found = self.fields[row][places[column] : places[column] + 1]
            raise McnetError(
                f"{self.path}, line {self.line_numbers[row]}: "
                f"{repr(found[0]) if found else 'nothing'} found for {names[column]}, where a "
                "finite number was expected; drop or repair that line."
            )
        return values

    def refuse_uneven(self) -> None:
        """Refuse lines with another number of fields than the first.

        Raises
        ------
        McnetError
            There is one; it is told.
        """
        for number, fields in zip(self.line_numbers, self.fields, strict=True):
            if len(fields) != len(self.header):
                raise McnetError(
                    f"{self.path}, line {number}: {len(fields)} columns found, where the first "
                    f"line has {len(self.header)}; drop or repair that line."
                )


def read_text_table(path: Path) -> TextTable:
    """Return the lines of a text file split at tabs, commas or spaces; ``#`` starts a comment.

    Raises
    ------
    McnetError
        The file is missing, no text, empty, or has a field beyond all bounds.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise cannot_read(path, error) from error
    except UnicodeDecodeError as error:
        raise McnetError(f"{path} is no text; a table of numbers in text was expected.") from error
    used = [number for number, line in enumerate(lines) if _holds_data(line)]
    if not used:
        raise McnetError(f"{path} is empty; a table with a row of numbers a time point is needed.")
    split = _splitter(lines[used[0]])
    fields = []
    for number in used:
        try:
            fields.append(tuple(split(lines[number])))
        except csv.Error as error:
            raise McnetError(
                f"{path}, line {number + 1} is no row of a table ({error}); drop or repair that "
                "line, or name another file."
            ) from error
    return TextTable(path, tuple(fields), tuple(number + 1 for number in used))


def _holds_data(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _splitter(first_line: str) -> Callable[[str], list[str]]:
    """Return how to split lines: at tabs or commas if the first line has them, else at spaces."""
    for separator in ("\t", ","):
        if separator in first_line.strip():
            return lambda line: [
                field.strip() for field in next(csv.reader([line], delimiter=separator))
            ]
    return str.split
