"""JSON and TOML that somebody else wrote: one reader, and one kind of refusal.

Whatever the bytes are, a reader here gives what they say or raises `McnetError`.
"""

import json
import tomllib
from pathlib import Path
from typing import Any

from mcnet.core.errors import BadFileError
from mcnet.core.writing import cannot_read

_BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}


def parse_json(content: str | bytes, place: Path | str) -> Any:
    """Value of a JSON text.

    Bytes may be UTF-8, UTF-16 or UTF-8 with a byte order mark, or, as older converters write them,
    Latin-1. NaN and infinities, which JSON has not but many programs write, become None.

    Parameters
    ----------
    content
        The text, or its bytes.
    place
        Where it stands, for the sentence.

    Raises
    ------
    McnetError
        It is no JSON, or nested too deeply.

    Examples
    --------
    >>> parse_json(b'{"Modality": "MR", "EchoTime": NaN}', "sub-01_T1w.json")
    {'Modality': 'MR', 'EchoTime': None}
    """
    try:
        text = content if isinstance(content, str) else _decoded(content)
        return json.loads(text, parse_constant=lambda _: None, parse_float=_finite_or_none)
    except RecursionError as error:
        raise BadFileError(
            f"{place} is nested too deeply to be read; expected a plain JSON file: mend it or take "
            "it away."
        ) from error
    except ValueError as error:
        raise BadFileError(
            f"{place} is no JSON ({_reason(error)}); mend it or take it away."
        ) from error


def read_json_object(path: Path) -> dict[str, Any]:
    """Object of a JSON file, as `parse_json`.

    Raises
    ------
    McnetError
        The file is missing, may not be read, is no JSON, or holds something else than an object.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise cannot_read(path, error) from error
    found = parse_json(content, path)
    if not isinstance(found, dict):
        raise BadFileError(
            f"{path} holds a JSON {type(found).__name__}; expected an object of names and values: "
            "mend it or take it away."
        )
    return found


def read_toml(path: Path) -> dict[str, Any]:
    """Content of a TOML file.

    Raises
    ------
    McnetError
        The file is missing, or no TOML.
    """
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError as error:
        raise BadFileError(
            f"{path} does not exist; name a TOML file, such as experiments/quick.toml."
        ) from error
    except RecursionError as error:
        raise BadFileError(
            f"{path} is nested too deeply to be read; see experiments/quick.toml for a TOML file."
        ) from error
    except (OSError, ValueError) as error:  # UnicodeDecodeError and TOMLDecodeError among them
        raise BadFileError(
            f"{path} is not a readable TOML file ({_reason(error)}); see experiments/quick.toml "
            "for one."
        ) from error


def _decoded(content: bytes) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            return content.decode(encoding)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _finite_or_none(number: str) -> float | None:
    value = float(number)
    return value if abs(value) != float("inf") else None


def _reason(error: Exception) -> str:
    """The first line of a parser's complaint, without the text that it complains of."""
    return str(error).partition("\n")[0][:200]
