"""Files written whole or not at all, and all of one piece of work together."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcnet.core.errors import BadFileError, OutputError
from mcnet.core.provenance import sha256_of_file


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


def cannot_write(path: Path | str, error: OSError) -> OutputError:
    """Return the sentence about a place that cannot be written, to be raised."""
    reason = error.strerror or str(error)
    return OutputError(
        f"{path} cannot be written ({reason.lower()}); name an output in a folder that you may "
        "write to and that has room left."
    )


def cannot_read(path: Path, error: OSError) -> BadFileError:
    """Return the sentence about a file or folder that cannot be read, to be raised."""
    reason = (error.strerror or str(error)).lower()
    return BadFileError(
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
