"""Position, orientation, spacing and intensity scale of each image plane of a DICOM series."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from mcnet.core.errors import BadFileError
from mcnet.io.dicom.files import DicomFile, pydicom_errors

_TEXTS = ("Modality", "SeriesDescription", "ProtocolName", "ImageType")


@dataclass(frozen=True, eq=False)
class Plane:
    """One image of a series, in the scanner's LPS millimetres: x to the left, y to the back."""

    file: DicomFile
    frame: int
    """Which image of the file, from 0; a classic file has one."""
    position_mm: Float64[np.ndarray, "3"]
    """Centre of the first pixel."""
    directions: Float64[np.ndarray, "2 3"]
    """Unit vectors along a row, where columns count up, and along a column."""
    spacing_mm: Float64[np.ndarray, "2"]
    """Step from column to column and from row to row, in the order of the directions."""
    slope: float
    intercept: float
    """Intensity is ``slope * stored + intercept``."""
    matrix: tuple[int, int]
    """Number of rows and of columns."""

    @property
    def normal(self) -> Float64[np.ndarray, "3"]:
        """Unit vector across the plane."""
        return np.cross(*self.directions)

    @property
    def metadata(self) -> dict[str, Any]:
        """Entries of the header about the scan, by the names of `mcnet.io.metadata.metadata_of`.

        Raises
        ------
        McnetError
            The header is damaged.
        """
        header = self.file.header
        with pydicom_errors(self.file.path):
            group, keyword = "MRFOVGeometrySequence", "InPlanePhaseEncodingDirection"
            lines = attribute_of_frame(header, self.frame, group, keyword)
            found = {f"{keyword}DICOM": lines} | {name: header.get(name) for name in _TEXTS}
            texts = {name: _plain_text(value) for name, value in found.items() if value}
        return {**texts, "ImageOrientationPatientDICOM": self.directions.ravel().tolist()}


def planes_of_file(file: DicomFile) -> list[Plane]:
    """Planes of a classic file, which has one, or of an enhanced multi-frame file.

    Raises
    ------
    McnetError
        An image has no position in space, or its header is damaged.
    """
    with pydicom_errors(file.path):
        n_frames = int(file.header.get("NumberOfFrames") or 1)
        return [_plane(file, frame) for frame in range(n_frames)]


def _plane(file: DicomFile, frame: int) -> Plane:
    directions = _numbers(file, frame, "PlaneOrientationSequence", "ImageOrientationPatient", 6)
    directions = directions.reshape(2, 3)
    if not np.allclose(directions @ directions.T, np.eye(2), atol=1e-3):
        raise BadFileError(
            f"{file.path} has an ImageOrientationPatient that is not two unit vectors at right "
            "angles; export the series again."
        )
    row_step, column_step = _numbers(file, frame, "PixelMeasuresSequence", "PixelSpacing", 2)
    if not min(row_step, column_step) > 0:
        raise BadFileError(
            f"{file.path} says its pixels measure {row_step:g} x {column_step:g} mm; both sizes "
            "must be above zero: export the series again."
        )
    scaling = "PixelValueTransformationSequence"
    slope = attribute_of_frame(file.header, frame, scaling, "RescaleSlope")
    intercept = attribute_of_frame(file.header, frame, scaling, "RescaleIntercept")
    return Plane(
        file=file,
        frame=frame,
        position_mm=_numbers(file, frame, "PlanePositionSequence", "ImagePositionPatient", 3),
        directions=directions,
        spacing_mm=np.array([column_step, row_step]),
        slope=float(slope or 1),
        intercept=float(intercept or 0),
        matrix=(int(file.header.Rows), int(file.header.Columns)),
    )


def _numbers(
    file: DicomFile, frame: int, group: str, keyword: str, count: int
) -> Float64[np.ndarray, " count"]:
    """Numbers of a required attribute."""
    try:
        numbers = np.array(attribute_of_frame(file.header, frame, group, keyword), dtype=np.float64)
    except (TypeError, ValueError):
        numbers = np.empty(0)
    if numbers.shape != (count,) or not np.all(np.isfinite(numbers)):
        raise BadFileError(
            f"{file.path} has no valid {keyword}, so its place in space is unknown; give a series "
            "as the scanner wrote it."
        )
    return numbers


def attribute_of_frame(header: Dataset, frame: int, group: str, keyword: str) -> Any:
    """Attribute of a frame, from a classic header or a functional group of an enhanced one.

    None where it is in neither.
    """
    if "PerFrameFunctionalGroupsSequence" not in header:
        return header.get(keyword)
    shared = header.get("SharedFunctionalGroupsSequence") or []
    for groups in (header.PerFrameFunctionalGroupsSequence[frame], *shared):
        if groups.get(group):
            return groups[group].value[0].get(keyword)
    return None


def _plain_text(value: Any) -> str | list[str]:
    """An attribute as a JSON value."""
    return [str(one) for one in value] if isinstance(value, MultiValue) else str(value)
