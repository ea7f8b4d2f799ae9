"""Files that are absent, may not be read, or are damaged: one sentence each, for every format."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mcnet.core.errors import BadFileError, McnetError
from mcnet.core.writing import cannot_read


def check_is_file(path: Path, kind: str, *, hint: str = "") -> None:
    """Check that a file is there, before its format's reader opens it.

    Parameters
    ----------
    path
        The file.
    kind
        What is expected, with its article, such as "a .nii or .nii.gz file".
    hint
        What else to do with a folder.

    Raises
    ------
    McnetError
        It is a folder, does not exist, or its folder cannot be read.
    """
    try:
        is_folder, exists = path.is_dir(), path.exists()
    except OSError as error:
        raise cannot_read(path, error) from error
    if is_folder:
        raise BadFileError(f"{path} is a folder; give {kind} in it{hint}.")
    if not exists:
        raise BadFileError(f"{path} does not exist; give the path of {kind}.")


@contextmanager
def damage_as_error(
    path: Path, faults: tuple[type[Exception], ...], sentence: str | Callable[[], str]
) -> Iterator[None]:
    """Context in which the errors of a format's library become a `McnetError`.

    Parameters
    ----------
    path
        The file that is read.
    faults
        What the library raises where bytes do not mean what they should.
    sentence
        What follows the path: the damage and its remedy; or a function that finds it out.

    Raises
    ------
    McnetError
        One of the faults was raised, or the file may not be read. A `McnetError` of a reader's own
        passes unchanged.
    """
    try:
        yield
    except McnetError:
        raise
    except PermissionError as error:
        raise cannot_read(path, error) from error
    except faults as error:
        raise BadFileError(
            f"{path} {sentence if isinstance(sentence, str) else sentence()}"
        ) from error
