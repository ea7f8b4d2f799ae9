"""Scans that a model was not made for: told by what they say of themselves, and by their values."""

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from mcnet.core.errors import McnetError
from mcnet.correction.sampling import SliceSampling
from mcnet.io.volume import Volume

AIR_OF_CT = -900.0
"""Hounsfield units below which there is only air, at -1000, or what lies outside a CT's field."""
AIR_SHARE = 0.05
"""A CT of a head holds more of it."""

_TILTED_DEG = 20.0
"""Slices that are turned further from sagittal are told of."""

_WORD = r"(?<![a-z0-9]){}(?![a-z0-9])"
_T1 = re.compile(_WORD.format(r"(t1\w*|\w*mprage|bravo|ir-?fspgr|\w*spgr)"), re.IGNORECASE)
# neither PD nor EPI, which are short for diseases in the names of files
_OTHER = re.compile(
    _WORD.format(r"(t2(?:w|star\w*)?|flair|pdw|dwi|dti|bold|asl|swi|adc|tof)"), re.IGNORECASE
)


def check_modality(source: Path, modality: str) -> None:
    """Refuse a scan whose metadata say that it is no MR image.

    Raises
    ------
    McnetError
        Its modality is told, and is not MR.
    """
    if modality.upper() not in ("", "MR", "MRI"):
        raise McnetError(
            f"{source} is of modality {modality}; mcnet corrects T1-weighted MR scans: give one."
        )


def check_not_ct(source: Path, scan: Volume) -> None:
    """Refuse what by its values is CT: much air near -1000, which no magnitude image has.

    Raises
    ------
    McnetError
        Of its voxels, `AIR_SHARE` or more lie below `AIR_OF_CT`.
    """
    share = float(np.mean(scan.values < AIR_OF_CT))
    if share >= AIR_SHARE:
        raise McnetError(
            f"{source} looks like CT: {share:.0%} of its voxels lie below {AIR_OF_CT:g}, as air in "
            "Hounsfield units does; mcnet corrects T1-weighted MR scans: give one."
        )


def contrast_warnings(names: Iterable[str]) -> tuple[str, ...]:
    """What is to be told of a scan whose name or description names another contrast than T1."""
    for name in names:
        # an underscore parts words here, though not in a regular expression
        words = name.replace("_", " ")
        other = _OTHER.search(words)
        if other and not _T1.search(words):
            return (
                f"By its name ('{name}') this is not a T1-weighted scan but {other.group(0)}; the "
                "model was trained on T1-weighted scans, so do not trust its correction.",
            )
    return ()


def fit_warnings(scan: Volume, sampling: SliceSampling) -> tuple[str, ...]:
    """Sentences on what was done to fit the scan to the network."""
    found = []
    if not sampling.is_native:
        native, seen = (
            f"{rows:.2f} x {columns:.2f} mm"
            for rows, columns in (sampling.native_mm, sampling.seen_mm)
        )
        found.append(
            f"The scan's sagittal pixels measure {native}, unlike the model's training data; the "
            f"correction was computed at {seen} and brought back to the scan's grid, and detail "
            "finer than the coarser of both was not corrected."
        )
    x_axis = scan.affine[:3, 0] / scan.voxel_size_mm[0]
    turned_deg = float(np.degrees(np.arccos(np.clip(abs(x_axis[0]), 0, 1))))
    if turned_deg > _TILTED_DEG:
        found.append(
            f"The scan's slices are turned by {turned_deg:.0f} degrees from sagittal planes, "
            "further than in the model's training data."
        )
    return tuple(found)
