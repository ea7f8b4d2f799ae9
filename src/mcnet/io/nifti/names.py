"""Names of NIfTI files, and of the files that belong to a scan."""

from pathlib import Path

from mcnet.core.errors import BadFileError
from mcnet.core.outputs import Kind
from mcnet.core.records import is_recorded
from mcnet.core.writing import cannot_read

SUFFIXES = (".nii.gz", ".nii")
_SUFFIXES_READ = (*SUFFIXES, ".img.gz", ".img", ".hdr.gz", ".hdr")


def nifti_stem(path: Path) -> str:
    """Name of a file without its folder and without NIfTI's ending, in capitals or not."""
    for suffix in _SUFFIXES_READ:
        if path.name.lower().endswith(suffix):
            return path.name[: -len(suffix)]
    return path.stem


def is_single_nifti(path: Path) -> bool:
    """Whether a file is NIfTI in one file by its name, in capitals or not."""
    return path.name.lower().endswith(SUFFIXES)


def scans_in_folder(folder: Path) -> dict[str, Path]:
    """NIfTI files of a plain folder by their names without ending, sorted; hidden ones left out.

    Raises
    ------
    McnetError
        The folder cannot be read, two files differ in their ending alone, or one is a link to
        nothing.
    """
    found: dict[str, Path] = {}
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise cannot_read(folder, error) from error
    for path in paths:
        if not is_single_nifti(path) or path.name.startswith(".") or path.is_dir():
            continue
        check_fetched(path)
        if nifti_stem(path) in found:
            raise BadFileError(
                f"{folder} has two scans named {nifti_stem(path)}; one file a subject is needed: "
                "move the other elsewhere."
            )
        found[nifti_stem(path)] = path
    return found


def check_fetched(path: Path) -> None:
    """Check that a file is not a broken link, as of DataLad before the content is fetched.

    Raises
    ------
    McnetError
        It is such a link.
    """
    if path.is_symlink() and not path.exists():
        raise BadFileError(
            f"{path} is a link to a file that is not here; fetch its content first (datalad get)."
        )


def sidecar(path: Path) -> Path:
    """The JSON file beside a scan, which holds its provenance."""
    return path.with_name(f"{nifti_stem(path)}.json")


def files_with(path: Path) -> tuple[Path, ...]:
    """Files that belong to a scan: its JSON file, and the other one of ``.hdr`` and ``.img``."""
    other = {".hdr": ".img", ".img": ".hdr"}.get(path.suffix.lower())
    return (sidecar(path), path.with_suffix(other)) if other else (sidecar(path),)


NIFTI = Kind(
    "scans are written as NIfTI",
    SUFFIXES,
    companions=files_with,
    is_ours=lambda path: is_recorded(path, sidecar(path)),
)
"""A scan with its JSON file: of an output mcnet's record, of an input anyone's."""


def is_nifti_name(path: Path) -> bool:
    """Whether an output is to be NIfTI, by its name."""
    return path.name.endswith((".nii", ".nii.gz"))
