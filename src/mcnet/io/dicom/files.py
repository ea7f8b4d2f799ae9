"""DICOM files one by one: their headers, and their pixels."""

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Shaped
from pydicom import dcmread
from pydicom.config import disable_value_validation
from pydicom.dataset import FileDataset
from pydicom.errors import BytesLengthException
from pydicom.pixels.utils import pixel_array
from pydicom.tag import Tag
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from mcnet.core.errors import BadFileError
from mcnet.io.damage import damage_as_error
from mcnet.io.dicom.names import is_dicom_file

DAMAGE = (
    *(ValueError, TypeError, AttributeError, LookupError, ArithmeticError, EOFError, OSError),
    *(NotImplementedError, RecursionError, MemoryError, struct.error, zlib.error),
    BytesLengthException,
)
"""Errors of pydicom for damaged files."""

_NEEDED = (
    *("Rows", "Columns", "BitsAllocated", "BitsStored", "PixelRepresentation"),
    *("PhotometricInterpretation", "SamplesPerPixel"),
)
"""Attributes without which the stored bytes cannot be decoded as pixels."""
_READ_LATER = (
    *("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "SeriesNumber"),
    *("SeriesDescription", "ProtocolName", "Modality", "InPlanePhaseEncodingDirection"),
    *("SamplesPerPixel", "NumberOfFrames", "SharedFunctionalGroupsSequence"),
    "PerFrameFunctionalGroupsSequence",
)
"""Attributes used elsewhere: pydicom decodes each at its first access, and may fail then."""
_FIRST_GROUPS = (b"\x02\x00", b"\x08\x00", b"\x00\x08")
"""First bytes of a file that has neither preamble nor the letters DICM."""


@dataclass(frozen=True, eq=False)
class DicomFile:
    """One DICOM file, its pixels not read yet."""

    path: Path
    header: FileDataset
    """All attributes of the file; long ones are read later, by `whole_file`."""


def dicom_file(path: Path) -> DicomFile | None:
    """Header of a DICOM file, also one without preamble or meta header; none of any other file.

    Raises
    ------
    McnetError
        It begins as a DICOM file and is damaged, or may not be read.
    """
    with pydicom_errors(path):
        if not is_dicom_file(path):
            return _without_preamble(path)
        header = dcmread(path, defer_size=4096)
        for keyword in (*_READ_LATER, *_NEEDED):
            header.get(keyword)
        return DicomFile(path, header)


def whole_file(path: Path) -> FileDataset:
    """All attributes of a DICOM file with its pixels, and always its transfer syntax."""
    header = dcmread(path, force=True)
    if not header.file_meta.get("TransferSyntaxUID"):
        header.file_meta.TransferSyntaxUID = _plain_syntax(header, path)
    return header


def read_pixels(image: DicomFile) -> Shaped[np.ndarray, "frame row column"]:
    """Stored numbers of every frame of a file.

    Raises
    ------
    McnetError
        An attribute that describes their storage is missing, the pixels are cut off, or no
        installed package can decode them.
    """
    with pydicom_errors(image.path):
        check_pixel_attributes(image)
        whole = whole_file(image.path)
        syntax = whole.file_meta.TransferSyntaxUID
        if syntax.is_private:
            raise BadFileError(
                f"{image.path} is encoded in a manufacturer's own way (transfer syntax {syntax}); "
                "export the series again as Explicit VR Little Endian, or decompress it with the "
                "manufacturer's software."
            )
        try:
            pixels = pixel_array(whole, raw=True)
        except RuntimeError as error:  # no decoder is installed, or the one that is has failed
            raise BadFileError(
                f"{image.path} is compressed ({syntax.name}) and no installed package can undo "
                "it; pip install 'pylibjpeg[all]', or decompress the series, for example with "
                "dcmdjpeg or gdcmconv --raw."
            ) from error
    return pixels.reshape(-1, *pixels.shape[-2:])


def check_pixel_attributes(image: DicomFile) -> None:
    """Check that an image has the attributes that describe the storage of its pixels.

    Raises
    ------
    McnetError
        An attribute is missing or empty.
    """
    for keyword in _NEEDED:
        if image.header.get(keyword) in (None, ""):
            raise BadFileError(
                f"{image.path} has no {keyword}, without which its pixels cannot be read; copy or "
                "export the series again."
            )


def tag_of(keyword: str) -> str:
    """Group and element of an attribute, as ``(0018,0081)``."""
    return str(Tag(keyword))


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """Keep pydicom from warning of invalid values; those that matter are refused by the reader."""
    with warnings.catch_warnings(), disable_value_validation():
        warnings.simplefilter("ignore")
        yield


def pydicom_errors(path: Path) -> AbstractContextManager[None]:
    """Context in which what pydicom raises of a file cut off or damaged becomes a `McnetError`."""
    return damage_as_error(path, DAMAGE, "is cut off or damaged; copy or export the series again.")


def _without_preamble(path: Path) -> DicomFile | None:
    """Header of a file that begins with attributes at once; none of any other file."""
    with path.open("rb") as stream:
        if stream.read(2) not in _FIRST_GROUPS:
            return None
    try:
        header = dcmread(path, defer_size=4096, force=True)
    except DAMAGE:
        return None
    return DicomFile(path, header) if "SOPClassUID" in header else None


def _plain_syntax(header: FileDataset, path: Path) -> UID:
    """Transfer syntax of a file without meta header, by the encoding of its attributes."""
    if "PixelData" in header and header["PixelData"].is_undefined_length:
        raise BadFileError(
            f"{path} has no meta header that says how its pixels are compressed; export the "
            "series again, with meta headers."
        )
    is_implicit, is_little = header.original_encoding
    if is_implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if is_little else ExplicitVRBigEndian
