"""Which steps of a run are done: a record beside each result, which vouches for its files."""

import logging
import shutil
from pathlib import Path

from mcnet.core.errors import McnetError
from mcnet.core.provenance import Inputs, provenance, sha256_of_file
from mcnet.core.writing import read_json, write_json

_FILES = "files_sha256"
_log = logging.getLogger(__name__)


def is_done(result: Path, key: str) -> bool:
    """Whether a result is there, was made from what the key says, and is as it was written.

    Files that somebody else put there do not count.

    Parameters
    ----------
    result
        A folder.
    key
        Digest of everything that the result follows from.
    """
    record = read_json(_record(result))
    files = record.get(_FILES)
    done = (
        record.get("key") == key
        and isinstance(files, dict)
        and result.is_dir()
        and all(_is_as_written(result / name, digest) for name, digest in files.items())
    )
    _log.info("%s: %s", result, "done before, and as it was written" if done else "to be made")
    return done


def mark_done(result: Path, key: str, *, seed: int, inputs: Inputs | None = None) -> None:
    """Write the record of a finished result, with its provenance."""
    files = {name: sha256_of_file(result / name) for name in _names(result)}
    about = {"key": key, _FILES: files}
    write_json(_record(result), about | provenance(seed=seed, inputs=inputs))


def check_own(result: Path) -> None:
    """Refuse to make a result anew where its folder holds files of somebody else.

    Raises
    ------
    McnetError
        There is a file that the record of the result does not know.
    """
    files = read_json(_record(result)).get(_FILES)
    if not isinstance(files, dict):  # an interrupted step leaves no record, and nothing whole
        return
    foreign = [name for name in _names(result) if name not in files and not _is_checkpoint(name)]
    if foreign:
        raise McnetError(
            f"{result / foreign[0]} was not written by mcnet, which makes the files of that folder "
            "anew; move it elsewhere."
        )


def clear(result: Path) -> None:
    """Remove a result that is not done, so that nothing of it outlives what it was made from.

    A checkpoint stays: whoever wrote it knows whether it may go on from there.

    Raises
    ------
    McnetError
        As `check_own`.
    """
    check_own(result)
    _record(result).unlink(missing_ok=True)
    for path in result.glob("*"):
        if path.is_dir():
            shutil.rmtree(path)
        elif not _is_checkpoint(path.name):
            path.unlink()


def _record(result: Path) -> Path:
    return result.with_name(f"{result.name}.step.json")


def _is_checkpoint(name: str) -> bool:
    return name.startswith("checkpoint")


def _is_as_written(file: Path, digest: object) -> bool:
    return file.is_file() and sha256_of_file(file) == digest


def _names(folder: Path) -> list[str]:
    """Paths of all files of a folder, within it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [path.relative_to(folder).as_posix() for path in files]
