"""What every written file says of itself: version, command, seed, SHA-256 of its inputs."""

import hashlib
import json
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from mcnet import __version__


def sha256_of_file(path: Path) -> str:
    """SHA-256 of a file's bytes, as hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_of_arrays(*arrays: Any) -> str:
    """SHA-256 of NumPy arrays: their types, shapes and numbers, as hexadecimal digits."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str} {array.shape} ".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def sha256_of_json(content: object) -> str:
    """SHA-256 of a value's canonical JSON: equal content, equal digits."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


_commands: list[str] = []
"""The commands that run now, the first given first; of a call from Python none."""


@contextmanager
def recorded_command(program: str, arguments: Sequence[str]) -> Iterator[None]:
    """Have what is written meanwhile say that this command wrote it."""
    with recorded_as(shlex.join([program, *arguments])):
        yield


@contextmanager
def recorded_as(told: str) -> Iterator[None]:
    """Have what is written meanwhile say this, also where a command runs within: as its processes.

    It is what `command` gave in the process that started this one.
    """
    _commands.append(told)
    try:
        yield
    finally:
        _commands.pop()


def command() -> str:
    """Return the command that was given, or the function of mcnet that Python code has called.

    The function is the outermost of mcnet's on the stack, for example
    ``mcnet.experiments.reproduce.reproduce()``, or ``mcnet.correct()`` of the public API.
    """
    if _commands:
        return _commands[0]
    called = "mcnet"
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith("mcnet."):
            package = "mcnet" if module.startswith("mcnet.api.") else module
            called = f"{package}.{frame.f_code.co_qualname}()"
        frame = frame.f_back
    return called


Inputs = Mapping[str, Path | str]
"""What something was made from, by name: files, or SHA-256 digests that are known already."""


def by_name(files: Sequence[Path]) -> dict[str, Path]:
    """Files by name; those that share one, by as much of their paths as tells all apart."""
    for n_parts in range(1, max((len(file.parts) for file in files), default=1) + 1):
        found = {"/".join(file.parts[-n_parts:]): file for file in files}
        if len(found) == len(set(files)):
            break
    return found


def provenance(*, seed: int | None = None, inputs: Inputs | None = None) -> dict[str, Any]:
    """Return what goes with every file that mcnet writes: version, command, seed, input hashes."""
    hashes = {
        name: source if isinstance(source, str) else sha256_of_file(source)
        for name, source in (inputs or {}).items()
    }
    return {
        "generator": "mcnet",
        "version": __version__,
        "command": command(),
        "seed": seed,
        "inputs_sha256": hashes,
    }
