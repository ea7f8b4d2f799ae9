"""A scan given by a path: a NIfTI file, or the folder of a DICOM series."""

from pathlib import Path

from mcnet.core.errors import BadFileError
from mcnet.core.outputs import Kind
from mcnet.core.writing import cannot_read
from mcnet.io.dicom.names import SERIES_READ, is_dicom_file
from mcnet.io.nifti.files import read_volume
from mcnet.io.nifti.names import NIFTI
from mcnet.io.volume import Volume


def read_scan(path: Path) -> Volume:
    """Volume of a NIfTI file, or of the DICOM series in a folder.

    Raises
    ------
    McnetError
        As `mcnet.io.nifti.files.read_volume` and `mcnet.io.dicom.series.read_series`, or the path
        is a single DICOM file.
    ModuleNotFoundError
        It is a folder, and pydicom is not installed.
    """
    if _is_folder(path):
        from mcnet.io.dicom.series import read_series  # needs the extra dicom

        return read_series(path).volume
    try:
        single = is_dicom_file(path)
    except OSError:
        single = False  # the NIfTI reader reports the error
    if single:
        raise BadFileError(
            f"{path} is a single DICOM file; give the folder in which its series lies."
        )
    return read_volume(path)


def scan_kind(path: Path) -> Kind:
    """Kind of a scan as an input: a NIfTI file, or a folder in which nothing is written."""
    return SERIES_READ if _is_folder(path) else NIFTI


def nifti_model(path: Path) -> Path | None:
    """The file like which a NIfTI output of this scan is written; of a DICOM folder, none."""
    return None if _is_folder(path) else path


def files_of_scan(name: str, path: Path) -> dict[str, Path]:
    """Files that a scan is read from, for its provenance: one, or each of a DICOM series."""
    if not _is_folder(path):
        return {name: path}
    from mcnet.io.dicom.series import series_files

    return {f"{name}/{file.name}": file for file in series_files(path)}


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError as error:
        raise cannot_read(path, error) from error
