"""Small DICOM series for tests, written by the standard's formula and not by mcnet."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    EnhancedMRImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    MRImageStorage,
    RLELossless,
    generate_uid,
)

MATRIX = (9, 12, 10)
"""Columns, rows and slices: no two alike."""
AXIAL = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
CORONAL = ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0))
SAGITTAL = ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0))


def stored_values(matrix: tuple[int, ...] = MATRIX, highest: int = 900) -> np.ndarray:
    """Numbers of unsigned 16 bits, of which no two neighbours are alike."""
    return np.random.default_rng(7).integers(0, highest, size=matrix).astype(np.uint16)


@dataclass(frozen=True)
class Grid:
    """Where the pixels lie, in the words of the standard: LPS millimetres."""

    directions: Sequence[Sequence[float]] = AXIAL
    column_step_mm: float = 1.5
    row_step_mm: float = 2.0
    slice_step_mm: float = 3.0
    """Along the normal; below zero the slices are numbered downwards."""
    first_mm: Sequence[float] = (-20.0, 31.0, -7.0)

    def position_mm(self, column: float, row: float, slice_: float) -> np.ndarray:
        """Place of a pixel's centre, equation C.7.6.2.1-1."""
        along_row, along_column = np.array(self.directions, dtype=float)
        return (
            np.array(self.first_mm, dtype=float)
            + along_row * self.column_step_mm * column
            + along_column * self.row_step_mm * row
            + np.cross(along_row, along_column) * self.slice_step_mm * slice_
        )


@dataclass(frozen=True)
class Series:
    """What is written; change it by `dataclasses.replace`."""

    stored: np.ndarray = field(default_factory=stored_values)
    grid: Grid = field(default_factory=Grid)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """For every file; an attribute of None is left out."""
    of_slice: Callable[[int], Mapping[str, Any]] = lambda _: {}
    name: Callable[[int], str] = lambda number: f"IM{(number * 7 + 3) % 10}{number}"
    """File names, by default in no order of the slices."""
    syntax: str = ExplicitVRLittleEndian
    """How the files are encoded."""
    slices: Sequence[int] | None = None
    """Which are written; all by default."""

    def write(self, folder: Path) -> Path:
        """Write one file a slice."""
        folder.mkdir(parents=True, exist_ok=True)
        for number in self.slices if self.slices is not None else range(self.stored.shape[2]):
            instance = _instance(self, number)
            for keyword, value in {**self.attributes, **self.of_slice(number)}.items():
                if value is None:
                    del instance[keyword]
                else:
                    setattr(instance, keyword, value)
            instance.file_meta.MediaStorageSOPInstanceUID = instance.get("SOPInstanceUID", "1.2")
            _encode(instance, self.syntax)
            instance.save_as(folder / self.name(number), enforce_file_format=True)
        return folder

    def but(self, **changes: Any) -> "Series":
        """The same with changes."""
        return replace(self, **changes)


def _instance(series: Series, number: int) -> Dataset:
    grid, stored = series.grid, series.stored
    ds = _common(MRImageStorage, generate_uid(entropy_srcs=["instance", str(number)]))
    ds.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    # numbered against the order in space, as scanners may
    ds.InstanceNumber = stored.shape[2] - number
    ds.ScanningSequence, ds.SequenceVariant, ds.ScanOptions = ["GR", "IR"], "MP", ""
    ds.MRAcquisitionType, ds.EchoTime, ds.EchoTrainLength = "3D", 1.74, 1
    ds.RepetitionTime, ds.SliceThickness = 2520, abs(grid.slice_step_mm)
    ds.ImagePositionPatient = decimals(grid.position_mm(0, 0, number))
    ds.ImageOrientationPatient = decimals(np.ravel(grid.directions))
    ds.PixelSpacing = decimals([grid.row_step_mm, grid.column_step_mm])
    ds.WindowCenter, ds.WindowWidth = 400, 800
    ds.add_new(0x00190010, "LO", "SIEMENS MR HEADER")
    ds.add_new(0x00191008, "LO", "of the old pixels")
    _set_pixels(ds, stored[:, :, number].T)
    return ds


def write_enhanced(
    folder: Path,
    stored: np.ndarray,
    grid: Grid,
    of_frame: Callable[[int], Mapping[str, Mapping[str, Any]]] = lambda _: {},
    **attributes: Any,
) -> Path:
    """Write one enhanced multi-frame file, its frames in reverse.

    ``of_frame`` gives further groups of the frame of a slice, by name, and what they hold;
    ``attributes`` are of the file.
    """
    folder.mkdir(parents=True)
    ds = _common(EnhancedMRImageStorage, generate_uid(entropy_srcs=["enhanced"]))
    ds.NumberOfFrames = stored.shape[2]
    measures = _item(PixelSpacing=decimals([grid.row_step_mm, grid.column_step_mm]))
    orientation = _item(ImageOrientationPatient=decimals(np.ravel(grid.directions)))
    ds.SharedFunctionalGroupsSequence = [
        _item(PixelMeasuresSequence=[measures], PlaneOrientationSequence=[orientation])
    ]
    numbers = range(stored.shape[2])[::-1]
    ds.PerFrameFunctionalGroupsSequence = [
        _item(
            PlanePositionSequence=[
                _item(ImagePositionPatient=decimals(grid.position_mm(0, 0, number)))
            ],
            PixelValueTransformationSequence=[_item(RescaleSlope=2, RescaleIntercept=number)],
            **{group: [_item(**content)] for group, content in of_frame(number).items()},
        )
        for number in numbers
    ]
    _set_pixels(ds, np.stack([stored[:, :, number].T for number in numbers]))
    ds.update(_item(**attributes))
    ds.save_as(folder / "enhanced.dcm", enforce_file_format=True)
    return folder


def decimals(numbers: Sequence[float] | np.ndarray) -> list[str]:
    """Numbers as decimal strings of at most 16 characters."""
    return [f"{number:.9f}"[:16] for number in numbers]


def _item(**attributes: Any) -> Dataset:
    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item


def _common(sop_class: str, instance_uid: str) -> Dataset:
    ds = _item(SOPClassUID=sop_class, SOPInstanceUID=instance_uid, Modality="MR")
    ds.StudyInstanceUID = generate_uid(entropy_srcs=["study"])
    ds.SeriesInstanceUID = generate_uid(entropy_srcs=["series"])
    ds.FrameOfReferenceUID = generate_uid(entropy_srcs=["frame of reference"])
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "A^B", "p7", "", "O"
    ds.StudyDate, ds.StudyTime, ds.ContentDate, ds.ContentTime = "20260102", "101112", "", ""
    ds.ReferringPhysicianName, ds.StudyID, ds.AccessionNumber = "", "9", ""
    ds.Manufacturer, ds.PositionReferenceIndicator = "Maker", ""
    ds.SeriesNumber, ds.SeriesDescription = 4, "T1w MPRAGE"
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = sop_class
    ds.file_meta.MediaStorageSOPInstanceUID = instance_uid
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return ds


def _encode(ds: Dataset, syntax: str) -> None:
    if syntax == RLELossless:
        ds.compress(RLELossless, generate_instance_uid=False)
        return
    ds.file_meta.TransferSyntaxUID = syntax
    if syntax == ExplicitVRBigEndian:
        ds.PixelData = np.frombuffer(ds.PixelData, "<u2").astype(">u2").tobytes()


def _set_pixels(ds: Dataset, pixels: np.ndarray) -> None:
    """Pixels of 16 bits; of numbers without sign, 12 are used."""
    signed = pixels.dtype.kind == "i"
    ds.Rows, ds.Columns = pixels.shape[-2:]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.PixelRepresentation = 16, 16 if signed else 12, int(signed)
    ds.HighBit = ds.BitsStored - 1
    ds.PixelData = pixels.astype("<i2" if signed else "<u2").tobytes()
