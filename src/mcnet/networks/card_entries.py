"""Single entries of a model card, checked, each with a sentence on what is wrong."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard

from mcnet.core.errors import McnetError


def check_is_table(path: Path, field: str, found: object) -> Mapping[str, Any]:
    """Entry that holds names and values.

    Raises
    ------
    McnetError
        It is something else.
    """
    if not isinstance(found, Mapping):
        raise wrong_entry(path, field, found, "names and values")
    return found


def text(path: Path, table: Mapping[str, Any], field: str) -> str:
    """Text of an entry; empty where there is none.

    Raises
    ------
    McnetError
        It is something else.
    """
    found = table.get(field, "")
    if not isinstance(found, str):
        raise wrong_entry(path, field, found, "a text")
    return found


def optional_text(path: Path, table: Mapping[str, Any], field: str) -> str | None:
    """Text of an entry; None where there is none, as `text`."""
    return None if table.get(field) is None else text(path, table, field)


def texts(
    path: Path, table: Mapping[str, Any], field: str, *, one_is_enough: bool = False
) -> tuple[str, ...]:
    """Texts of an entry, which may be a single one if that is enough; none where there is none.

    Raises
    ------
    McnetError
        It is something else.
    """
    found = table.get(field, ())
    if one_is_enough and isinstance(found, str):
        return (found,)
    if not isinstance(found, list | tuple) or not all(isinstance(one, str) for one in found):
        raise wrong_entry(path, field, found, "a list of texts")
    return tuple(found)


def number(path: Path, field: str, found: object, *, least: float) -> float:
    """Number of an entry.

    Raises
    ------
    McnetError
        It is no finite number, or is below the least.
    """
    if not is_number(found) or found < least:
        raise wrong_entry(path, field, found, f"a number of {least:g} or more")
    return float(found)


def numbers(path: Path, field: str, found: object, expected: str) -> tuple[float, ...]:
    """Numbers of an entry; ``expected`` says in words what it should hold.

    Raises
    ------
    McnetError
        It is no list of finite numbers.
    """
    if not isinstance(found, list | tuple) or not all(map(is_number, found)):
        raise wrong_entry(path, field, found, expected)
    return tuple(map(float, found))


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value of JSON is a finite number."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    # whole numbers in JSON may be longer than a float can be; NaN compares false
    return abs(value) <= sys.float_info.max


def wrong_entry(path: Path, field: str, found: object, expected: str) -> McnetError:
    """Return the sentence about an entry of a card that cannot be, to be raised."""
    return McnetError(
        f"{path} says {str(found)[:80]!r} in its card ({field}); expected {expected}: get a fresh "
        "copy or train it again with such a card."
    )
