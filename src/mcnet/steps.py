"""Which steps of a run are done: a record beside each result, which vouches for its bytes."""

import shutil
from pathlib import Path

from mcnet.provenance import (
    Inputs,
    provenance,
    read_json,
    sha256_of_file,
    sha256_of_json,
    write_json,
)


def is_done(result: Path, key: str) -> bool:
    """Whether a result is there, was made from what the key says, and is as it was written.

    Parameters
    ----------
    result
        A folder.
    key
        Digest of everything that the result follows from.
    """
    record = read_json(_record(result))
    return (
        result.is_dir()
        and record.get("key") == key
        and record.get("content_sha256") == _sha256_of_folder(result)
    )


def mark_done(result: Path, key: str, *, seed: int, inputs: Inputs | None = None) -> None:
    """Write the record of a finished result, with its provenance."""
    about = {"key": key, "content_sha256": _sha256_of_folder(result)}
    write_json(_record(result), about | provenance(seed=seed, inputs=inputs))


def clear(result: Path) -> None:
    """Remove a result that is not done, so that nothing of it outlives what it was made from.

    A checkpoint stays: whoever wrote it knows whether it may go on from there.
    """
    _record(result).unlink(missing_ok=True)
    for path in result.glob("*"):
        if path.is_dir():
            shutil.rmtree(path)
        elif not path.name.startswith("checkpoint"):
            path.unlink()


def _record(result: Path) -> Path:
    return result.with_name(f"{result.name}.step.json")


def _sha256_of_folder(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return sha256_of_json([[str(path.relative_to(folder)), sha256_of_file(path)] for path in files])
