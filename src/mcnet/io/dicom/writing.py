"""A volume written as a DICOM series derived from its source series."""

import hashlib
import io
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64, Integer
from pydicom import dcmwrite
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from mcnet import __version__
from mcnet.core.errors import McnetError
from mcnet.core.outputs import Given, check_outputs
from mcnet.core.provenance import provenance
from mcnet.core.writing import cannot_read, write_json, written_together, written_whole
from mcnet.io.dicom.derived import Derivation, derived_instance
from mcnet.io.dicom.files import quiet_pydicom, whole_file
from mcnet.io.dicom.names import SERIES, series_sidecar
from mcnet.io.dicom.series import DicomSeries
from mcnet.io.volume import Volume

_NEEDED = (
    *("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"),
    *("BitsAllocated", "BitsStored", "PixelRepresentation"),
)
"""Attributes of the source that a derived series needs."""
_UNWRITABLE = (ValueError, TypeError, AttributeError, KeyError, OverflowError, struct.error)
"""Errors of pydicom for attributes that cannot be encoded."""


@quiet_pydicom()
def write_series(
    folder: Path,
    volume: Volume,
    like: DicomSeries,
    *,
    derivation: str = "Processed",
    seed: int | None = None,
    inputs: Mapping[str, Path] | None = None,
    notes: Mapping[str, Any] | None = None,
) -> None:
    """Write a volume as a derived DICOM series, whole or not at all, and its provenance beside it.

    Every file is one of the source's with new pixels and a new identity: same patient, study,
    frame of reference, orientation, bits and intensity scale. Private attributes are left out.
    Equal volumes of equal sources give equal bytes; therefore no creation date is written.

    Parameters
    ----------
    folder
        Does not exist yet, or is empty. The provenance goes to ``<folder>.json``.
    volume
        Lies on the grid of the source.
    like
        The source, of classic files. Intensities are rounded to its steps and clipped to what its
        bits can hold; the provenance tells how many voxels were clipped.
    derivation
        Processing in a few words, for DerivationDescription.
    seed, inputs, notes
        Recorded as by `mcnet.io.nifti.files.write_volume`.

    Raises
    ------
    McnetError
        `mcnet.core.outputs.check_outputs` refuses the folder, `check_derivable` the source; the
        volume does not fit it or is not finite, a file of it is gone, or the disk is full.
    """
    check_outputs([Given("", folder, SERIES)])
    check_derivable(like)
    stored = _on_grid_of(volume, like)
    record = {**provenance(seed=seed, inputs=inputs), **(notes or {})}
    about = _derivation(volume, like, derivation)
    n_clipped = 0
    with written_together():
        with written_whole(folder) as temporary:
            temporary.mkdir()
            for number, plane in enumerate(like.planes):
                source = _whole_file(plane.file.path)
                unscaled = stored[:, :, number].T.astype(np.float64) - plane.intercept
                pixels, n_outside = _as_integers(unscaled / plane.slope, source)
                n_clipped += n_outside
                instance = derived_instance(source, pixels, about)
                dcmwrite(temporary / f"{number + 1:04d}.dcm", instance, enforce_file_format=True)
        told = {**record, "derivation": about.text, "n_voxels_clipped": n_clipped}
        write_json(series_sidecar(folder), told)


@quiet_pydicom()
def check_derivable(series: DicomSeries) -> None:
    """Check that a derived series can be written of a series.

    Raises
    ------
    McnetError
        It is of enhanced files, or one of its files lacks attributes that a derived one refers to,
        or has attributes that cannot be written.
    """
    for plane in series.planes:
        path, header = plane.file.path, plane.file.header
        if "PerFrameFunctionalGroupsSequence" in header or plane.frame > 0:
            raise McnetError(
                f"{path.parent} is an enhanced multi-frame series, which mcnet reads but does not "
                "write; write NIfTI instead: name an output that ends in .nii.gz."
            )
        absent = [keyword for keyword in _NEEDED if header.get(keyword) in (None, "")]
        if absent:
            raise McnetError(
                f"{path} has no {absent[0]}, without which no DICOM file can refer to it; write "
                "NIfTI, or give the series as the scanner wrote it."
            )
        try:
            pixels, _ = _as_integers(np.zeros(plane.matrix), header)
            source = _whole_file(path)  # what is derived shares attributes with its source
            instance = derived_instance(source, pixels, Derivation(generate_uid(), "Tried."))
            instance.save_as(io.BytesIO(), enforce_file_format=True)
        except _UNWRITABLE as error:
            reason = str(error).partition("\n")[0]
            raise McnetError(
                f"{path} holds what cannot be written again ({reason}); write NIfTI instead: name "
                "an output that ends in .nii.gz."
            ) from error


def _on_grid_of(volume: Volume, like: DicomSeries) -> Float32[np.ndarray, "column row slice"]:
    """Values in the axes of the source."""
    source = like.volume
    if volume.values.shape != source.values.shape or not np.allclose(
        volume.affine, source.affine, atol=1e-3
    ):
        raise McnetError(
            f"{volume.name} ({'x'.join(map(str, volume.values.shape))}) lies on another grid than "
            f"the DICOM series {source.name} ({'x'.join(map(str, source.values.shape))}); write "
            "NIfTI, or resample it onto the grid of the series first."
        )
    n_bad = volume.values.size - int(np.count_nonzero(np.isfinite(volume.values)))
    if n_bad:
        raise McnetError(
            f"{volume.name} has {n_bad} voxels of NaN or infinite value, which DICOM cannot hold; "
            "write NIfTI, or replace them first."
        )
    return like.order.from_ras(volume.values)


def _derivation(volume: Volume, like: DicomSeries, done: str) -> Derivation:
    """Shared attributes of the instances; the series UID is a hash of source, text and values."""
    text = f"{done} by mcnet {__version__}. Research tool, not a medical device."
    text = text.encode("ascii", "replace").decode()
    content = hashlib.sha256(np.ascontiguousarray(volume.values).tobytes()).hexdigest()
    source = str(like.planes[0].file.header.get("SeriesInstanceUID"))
    return Derivation(generate_uid(entropy_srcs=[source, text, content]), text)


def _whole_file(path: Path) -> Dataset:
    try:
        return whole_file(path)
    except OSError as error:
        raise cannot_read(path, error) from error


def _as_integers(
    unscaled: Float64[np.ndarray, "row column"], source: Dataset
) -> tuple[Integer[np.ndarray, "row column"], int]:
    """Numbers to store, rounded and clipped to the source's bits, and how many were clipped."""
    signed, bits = bool(source.PixelRepresentation), int(source.BitsStored)
    lowest, highest = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    rounded = np.rint(unscaled)
    n_outside = int(np.count_nonzero((rounded < lowest) | (rounded > highest)))
    width = 8 * max(1, -(-int(source.BitsAllocated) // 8))
    dtype = np.dtype(f"{'i' if signed else 'u'}{width // 8}")
    return np.clip(rounded, lowest, highest).astype(dtype), n_outside
