"""Where a written file comes from, and how it is written: whole or not at all."""

import hashlib
import json
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from mcnet import __version__
from mcnet.errors import McnetError


def sha256_of_file(path: Path) -> str:
    """SHA-256 of a file's bytes, as hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_of_json(content: object) -> str:
    """SHA-256 of a value's canonical JSON: equal content, equal digits."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


_commands: list[str] = []
"""The commands that run now, the innermost last; of a call from Python none."""


@contextmanager
def recorded_command(program: str, arguments: Sequence[str]) -> Iterator[None]:
    """Have what is written meanwhile say that this command wrote it."""
    _commands.append(shlex.join([program, *arguments]))
    try:
        yield
    finally:
        _commands.pop()


def command() -> str:
    """Return the command that runs now, or the function of mcnet that Python code has called.

    The function is the outermost of mcnet's on the stack, for example
    ``mcnet.reproduce.reproduce()``.
    """
    if _commands:
        return _commands[-1]
    called = "mcnet"
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith("mcnet."):
            called = f"{module}.{frame.f_code.co_qualname}()"
        frame = frame.f_back
    return called


MAX_SEED = 2**63 - 1
"""Generators of random numbers take no greater one."""


def check_seed(seed: int) -> None:
    """Refuse a seed that no generator of random numbers takes.

    Raises
    ------
    McnetError
        It is below zero or beyond 63 bits.
    """
    if not 0 <= seed <= MAX_SEED:
        shown = f"{seed}" if abs(seed) <= 10**30 else "of more than 30 digits"
        raise McnetError(f"seed {shown} is impossible; give a whole number from 0 to {MAX_SEED}.")


def provenance(
    *, seed: int | None = None, inputs: Mapping[str, Path] | None = None
) -> dict[str, Any]:
    """Return what goes with every file that mcnet writes: version, command, seed, input hashes."""
    hashes = {name: sha256_of_file(path) for name, path in (inputs or {}).items()}
    return {
        "generator": "mcnet",
        "version": __version__,
        "command": command(),
        "seed": seed,
        "inputs_sha256": hashes,
    }


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Lend a temporary name beside ``path``; rename it to ``path`` at the end, or leave nothing.

    The temporary name keeps the suffixes of ``path``, by which writers choose their format. What
    is written may be a file or a folder; a file or folder that stood at ``path`` is replaced.

    Raises
    ------
    McnetError
        The folder cannot be made or written, or the disk is full.
    """
    suffix = "".join(path.suffixes[-2:])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        room = Path(tempfile.mkdtemp(prefix=".writing-", dir=path.parent))
    except OSError as error:
        raise cannot_write(path, error) from error
    temporary = room / f"content{suffix}"
    try:
        yield temporary
        if temporary.is_file():
            # some writers keep what they write to their user
            usual = room / "usual"
            usual.touch()
            temporary.chmod(usual.stat().st_mode)
        if temporary.is_dir() and path.is_dir():
            path.replace(room / "replaced")
        temporary.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        shutil.rmtree(room, ignore_errors=True)


def refuse_unwritable(path: Path) -> None:
    """Refuse, before any work, a file or folder that could not be made where it is to lie.

    Raises
    ------
    McnetError
        What is to hold it is no folder, or may not be written to.
    """
    try:
        folder = next(parent for parent in path.parents if parent.exists())
        if not folder.is_dir():
            raise NotADirectoryError(f"{folder} is no folder")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(f"no permission to write to {folder}")
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path | str, error: OSError) -> McnetError:
    """Return the sentence about a place that cannot be written, to be raised."""
    reason = error.strerror or str(error)
    return McnetError(
        f"{path} cannot be written ({reason.lower()}); name an output in a folder that you may "
        "write to and that has room left."
    )


def cannot_read(path: Path, error: OSError) -> McnetError:
    """Return the sentence about a file or folder that cannot be read, to be raised."""
    reason = (error.strerror or str(error)).lower()
    return McnetError(
        f"{path} cannot be read ({reason}); name one that exists and that you may read."
    )


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file, whole or not at all."""
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: object) -> None:
    """Write a JSON file with sorted keys, whole or not at all."""
    write_text(path, json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Content of a JSON file that mcnet wrote; of a missing or damaged one, nothing."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
