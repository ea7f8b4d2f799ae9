"""The DICOM images of a folder: those of one series of grey images, all else left out."""

import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Shaped
from pydicom import dcmread
from pydicom.config import disable_value_validation
from pydicom.dataset import FileDataset
from pydicom.pixels.utils import pixel_array

from mcnet.data.dicom.names import is_dicom_file
from mcnet.errors import McnetError
from mcnet.provenance import cannot_read

_DAMAGE = (ValueError, TypeError, AttributeError, KeyError, IndexError, EOFError, OSError)
"""What pydicom raises where bytes do not mean what they should."""


@dataclass(frozen=True, eq=False)
class DicomFile:
    """One DICOM file, its pixels not read yet."""

    path: Path
    header: FileDataset
    """All that stands in the file; what is long stays on the disk until it is asked for."""


def images_of_one_series(folder: Path) -> list[DicomFile]:
    """Files of a folder that hold images, sorted by name; subfolders are not searched.

    What is no DICOM file, or one without an image (DICOMDIR, a report), is left out.

    Raises
    ------
    McnetError
        The folder cannot be read, or holds no image, a damaged one, images of several series, or
        images that are not one grey intensity a pixel.
    """
    files = [file for path in _files(folder) if (file := _dicom_file(path)) is not None]
    images = [file for file in files if "PixelData" in file.header]
    if not images:
        raise McnetError(
            f"{folder} holds no DICOM image; give the folder in which the files of one series lie, "
            "not one above it."
        )
    _refuse_images_cut_off(files, images)
    _refuse_several_series(folder, images)
    for image in images:
        _refuse_other_than_grey(image)
    return images


def read_pixels(image: DicomFile) -> Shaped[np.ndarray, "frame row column"]:
    """Stored numbers of every frame of a file.

    Raises
    ------
    McnetError
        The pixels are cut off, or compressed in a way that no installed package undoes.
    """
    try:
        with damage_told(image.path):
            pixels = pixel_array(image.path, raw=True)
    except RuntimeError as error:  # no decoder is installed, or the one that is has failed
        syntax = image.header.file_meta.TransferSyntaxUID
        raise McnetError(
            f"{image.path} is compressed ({syntax.name}) and no installed package can undo it; "
            "pip install 'pylibjpeg[all]', or decompress the series, for example with dcmdjpeg or "
            "gdcmconv --raw."
        ) from error
    return pixels.reshape(-1, *pixels.shape[-2:])


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """Keep pydicom from warning of values that scanners get wrong; what matters is refused here."""
    with warnings.catch_warnings(), disable_value_validation():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def damage_told(path: Path) -> Iterator[None]:
    """Turn what pydicom raises of a file that is cut off or damaged into a sentence."""
    try:
        yield
    except McnetError:
        raise
    except PermissionError as error:
        raise cannot_read(path, error) from error
    except _DAMAGE as error:
        raise _damaged(path) from error


def _files(folder: Path) -> list[Path]:
    try:
        if not folder.exists():
            raise McnetError(f"{folder} does not exist; give the folder of a DICOM series.")
        if not folder.is_dir():
            raise McnetError(f"{folder} is a file; give the folder in which its series lies.")
        found = sorted(folder.iterdir())
        return [path for path in found if path.is_file() and not path.name.startswith(".")]
    except OSError as error:
        raise cannot_read(folder, error) from error


def _dicom_file(path: Path) -> DicomFile | None:
    """What a DICOM file holds; of any other file, none."""
    with damage_told(path):
        if is_dicom_file(path):
            return DicomFile(path, dcmread(path, defer_size=4096))
    return None


def _damaged(path: Path) -> McnetError:
    return McnetError(f"{path} is cut off or damaged; copy or export the series again.")


def _refuse_images_cut_off(files: list[DicomFile], images: list[DicomFile]) -> None:
    """Refuse files of the images' own kind in which no pixels follow: nobody would miss them."""
    kinds = {file.header.file_meta.get("MediaStorageSOPClassUID") for file in images}
    for file in files:
        kind = file.header.file_meta.get("MediaStorageSOPClassUID")
        if "PixelData" not in file.header and kind in kinds:
            raise _damaged(file.path)


def _refuse_several_series(folder: Path, images: list[DicomFile]) -> None:
    n_images = Counter(str(image.header.get("SeriesInstanceUID")) for image in images)
    if len(n_images) == 1:
        return
    headers = {str(image.header.get("SeriesInstanceUID")): image.header for image in images}
    told = [
        f"{headers[uid].get('SeriesNumber', '?')} '{headers[uid].get('SeriesDescription', '')}' "
        f"({count} images)"
        for uid, count in list(n_images.items())[:6]
    ]
    more = ", ..." if len(n_images) > len(told) else ""
    raise McnetError(
        f"{folder} holds {len(n_images)} series ({', '.join(told)}{more}); one is needed: copy it "
        "to a folder of its own."
    )


def _refuse_other_than_grey(image: DicomFile) -> None:
    header = image.header
    kind = str(header.get("PhotometricInterpretation"))
    if header.get("SamplesPerPixel", 1) != 1 or not kind.startswith("MONOCHROME"):
        raise McnetError(
            f"{image.path} holds colours ({kind}); one grey intensity a pixel is needed: give the "
            "scan itself, not a map or a picture made of it."
        )
    if "ModalityLUTSequence" in header:
        raise McnetError(
            f"{image.path} scales its intensities by a table (ModalityLUTSequence), which mcnet "
            "does not read; convert the series with dcm2niix and give the NIfTI file."
        )
