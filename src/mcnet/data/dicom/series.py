"""A DICOM series as a volume, with what it takes to write another one like it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from mcnet.data.dicom.files import images_of_one_series, quiet_pydicom, read_pixels
from mcnet.data.dicom.planes import Plane, planes_of_file
from mcnet.data.dicom.stack import stack_affine, stacked
from mcnet.data.ras_order import RasOrder
from mcnet.data.volume import Volume
from mcnet.errors import McnetError


@dataclass(frozen=True, eq=False)
class DicomSeries:
    """One 3D scan of a DICOM folder."""

    volume: Volume
    planes: tuple[Plane, ...]
    """Its images in the order in which they lie."""
    order: RasOrder
    """From column, row and slice to the axes of the volume."""

    @property
    def metadata(self) -> dict[str, Any]:
        """What its first image says of it, by the names of `mcnet.data.metadata.metadata_of`."""
        return self.planes[0].metadata


@quiet_pydicom()
def read_series(folder: Path) -> DicomSeries:
    """The series of a folder: intensities with their rescaling, in RAS+ order, as of NIfTI.

    Slices are put in order by where they lie, never by name or number. Nothing is interpolated;
    an oblique scan keeps its oblique affine. Classic and enhanced multi-frame files are read.

    Raises
    ------
    McnetError
        The folder does not hold one three-dimensional scan of even steps and varying values.
    """
    files = images_of_one_series(folder)
    planes = stacked(folder, [plane for file in files for plane in planes_of_file(file)])
    stored = _intensities(planes)
    if not stored.min() < stored.max():
        raise McnetError(
            f"{folder} has the value {stored.flat[0]:g} in every voxel; a scan of a head is "
            "needed: check how the files were made."
        )
    affine = stack_affine(planes)
    order = RasOrder(affine)
    values = np.ascontiguousarray(order.to_ras(stored))
    volume = Volume(values, order.ras_affine(affine, stored.shape), folder.resolve().name)
    return DicomSeries(volume, tuple(planes), order)


@quiet_pydicom()
def series_files(folder: Path) -> list[Path]:
    """Files of a folder that hold its images, sorted by name.

    Raises
    ------
    McnetError
        As `images_of_one_series`.
    """
    return [file.path for file in images_of_one_series(folder)]


def _intensities(planes: list[Plane]) -> Float32[np.ndarray, "column row slice"]:
    rows, columns = planes[0].matrix
    values = np.empty((columns, rows, len(planes)), dtype=np.float32)
    slices_of_file: dict[Path, list[int]] = {}
    for number, plane in enumerate(planes):
        slices_of_file.setdefault(plane.file.path, []).append(number)
    for numbers in slices_of_file.values():
        frames = read_pixels(planes[numbers[0]].file)
        for number in numbers:
            plane = planes[number]
            scaled = frames[plane.frame].astype(np.float64) * plane.slope + plane.intercept
            values[:, :, number] = scaled.T
    return values
