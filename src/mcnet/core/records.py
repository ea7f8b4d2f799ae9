"""JSON records beside written files, with the SHA-256 by which mcnet knows its own files again."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mcnet.core.provenance import sha256_of_file
from mcnet.core.writing import read_json, write_json, written_together, written_whole

_DIGESTS = "files_sha256"


@contextmanager
def written_with_record(path: Path, record: Path, about: Mapping[str, Any]) -> Iterator[Path]:
    """Lend a temporary name as `written_whole`; write beside it the JSON record of what it is.

    The record tells the SHA-256 of the file, so that a file that somebody has changed or replaced
    since is not taken for mcnet's (`is_recorded`).
    """
    with written_together():
        with written_whole(path) as temporary:
            yield temporary
            digest = sha256_of_file(temporary)
        write_json(record, {**about, _DIGESTS: {path.name: digest}})


def write_record(path: Path, about: Mapping[str, Any]) -> None:
    """Write a JSON record of all files that are written to its folder together with it."""
    with written_together() as staged:
        write_json(path, {**about, _DIGESTS: staged.sha256_in(path.parent)})


def digests_of(folder: Path) -> dict[str, dict[str, str]]:
    """What the record of a folder, which is written whole, says of the files in it."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return {_DIGESTS: {path.name: sha256_of_file(path) for path in files}}


def is_record(path: Path) -> bool:
    """Whether a JSON file is one of provenance that mcnet wrote."""
    about = read_json(path)
    made = about.get("provenance", about)
    return isinstance(made, dict) and made.get("generator") == "mcnet"


def is_recorded(path: Path, record: Path) -> bool:
    """Whether a file is as mcnet wrote it, by the record that mcnet wrote with it.

    Records of versions before 0.3 name no digests; they are accepted.
    """
    if not is_record(record):
        return False
    digests = read_json(record).get(_DIGESTS)
    if digests is None or path == record:
        return True
    try:
        return isinstance(digests, dict) and sha256_of_file(path) in digests.values()
    except OSError:
        return False
