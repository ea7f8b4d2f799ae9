"""Text tables of numbers: lines, header, named or placed columns; each fault told by its line."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from mcnet.core.errors import BadFileError
from mcnet.core.writing import cannot_read

_NUMBER = re.compile(r"[+-]?((\d+(\.\d*|,\d+)?|[.,]\d+)(e[+-]?\d+)?|nan|inf)", re.IGNORECASE)
"""A number with a decimal point or comma, and no other comma."""


@dataclass(frozen=True)
class TextTable:
    """Lines of a text file, split into fields, without blank lines and comments."""

    path: Path
    fields: tuple[tuple[str, ...], ...]
    """Fields of each line; of the header too, where there is one."""
    line_numbers: tuple[int, ...]
    """Where each line stands in the file, from 1."""
    decimal_comma: bool = False
    """Whether numbers are written as 0,5: where no comma stands between fields."""

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
            raise BadFileError(
                f"{self.path} has a header but no rows; a row a time point is needed."
            )
        return replace(self, fields=self.fields[1:], line_numbers=self.line_numbers[1:])

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
                    values[row, column] = self._number(fields[place])
                except (ValueError, IndexError):
                    break
        bad = np.argwhere(~np.isfinite(values))
        if len(bad):
            row, column = (int(index) for index in bad[0])
            found = [field[:40] for field in self.fields[row][places[column] :][:1]]
            raise BadFileError(
                f"{self.path}, line {self.line_numbers[row]}: "
                f"{repr(found[0]) if found else 'nothing'} found for {names[column]}, where a "
                "finite number was expected; drop or repair that line."
            )
        return values

    def check_named_once(self, names: Sequence[str]) -> None:
        """Refuse a header that gives two columns one of these names.

        Raises
        ------
        McnetError
            It does; the name is told.
        """
        for name in names:
            if self.header.count(name) > 1:
                raise BadFileError(
                    f"{self.path} has {self.header.count(name)} columns named {name}; one was "
                    "expected: remove or rename the others."
                )

    def check_even(self) -> None:
        """Refuse lines with another number of fields than the first.

        Raises
        ------
        McnetError
            There is one; it is told.
        """
        for number, fields in zip(self.line_numbers, self.fields, strict=True):
            if len(fields) != len(self.header):
                with_commas = not self.decimal_comma and len(fields) > len(self.header)
                hint = " (numbers with decimal commas?)" if with_commas else ""
                raise BadFileError(
                    f"{self.path}, line {number}: {len(fields)} columns found{hint}, where the "
                    f"first line has {len(self.header)}; drop or repair that line."
                )

    def _number(self, field: str) -> float:
        return float(field.replace(",", ".") if self.decimal_comma else field)


def read_text_table(path: Path) -> TextTable:
    """Return the lines of a text file, split into fields; ``#`` starts a comment.

    Fields stand between tabs, semicolons or commas. Lines of nothing but numbers and white space
    are split at any white space, as a tab among spaces is easily overlooked. Where no comma stands
    between fields, those within them are decimal commas.

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
        raise BadFileError(
            f"{path} is no text; a table of numbers in text was expected."
        ) from error
    used = [number for number, line in enumerate(lines) if _holds_data(line)]
    if not used:
        raise BadFileError(
            f"{path} is empty; a table with a row of numbers a time point is needed."
        )
    separator = _separator(lines[used[0]])
    fields = []
    for number in used:
        try:
            fields.append(_split(lines[number], separator))
        except csv.Error as error:
            raise BadFileError(
                f"{path}, line {number + 1} is no row of a table ({error}); drop or repair that "
                "line, or name another file."
            ) from error
    line_numbers = tuple(number + 1 for number in used)
    return TextTable(path, tuple(fields), line_numbers, decimal_comma=separator != ",")


def _holds_data(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _separator(first_line: str) -> str | None:
    """Return what stands between the fields of a table; None is any white space."""
    if all(_NUMBER.fullmatch(word) for word in first_line.split()):
        return None
    return next((each for each in "\t;," if each in first_line.strip()), None)


def _split(line: str, separator: str | None) -> tuple[str, ...]:
    if separator is None:
        return tuple(line.split())
    return tuple(field.strip() for field in next(csv.reader([line], delimiter=separator)))
