"""Where a command may write: all that it writes and reads is declared, and checked before any work.

`check_outputs` refuses what could not be written, and what would be lost by writing: inputs, other
outputs of the same command, and files that mcnet did not make or that were changed since.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mcnet.core.errors import OutputError
from mcnet.core.records import is_record, is_recorded
from mcnet.core.writing import cannot_write


def _none(_: Path) -> tuple[Path, ...]:
    return ()


def _never(_: Path) -> bool:
    return False


@dataclass(frozen=True)
class Kind:
    """What is written to a path, or read from it."""

    what: str = ""
    """How it is written, in a few words of a sentence."""
    suffixes: tuple[str, ...] = ()
    """Endings that its name may have, the usual one first; any, if there are none."""
    companions: Callable[[Path], tuple[Path, ...]] = _none
    """Files that are read or written with it; beside an output, records of mcnet."""
    is_ours: Callable[[Path], bool] = _never
    """Whether what stands there is mcnet's to replace; of an empty folder it is not asked."""
    foreign: str = (
        "is there already and was not written by mcnet, or was changed since; give the output "
        "another name or move that file"
    )
    """What is said of something that is not."""
    is_folder: bool = False
    members: tuple[str, ...] = ()
    """Files that are written to a folder which may hold others too; the first is their record."""
    is_closed: bool = False
    """Of an input: whether nothing may be written within it."""


@dataclass(frozen=True)
class Given:
    """A path that a command was given."""

    flag: str
    """How it was given; nothing, where a function was called."""
    path: Path
    kind: Kind = Kind()

    @property
    def files(self) -> tuple[Path, ...]:
        """The path, and all that is read or written with it."""
        if self.kind.members:
            return tuple(self.path / name for name in self.kind.members)
        return (self.path, *self.kind.companions(self.path))

    def __str__(self) -> str:
        return f"{self.flag} {self.path}".strip()


def given(*paths: tuple[str, Path | None, Kind]) -> list[Given]:
    """Paths that were given, by flag and kind; those that were not are left out."""
    return [Given(flag, path, kind) for flag, path, kind in paths if path is not None]


def recorded(what: str, suffixes: tuple[str, ...]) -> Kind:
    """Kind of a file that cannot tell who made it: a record beside it does (`record_of`)."""
    return Kind(
        what,
        suffixes,
        companions=lambda path: (record_of(path),),
        is_ours=lambda path: is_recorded(path, record_of(path)),
    )


def record_of(path: Path) -> Path:
    """The JSON file of provenance beside a file: its whole name, and ``.json``."""
    return path.with_name(f"{path.name}.json")


def folder_of(record: str, *others: str) -> Kind:
    """Kind of a folder that may hold anything, to which a record and other files are written."""
    return Kind(members=(record, *others), is_folder=True)


def check_outputs(outputs: Sequence[Given], inputs: Sequence[Given] = ()) -> None:
    """Refuse, before any work, outputs that could not be written or would replace other files.

    Parameters
    ----------
    outputs
        All that is to be written.
    inputs
        All that is read.

    Raises
    ------
    OutputError
        An output has another ending than its kind; is an input, lies in a folder of scans that are
        read, or goes by the name of an input's companion; shares a file with another output; lies
        where nothing may be written; is a folder where a file is meant, or the reverse; or would
        replace what mcnet did not make.
    """
    for number, output in enumerate(outputs):
        try:
            _check_not_read(output, inputs)
            _check_name(output)
            _check_apart(output, outputs[:number])
            for path in output.files:
                check_place(path)
            _check_replaceable(output)
        except OSError as error:  # a name that is too long, a folder that may not be looked into
            raise cannot_write(output.path, error) from error


def check_place(path: Path) -> None:
    """Refuse a file or folder that could not be made where it is to lie.

    Raises
    ------
    OutputError
        What is to hold it is no folder, or may not be written to.
    """
    try:
        folder = next(parent for parent in path.absolute().parents if os.path.lexists(parent))
        if not folder.is_dir():
            raise NotADirectoryError(f"{folder} is no folder")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(f"no permission to write to {folder}")
        if path.is_dir() and not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(f"no permission to write to {path}")
    except OSError as error:
        raise cannot_write(path, error) from error


def is_same(one: Path, other: Path) -> bool:
    """Whether two paths lead to one place: by links, by hard links, by names that ignore case."""
    if os.path.realpath(one) == os.path.realpath(other):
        return True
    try:
        return one.samefile(other)
    except OSError:  # one of them is not there
        return False


def is_within(path: Path, folder: Path) -> bool:
    """Whether a path, which need not be there yet, is a folder or lies in it."""
    real = Path(os.path.realpath(path))
    return any(is_same(place, folder) for place in (real, *real.parents))


def holds_something(path: Path) -> bool:
    """Whether anything but an empty folder stands at a path."""
    return os.path.lexists(path) and not (path.is_dir() and not any(path.iterdir()))


def _check_name(output: Given) -> None:
    kind, name = output.kind, output.path.name
    if kind.suffixes and not name.endswith(kind.suffixes):
        stem = name.removesuffix(".gz")
        stem = stem[: -len(Path(stem).suffix) or None]
        raise OutputError(
            f"{output} does not end in {' or '.join(kind.suffixes)}; {kind.what}: name the output "
            f"{stem}{kind.suffixes[0]}, for example."
        )


def _check_not_read(output: Given, inputs: Sequence[Given]) -> None:
    for path in output.files:
        for source in inputs:
            if is_same(path, source.path):
                raise OutputError(
                    f"{_part(output, path)} is an input and would be overwritten; name another "
                    "output."
                )
            if any(is_same(path, file) for file in source.files):
                raise OutputError(
                    f"{_part(output, path)} goes by the name of a file that belongs to the input "
                    f"{source.path}; name another output."
                )
            if source.kind.is_closed and is_within(path, source.path):
                raise OutputError(
                    f"{output} lies in {source.path}, which is read; name an output outside it."
                )


def _check_apart(output: Given, others: Sequence[Given]) -> None:
    for other in others:
        if any(_collide(one, two) for one in output.files for two in other.files):
            raise OutputError(
                f"{output} and {other} would overwrite each other or their JSON files; give every "
                "output a name of its own."
            )
        for inner, outer in ((output, other), (other, output)):
            if not outer.kind.members and is_within(inner.path, outer.path):
                raise OutputError(
                    f"{inner} would lie in {outer}; give every output a place of its own."
                )


def _collide(one: Path, other: Path) -> bool:
    """Whether two files to be written are one, on file systems that ignore case too."""
    return is_same(one, other) or (
        one.name.casefold() == other.name.casefold() and is_same(one.parent, other.parent)
    )


def _check_replaceable(output: Given) -> None:
    path, kind = output.path, output.kind
    if kind.is_folder and os.path.lexists(path) and not path.is_dir():
        raise OutputError(f"{output} is a file, and a folder is written; give it another name.")
    if kind.members:
        record = path / kind.members[0]
        for file in output.files:
            if os.path.lexists(file) and not is_recorded(file, record):
                raise OutputError(f"{file} {kind.foreign}.")
        return
    if not kind.is_folder and path.is_dir():
        raise cannot_write(output.path, IsADirectoryError("it is a folder"))
    for record in kind.companions(path):
        if os.path.lexists(record) and not is_record(record):
            raise OutputError(
                f"{record} was not written by mcnet, whose provenance goes by that name; give the "
                "output another name or move that file."
            )
    if holds_something(path) and not kind.is_ours(path):
        raise OutputError(f"{output} {kind.foreign}.")


def _part(output: Given, path: Path) -> str:
    """An output, or the file that goes with it."""
    return str(output) if path == output.path else f"{path}, which goes with {output},"


_PAGE_MARK = b'<meta name="generator" content="mcnet '


def _is_our_page(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return _PAGE_MARK in stream.read(1 << 16)
    except OSError:
        return False


PAGE = Kind(
    "pages are written as HTML",
    (".html", ".htm"),
    is_ours=_is_our_page,
)
ONNX = recorded("networks are written as ONNX", (".onnx",))
FILE = Kind("a file that is read")
"""Any file that is an input, and has no companions."""
FOLDER = Kind("a folder that is read", is_folder=True)
"""A folder of inputs, beside which outputs may lie in it."""
