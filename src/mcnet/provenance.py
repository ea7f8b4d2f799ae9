"""Where a written file comes from, and how it is written: whole or not at all."""

import hashlib
import json
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
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
    ``mcnet.reproduce.reproduce()``.
    """
    if _commands:
        return _commands[0]
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


@dataclass
class Staged:
    """What is written under temporary names, and comes to its places together or not at all."""

    files: list[tuple[Path, Path]] = field(default_factory=list)
    """Where each is to stand, and its temporary name."""
    rooms: list[Path] = field(default_factory=list)
    """Folders of the temporary names, and others that were made for them, the outer ones first."""

    def sha256_in(self, folder: Path) -> dict[str, str]:
        """SHA-256 of the files that are to stand in a folder, by their names."""
        inside = [(path, temporary) for path, temporary in self.files if path.parent == folder]
        return {path.name: sha256_of_file(temporary) for path, temporary in inside}

    def put(self) -> None:
        """Rename everything; a folder that stood at a place makes room."""
        for path, temporary in self.files:
            try:
                replaced = temporary.with_name("replaced")
                if temporary.is_dir() and path.is_dir():
                    path.replace(replaced)
                try:
                    temporary.replace(path)
                except OSError:
                    if replaced.is_dir():
                        replaced.replace(path)
                    raise
            except OSError as error:
                raise cannot_write(path, error) from error

    def clear(self) -> None:
        """Remove temporary folders, and those that were made and hold nothing."""
        for room in reversed(self.rooms):
            if room.name.startswith(_ROOM):
                shutil.rmtree(room, ignore_errors=True)
            else:
                with suppress(OSError):  # it is no longer empty
                    room.rmdir()


_ROOM = ".writing-"
_DIGESTS = "files_sha256"
_staged: ContextVar[Staged | None] = ContextVar("staged", default=None)


@contextmanager
def written_together() -> Iterator[Staged]:
    """Have all that is written meanwhile come to its place at the end, or leave nothing of it.

    Within another such block it becomes part of that one. What is written within a folder that is
    itself written whole comes to its place with that folder.

    Raises
    ------
    McnetError
        A folder cannot be made or written, or the disk is full.
    """
    outer = _staged.get()
    if outer is not None:
        yield outer
        return
    staged = Staged()
    token = _staged.set(staged)
    try:
        yield staged
        staged.put()
    finally:
        _staged.reset(token)
        staged.clear()


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
    with written_together() as staged:
        room = _room_beside(path, staged)
        temporary = room / f"content{''.join(path.suffixes[-2:])}"
        token = _staged.set(None)  # what is written within a folder stands there at once
        try:
            yield temporary
            if temporary.is_file():
                # some writers keep what they write to their user
                usual = room / "usual"
                usual.touch()
                temporary.chmod(usual.stat().st_mode)
        except OSError as error:
            raise cannot_write(path, error) from error
        finally:
            _staged.reset(token)
        staged.files.append((path, temporary))


def _room_beside(path: Path, staged: Staged) -> Path:
    """A folder for temporary names on the file system of a path."""
    try:
        absent = [parent for parent in path.parents if not parent.exists()]
        staged.rooms += reversed(absent)
        path.parent.mkdir(parents=True, exist_ok=True)
        room = Path(tempfile.mkdtemp(prefix=_ROOM, dir=path.parent))
    except OSError as error:
        raise cannot_write(path, error) from error
    staged.rooms.append(room)
    return room


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

    Records of versions before 0.3 name no digests; they are believed.
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


def printable(text: str) -> str:
    r"""Return a text that UTF-8 can hold: bytes of a name that are no UTF-8 become ``\udcff``."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file, whole or not at all; what UTF-8 cannot hold as `printable`."""
    with written_whole(path) as temporary:
        temporary.write_text(printable(text), encoding="utf-8")


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
