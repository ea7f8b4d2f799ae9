"""What a command refuses at once, before it imports what takes seconds to load."""

from pathlib import Path

from mcnet.core.errors import BadFileError, BadOptionError
from mcnet.core.extras import check_extra

SCAN = "a NIfTI file or the folder of a DICOM series"
MOTION = "a motion file"
MOTIONS = "a motion file or a folder of them"
SUBJECTS = "a BIDS tree or a folder of NIfTI files"
EXPERIMENT = "the TOML file of an experiment, such as experiments/quick.toml of the repository"


def check_exists(path: Path | None, expected: str) -> None:
    """Refuse an input that is not there; one that is not given is not looked for.

    Parameters
    ----------
    path
        As the user gave it.
    expected
        What is to be there, for the sentence.

    Raises
    ------
    McnetError
        Nothing is there.
    """
    if path is not None and not path.exists():
        raise BadFileError(f"{path} does not exist; give {expected}.")


def check_scans(paths: tuple[Path, ...], command: str) -> None:
    """Refuse scans that are not there, and DICOM series where the extra to read them is missing.

    Raises
    ------
    McnetError
        One is not there, or pydicom is not installed and one is a folder.
    """
    for path in paths:
        check_exists(path, SCAN)
    if any(path.is_dir() for path in paths):
        check_extra("dicom", command)


def check_at_least(flag: str, number: int, least: int) -> None:
    """Refuse a number below the least that makes sense.

    Raises
    ------
    McnetError
        It is below.
    """
    if number < least:
        raise BadOptionError(f"{flag} {number} is impossible; give a whole number from {least} on.")
