"""Detection of DICOM files, and the folder of a series as input and output; without pydicom."""

from pathlib import Path

from mcnet.core.outputs import Kind


def is_dicom_file(path: Path) -> bool:
    """Whether the letters DICM follow the preamble."""
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def series_sidecar(folder: Path) -> Path:
    """The JSON file of provenance beside a series' folder, where no viewer looks for images."""
    return folder.with_name(f"{folder.name}.json")


SERIES = Kind(
    "a series is written to a folder of its own",
    companions=lambda folder: (series_sidecar(folder),),
    foreign=(
        "exists and is not an empty folder; a series is written to a folder of its own: name one "
        "that does not exist yet"
    ),
    is_folder=True,
)
"""The folder of a series, as an output: new, with mcnet's record beside it."""
SERIES_READ = Kind(
    companions=lambda folder: tuple(path for path in (series_sidecar(folder),) if path.exists()),
    is_folder=True,
    is_closed=True,
)
"""The folder of a series, as an input: nothing is written within it."""
