"""A folder of one DICOM series: its images, and the reason why any other file is not one."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from mcnet.core.errors import BadFileError
from mcnet.core.writing import cannot_read
from mcnet.io.dicom.files import DicomFile, check_pixel_attributes, dicom_file, pydicom_errors

_DICOM_SUFFIXES = {".dcm", ".ima", ".dicom", ".dic", ".mr"}
_OTHER_NAMES = re.compile(
    r"(dicomdir|read ?me|licen[cs]e|thumbs\.db|desktop\.ini|md5sums?|sha\d+sums?)(\..*)?",
    re.IGNORECASE,
)
_OTHER_SUFFIXES = {
    *(".txt", ".json", ".xml", ".csv", ".tsv", ".md", ".rst", ".rtf", ".pdf", ".html", ".htm"),
    *(".css", ".js", ".ini", ".inf", ".log", ".yaml", ".yml", ".toml", ".doc", ".docx", ".xls"),
    *(".xlsx", ".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".svg", ".ico", ".mp4"),
    *(".nii", ".hdr", ".img", ".mgh", ".mgz", ".nrrd", ".mat", ".bval", ".bvec", ".bvals"),
    *(".bvecs", ".par", ".h5", ".dat", ".zip", ".tar", ".tgz", ".7z", ".rar", ".md5", ".sha256"),
    *(".exe", ".sh", ".bat", ".py", ".lnk", ".url", ".db"),
}
"""Suffixes of files that often lie beside a series; they are ignored unless they are DICOM."""
_POINTERS = (b"version https://git-lfs", b"/annex/objects/", b"../.git/annex")
"""First bytes of pointer files, whose content was not fetched (Git LFS, git-annex)."""


@dataclass(frozen=True, eq=False)
class SeriesFolder:
    """The images of one series, and warnings about the folder."""

    images: list[DicomFile]
    """Sorted by name."""
    warnings: tuple[str, ...]
    """Sentences about files that were left out."""


@dataclass(frozen=True)
class _Unread:
    """A file that may be a slice and cannot be read, and why."""

    path: Path
    why: str
    is_text: bool = False


def series_folder(folder: Path) -> SeriesFolder:
    """Images of a folder; subfolders are not searched.

    Every file is accounted for. Files that are not DICOM by their name (notes, tables, pictures,
    hidden files) or have no image and are of another kind (DICOMDIR, a report) are left out. Of
    other files that cannot be read, those named like slices are refused; the rest give a warning.

    Raises
    ------
    McnetError
        The folder cannot be read, or has no image, a damaged one, files that may be slices and
        cannot be read, images of several series, or images without one grey intensity per pixel.
    """
    found = [_read(path) for path in _files(folder)]
    files = [file for file in found if isinstance(file, DicomFile)]
    images = [file for file in files if "PixelData" in file.header]
    unread = [file for file in found if isinstance(file, _Unread)]
    unread += _without_pixels(files, images)
    warnings = _check_unread(folder, images, unread)
    _check_one_series(folder, images)
    for image in images:
        with pydicom_errors(image.path):
            check_pixel_attributes(image)
            _check_grey(image)
    return SeriesFolder(images, warnings)


def _files(folder: Path) -> list[Path]:
    try:
        if not folder.exists():
            raise BadFileError(f"{folder} does not exist; give the folder of a DICOM series.")
        if not folder.is_dir():
            raise BadFileError(f"{folder} is a file; give the folder in which its series lies.")
        found = sorted(folder.iterdir())
        # a link may lead to a file that is not here, which is_file() leaves out
        there = [
            path for path in found if path.is_file() or (path.is_symlink() and not path.exists())
        ]
        return [path for path in there if not path.name.startswith(".")]
    except OSError as error:
        raise cannot_read(folder, error) from error


def _read(path: Path) -> DicomFile | _Unread:
    """Header of a DICOM file, or why a file is not read."""
    if not path.exists():
        return _Unread(path, "is a link to a file that is not here")
    found = dicom_file(path)
    if found is not None:
        return found
    with pydicom_errors(path), path.open("rb") as stream:
        head = stream.read(512)
    if not head:
        return _Unread(path, "is empty")
    if head.startswith(b"DICM"):
        return _Unread(path, "lacks the 128 bytes that come before the letters DICM")
    if head.startswith(b"\x1f\x8b"):
        return _Unread(path, "is compressed with gzip: unpack it with gunzip")
    if head.startswith(_POINTERS):
        return _Unread(path, "stands for content that is not here: fetch it first")
    return _Unread(path, "is no DICOM file", is_text=_is_text(head))


def _is_text(head: bytes) -> bool:
    return not set(head) - {*range(32, 127), *b"\t\r\n\f", *range(128, 256)}


def _without_pixels(files: list[DicomFile], images: list[DicomFile]) -> list[_Unread]:
    """Files of the images' own kind, or of none, that have no pixels: they are cut off."""
    kinds = {None, *(_kind(image) for image in images)}
    return [
        _Unread(file.path, "is cut off before its pixels")
        for file in files
        if "PixelData" not in file.header and _kind(file) in kinds
    ]


def _kind(file: DicomFile) -> str | None:
    with pydicom_errors(file.path):
        in_meta = file.header.file_meta.get("MediaStorageSOPClassUID")
    uid = in_meta or file.header.get("SOPClassUID")
    return str(uid) if uid else None


def _check_unread(folder: Path, images: list[DicomFile], unread: list[_Unread]) -> tuple[str, ...]:
    """Warning about files that were left out; refuses files that may be missing slices."""
    shapes = {_name_shape(image.path) for image in images}
    suffixes = {_suffix(image.path) for image in images} | _DICOM_SUFFIXES
    by_name = [file for file in unread if _name_shape(file.path) in shapes]
    others = [
        file for file in unread if file not in by_name and not _has_other_purpose(file, suffixes)
    ]
    maybe = by_name + [file for file in others if _suffix(file.path) in suffixes]
    if not images:
        also = f" ({_listed(others)})" if others else ""
        raise BadFileError(
            f"{folder} holds no DICOM image{also}; give the folder in which the files of one "
            "series lie, not one above it."
        )
    if maybe:
        raise BadFileError(
            f"{folder} holds {len(maybe)} files that may be slices of the series and cannot be "
            f"read ({_listed(maybe)}); copy or export the series again, or move them elsewhere if "
            "they are none."
        )
    if others:
        return (
            f"{len(others)} files of {folder} were left out, since they are no DICOM images "
            f"({_listed(others)}); check that none of them is a slice.",
        )
    return ()


def _has_other_purpose(file: _Unread, suffixes: set[str]) -> bool:
    """Whether a file is not of a series, by its name or because it is text."""
    suffix = _suffix(file.path)
    return (
        _OTHER_NAMES.fullmatch(file.path.name) is not None
        or suffix in _OTHER_SUFFIXES - suffixes
        or (file.is_text and suffix not in suffixes - {""})
    )


def _listed(unread: list[_Unread]) -> str:
    shown = ", ".join(f"{file.path.name} {file.why}" for file in unread[:3])
    return f"{shown}, ..." if len(unread) > 3 else shown


def _name_shape(path: Path) -> str:
    """A name without its numbers and compression suffix: equal for the slices of a series."""
    return re.sub(r"\d+", "#", re.sub(r"\.gz$", "", path.name.lower()))


def _suffix(path: Path) -> str:
    """The suffix in lower case; one that is a number is part of a name such as MR.1.2.840."""
    suffix = Path(re.sub(r"\.gz$", "", path.name.lower())).suffix
    return "" if suffix[1:].isdigit() else suffix


def _check_one_series(folder: Path, images: list[DicomFile]) -> None:
    n_images = Counter(str(image.header.get("SeriesInstanceUID")) for image in images)
    if len(n_images) == 1:
        return
    headers = {str(image.header.get("SeriesInstanceUID")): image.header for image in images}
    listed = [
        f"{headers[uid].get('SeriesNumber', '?')} '{headers[uid].get('SeriesDescription', '')}' "
        f"({count} images)"
        for uid, count in list(n_images.items())[:6]
    ]
    more = ", ..." if len(n_images) > len(listed) else ""
    raise BadFileError(
        f"{folder} holds {len(n_images)} series ({', '.join(listed)}{more}); one is needed: copy "
        "it to a folder of its own."
    )


def _check_grey(image: DicomFile) -> None:
    header = image.header
    kind = str(header.get("PhotometricInterpretation"))
    if header.get("SamplesPerPixel", 1) != 1 or not kind.startswith("MONOCHROME"):
        raise BadFileError(
            f"{image.path} holds colours ({kind}); one grey intensity a pixel is needed: give the "
            "scan itself, not a map or a picture made of it."
        )
    if kind == "MONOCHROME1":
        raise BadFileError(
            f"{image.path} is MONOCHROME1, whose low numbers are bright, and does not tell which "
            "number is no signal; intensities that rise with the signal are needed: export the "
            "series as MONOCHROME2."
        )
    if "ModalityLUTSequence" in header:
        raise BadFileError(
            f"{image.path} scales its intensities by a table (ModalityLUTSequence), which mcnet "
            "does not read; convert the series with dcm2niix and give the NIfTI file."
        )
