"""What tells a DICOM file, and which folders a series is not written to; all without pydicom."""

from pathlib import Path

from mcnet.errors import McnetError
from mcnet.provenance import cannot_write, read_json


def is_dicom_file(path: Path) -> bool:
    """Whether the four letters of DICOM stand after the preamble."""
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def series_sidecar(folder: Path) -> Path:
    """The JSON file of provenance beside a series' folder, where no viewer looks for images."""
    return folder.with_name(f"{folder.name}.json")


def refuse_output_folder(folder: Path) -> None:
    """Refuse, before any work, a folder to which a series should not be written.

    Raises
    ------
    McnetError
        Something stands there already, or the JSON file beside it is not mcnet's.
    """
    sidecar = series_sidecar(folder)
    try:
        taken = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
        foreign = sidecar.exists() and read_json(sidecar).get("generator") != "mcnet"
    except OSError as error:
        raise cannot_write(folder, error) from error
    if taken:
        raise McnetError(
            f"{folder} exists and is not an empty folder; a series is written to a folder of its "
            "own: name one that does not exist yet."
        )
    if foreign:
        raise McnetError(
            f"{sidecar} was not written by mcnet, whose provenance goes by that name; give the "
            "output another name or move that file."
        )
