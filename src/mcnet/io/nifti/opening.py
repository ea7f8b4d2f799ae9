"""NIfTI files opened by their content: compressed or not, one file or two, whatever the name."""

import gzip
import logging
import math
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import nibabel as nib
from nibabel.filebasedimages import ImageFileError
from nibabel.fileholders import FileHolder
from nibabel.imageglobals import logger as nibabel_logger
from nibabel.spatialimages import HeaderDataError, HeaderTypeError

from mcnet.core.errors import McnetError
from mcnet.io.damage import check_is_file, damage_as_error

_FAULTS = (ImageFileError, HeaderDataError, HeaderTypeError, ValueError, OverflowError, MemoryError)
UNREADABLE = (*_FAULTS, OSError, EOFError, zlib.error)
"""Errors of nibabel and gzip for damaged files."""

_KIND = "a .nii or .nii.gz file"
_DAMAGED = (
    f"is not a NIfTI scan or its header is damaged; give {_KIND}, for example one made by dcm2niix."
)
_LONGEST_HEADER = 540


@contextmanager
def nifti_image(path: Path) -> Iterator[nib.Nifti1Pair]:
    """NIfTI image whose header is read; its values can be read as long as the context lasts.

    Raises
    ------
    McnetError
        There is no such file, or it is no NIfTI file.
    """
    check_is_file(path, _KIND, hint=" (a DICOM folder is converted by dcm2niix)")
    with ExitStack() as files:
        with damage_as_error(path, UNREADABLE, _DAMAGED), _silent_nibabel():
            image = _loaded(path, files)
        if not isinstance(image, nib.Nifti1Pair):
            raise McnetError(
                f"{path} is a file of type {type(image).__name__.removesuffix('Image')}, not "
                "NIfTI; convert it to .nii.gz first (nib-convert or mri_convert does it)."
            )
        yield image


def check_stored(image: nib.Nifti1Pair) -> None:
    """Raise one of `UNREADABLE` where a checksum of gzip is wrong or there are too few bytes.

    Nothing is kept in memory: a header may claim more than there is.
    """
    n_stored = 0
    for holder in image.file_map.values():  # of a pair the header first, then the values
        n_stored = _length(holder.fileobj)
    values: Any = image.dataobj
    n_needed = values.offset + math.prod(image.shape) * values.dtype.itemsize
    if n_stored < n_needed:
        raise EOFError(f"{n_stored} bytes, {n_needed} needed")


def header_in_file(image: nib.Nifti1Pair) -> nib.Nifti1Header:
    """Header as stored; nibabel's own replaces voxel sizes of 0 by 1 and drops signs.

    Of an image that `nifti_image` has not opened there is only nibabel's own.
    """
    if not is_opened(image):
        own: nib.Nifti1Header = image.header
        return own
    stream: Any = image.file_map.get("header", image.file_map["image"]).fileobj
    stream.seek(0)
    header: nib.Nifti1Header = type(image.header).from_fileobj(stream, check=False)
    return header


def is_opened(image: nib.Nifti1Pair) -> bool:
    """Whether an image is one of `nifti_image`, whose file is open, rather than in memory."""
    return image.file_map["image"].fileobj is not None


def is_pair(path: Path) -> bool:
    """Whether a scan lies in two files, by its name: ``.hdr`` and ``.img``, compressed or not."""
    return _without_gz(path).suffix.lower() in (".hdr", ".img")


def is_compressed(path: Path) -> bool:
    """Whether a file is compressed with gzip, by what is in it."""
    with path.open("rb") as stream:
        return stream.read(2) == b"\x1f\x8b"


def _loaded(path: Path, files: ExitStack) -> Any:
    """Image of a NIfTI file, or of another format that nibabel reads."""
    parts = _parts(path)
    streams = {part: files.enter_context(_content(place)) for part, place in parts.items()}
    first = next(iter(streams.values()))
    head = first.read(_LONGEST_HEADER)
    first.seek(0)
    kinds: tuple[Any, ...] = (nib.Nifti1Image, nib.Nifti2Image)
    if len(parts) > 1:
        kinds = (nib.Nifti1Pair, nib.Nifti2Pair)
    for kind in kinds:
        if kind.header_class.may_contain_header(head):
            file_map = {part: FileHolder(fileobj=stream) for part, stream in streams.items()}
            # with mmap a compressed file would be read without decompression
            return kind.from_file_map(file_map, mmap=False)
    return nib.load(path)


def _parts(path: Path) -> dict[str, Path]:
    """The file or, header first, the two files of a scan; either may be compressed alone."""
    if not is_pair(path):
        return {"image": path}
    plain = _without_gz(path)
    found = {}
    for part, ending in (("header", ".hdr"), ("image", ".img")):
        name = plain.with_suffix(ending if plain.suffix.islower() else ending.upper())
        compressed = [name.with_name(f"{name.name}{gz}") for gz in (".gz", ".GZ")]
        candidates = [path] if plain == name else [name, *compressed]
        there = [place for place in candidates if place.exists()]
        if not there:
            raise McnetError(
                f"{path} is one of the two files of a scan, and {name.name} is not beside it; "
                "give both, or one .nii.gz file."
            )
        found[part] = there[0]
    return found


def _content(path: Path) -> BufferedIOBase:
    """Content of a file, decompressed if it is compressed."""
    return gzip.open(path) if is_compressed(path) else path.open("rb")


def _length(stream: Any) -> int:
    """Number of bytes, read to the end, where gzip has its checksum."""
    stream.seek(0)
    if not isinstance(stream, gzip.GzipFile):
        return int(stream.seek(0, 2))
    while stream.read(1 << 24):
        pass
    return stream.tell()


def _without_gz(path: Path) -> Path:
    return path.with_suffix("") if path.suffix.lower() == ".gz" else path


@contextmanager
def _silent_nibabel() -> Iterator[None]:
    """Keep nibabel from printing header problems; they are refused by `McnetError` instead."""
    # not its LoggingOutputSuppressor, which takes the handlers away: Python then prints instead
    level = nibabel_logger.level
    nibabel_logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        nibabel_logger.setLevel(level)
