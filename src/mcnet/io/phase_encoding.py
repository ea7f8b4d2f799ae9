"""Phase-encoding axis of a scan by its metadata, and its entry in the metadata of an output.

DICOM's entries come first, of a series or of the JSON file that dcm2niix writes: they refer to the
scanner's axes and stay true when a file is reoriented. Then BIDS' ``PhaseEncodingDirection``, of
the axes of the file itself, which mcnet writes too. NIfTI's own ``dim_info`` refers to axes of the
file, and programs that reorient it seldom update it; it is not read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from mcnet.io.metadata import LINE_WORDS, text_of
from mcnet.io.nifti.files import voxel_axes
from mcnet.io.volume import NibabelImage
from mcnet.motion.poses import AXES, Axis

_DIRECTION, *_OF_FILE = LINE_WORDS
_ORIENTATION = "ImageOrientationPatientDICOM"
_PLACES = {"ROW": 0, "COL": 1, "COLUMN": 1}
"""Which of the two vectors of ``ImageOrientationPatient`` is the phase-encoding axis."""
_LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])
_AXIS_OF_LETTER: Mapping[str, Axis] = dict(zip("RLAPSI", "xxyyzz", strict=True))  # type: ignore[arg-type]


@dataclass(frozen=True)
class PhaseEncoding:
    """Phase-encoding axis of a scan by its metadata."""

    axis: Axis | None
    """Axis of the volume, in RAS+ order; none where the metadata do not give it."""
    warnings: tuple[str, ...] = ()
    """A sentence, where the metadata give two."""


def phase_encoding_of(
    about: Mapping[str, Any],
    affine: Float64[np.ndarray, "4 4"],
    axes_in_file: Sequence[str] = (),
) -> PhaseEncoding:
    """Phase-encoding axis by DICOM's entries, else by those of BIDS; a warning if they disagree.

    Parameters
    ----------
    about
        Metadata of the scan.
    affine
        Of its volume, in RAS+ order.
    axes_in_file
        `mcnet.io.nifti.files.voxel_axes` of a NIfTI file; a series has none.
    """
    by_dicom = _axis_by_dicom(about, affine)
    by_file = {name: _axis_by_file(about, name, axes_in_file) for name in _OF_FILE}
    axes_by_name = {name: axis for name, axis in {_DIRECTION: by_dicom, **by_file}.items() if axis}
    if not axes_by_name:
        return PhaseEncoding(None)
    taken = next(iter(axes_by_name.values()))
    if len({*axes_by_name.values()}) == 1:
        return PhaseEncoding(taken)
    words = ", ".join(f"{axis} by {name}" for name, axis in axes_by_name.items())
    return PhaseEncoding(
        taken,
        (
            f"By its metadata lines were encoded along {words}; they disagree, as after a file "
            f"was reoriented: {taken} is taken unless --phase-encoding says otherwise.",
        ),
    )


def phase_encoding_words(about: Mapping[str, Any]) -> dict[str, Any]:
    """The entries that give the axis, for a file with the same voxels."""
    return {name: about[name] for name in (_ORIENTATION, *LINE_WORDS) if name in about}


def phase_encoding_note(axis: Axis, like: Path | NibabelImage | None = None) -> dict[str, str]:
    """Entry of BIDS for a NIfTI file with the voxel axes of ``like``, or RAS+ without it.

    It has a minus where the axis of the file runs against that of RAS+, along which the lines are
    numbered from negative to positive frequencies.
    """
    letters = "RAS" if like is None else voxel_axes(like)
    place = [_AXIS_OF_LETTER[letter] for letter in letters].index(axis)
    sign = "" if letters[place] in "RAS" else "-"
    return {_OF_FILE[0]: f"{'ijk'[place]}{sign}"}


def _axis_by_dicom(about: Mapping[str, Any], affine: Float64[np.ndarray, "4 4"]) -> Axis | None:
    """Axis of the volume nearest to the row or column of pixels that DICOM names."""
    place = _PLACES.get(text_of(about, _DIRECTION).upper())
    if place is None:
        return None
    try:
        vector = np.asarray(about.get(_ORIENTATION), dtype=float).reshape(2, 3)[place]
    except (TypeError, ValueError, OverflowError):
        return None
    if not np.all(np.isfinite(vector)) or not vector.any():
        return None
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return AXES[int(np.abs((vector * _LPS_TO_RAS) @ axes).argmax())]


def _axis_by_file(about: Mapping[str, Any], name: str, axes_in_file: Sequence[str]) -> Axis | None:
    """Axis of the volume that is the first, second or third of the file: i, j or k."""
    letter = text_of(about, name).lower().rstrip("+-")
    if letter not in ("i", "j", "k") or not axes_in_file:
        return None
    return _AXIS_OF_LETTER[axes_in_file["ijk".index(letter)]]
