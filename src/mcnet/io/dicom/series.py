"""A DICOM series as a volume, with its headers and grid for writing a derived series."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from mcnet.core.errors import BadFileError
from mcnet.io.dicom.completeness import completeness_warnings
from mcnet.io.dicom.files import quiet_pydicom, read_pixels
from mcnet.io.dicom.folder import series_folder
from mcnet.io.dicom.kinds import check_one_volume
from mcnet.io.dicom.planes import Plane, planes_of_file
from mcnet.io.dicom.stack import stack_affine, stacked
from mcnet.io.head_size import check_head_size
from mcnet.io.ras_order import RasOrder
from mcnet.io.volume import Volume


@dataclass(frozen=True, eq=False)
class DicomSeries:
    """One 3D scan of a DICOM folder."""

    volume: Volume
    planes: tuple[Plane, ...]
    """Its images in the order in which they lie."""
    order: RasOrder
    """From column, row and slice to the axes of the volume."""
    warnings: tuple[str, ...] = ()
    """Sentences about files that were left out and slices that may be missing."""

    @property
    def metadata(self) -> dict[str, Any]:
        """Entries of its first image's header, by the names of `mcnet.io.metadata.metadata_of`."""
        return self.planes[0].metadata


@quiet_pydicom()
def read_series(folder: Path) -> DicomSeries:
    """The series of a folder: rescaled intensities in RAS+ order.

    Slices are sorted by their positions, never by name or number. Nothing is interpolated;
    an oblique scan keeps its oblique affine. Classic and enhanced multi-frame files are read.

    Raises
    ------
    McnetError
        The folder does not hold one three-dimensional scan of even steps and varying values, all
        slices of one volume of magnitudes, whose size a head can have.
    """
    found = series_folder(folder)
    planes = stacked(folder, [plane for file in found.images for plane in planes_of_file(file)])
    check_one_volume(folder, planes)
    affine = stack_affine(planes)
    rows, columns = planes[0].matrix
    voxel_size_mm = np.linalg.norm(affine[:3, :3], axis=0).tolist()
    remedy = "check PixelSpacing and the positions of the slices"
    check_head_size(folder, (columns, rows, len(planes)), voxel_size_mm, remedy)
    warnings = (*found.warnings, *completeness_warnings(folder, planes))
    stored = _intensities(planes)
    if not np.all(np.isfinite(stored)):
        raise BadFileError(
            f"{folder} has intensities beyond all numbers once they are scaled; a scan of a head "
            "is needed: check RescaleSlope and RescaleIntercept."
        )
    if not stored.min() < stored.max():
        raise BadFileError(
            f"{folder} has the value {stored.flat[0]:g} in every voxel; a scan of a head is "
            "needed: check how the files were made."
        )
    order = RasOrder(affine)
    values = np.ascontiguousarray(order.to_ras(stored))
    volume = Volume(values, order.ras_affine(affine, stored.shape), folder.resolve().name)
    return DicomSeries(volume, tuple(planes), order, warnings)


@quiet_pydicom()
def series_files(folder: Path) -> list[Path]:
    """Files of a folder that hold its images, sorted by name.

    Raises
    ------
    McnetError
        As `mcnet.io.dicom.folder.series_folder`.
    """
    return [file.path for file in series_folder(folder).images]


def _intensities(planes: list[Plane]) -> Float32[np.ndarray, "column row slice"]:
    slices_of_file: dict[Path, list[int]] = {}
    for number, plane in enumerate(planes):
        slices_of_file.setdefault(plane.file.path, []).append(number)
    values = np.empty((0, 0, 0), dtype=np.float32)
    for numbers in slices_of_file.values():
        frames = read_pixels(planes[numbers[0]].file)
        if (
            values.size == 0
        ):  # allocated once a first file has proved to have the pixels that its header tells
            values = np.empty((*frames.shape[:0:-1], len(planes)), dtype=np.float32)
        for number in numbers:
            plane = planes[number]
            scaled = frames[plane.frame].astype(np.float64) * plane.slope + plane.intercept
            with np.errstate(over="ignore"):  # infinite values are refused later
                values[:, :, number] = scaled.T
    return values
