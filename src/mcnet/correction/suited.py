"""Warnings and refusals of scans that a model was not made for, by their metadata and values."""

import re
from collections.abc import Iterable, Mapping
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
"""Slices that are rotated further from sagittal draw a warning."""

_WORD = r"(?<![a-z0-9])(?:{})(?![a-z0-9])"
_WORDS: Mapping[str, str] = {
    "T1w": r"t1\w*|\w*mprage|bravo|ir-?fspgr|\w*spgr",
    "T2w": r"t2w?",
    "T2starw": r"t2star\w*",
    "FLAIR": r"flair",
    # neither PD nor EPI, which are short for diseases in the names of files
    "PDw": r"pdw",
    "dwi": r"dwi|dti|adc",
    "bold": r"bold",
    "asl": r"asl",
    "swi": r"swi",
    "angio": r"tof",
}
"""Words in the names of scans of each contrast, by the suffixes of BIDS."""
_IN_WORDS: Mapping[str, str] = {
    "T1w": "T1-weighted",
    "T2w": "T2-weighted",
    "T2starw": "T2*-weighted",
    "PDw": "proton-density-weighted",
}


def contrast_words(contrast: str) -> str:
    """Contrast of a model card as people say it.

    >>> contrast_words("T1w"), contrast_words("FLAIR")
    ('T1-weighted', 'FLAIR')
    """
    return _IN_WORDS.get(contrast, contrast)


def check_modality(source: Path, modality: str) -> None:
    """Refuse a scan whose metadata say that it is no MR image.

    Raises
    ------
    McnetError
        Its modality is told, and is not MR.
    """
    if modality.upper() not in ("", "MR", "MRI"):
        raise McnetError(
            f"{source} is of modality {modality}; mcnet corrects MR scans of the head: give one."
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
            "Hounsfield units does; mcnet corrects MR scans of the head: give one."
        )


def contrast_warnings(names: Iterable[str], contrast: str) -> tuple[str, ...]:
    """What is to be told of a scan whose name or description names another contrast than a model's.

    Parameters
    ----------
    names
        File name, series description and protocol of the scan.
    contrast
        Of the scans that the model was trained on, as its card states it.
    """
    same = re.compile(_WORD.format(_WORDS.get(contrast, re.escape(contrast))), re.IGNORECASE)
    of_others = "|".join(words for one, words in _WORDS.items() if one != contrast)
    other = re.compile(_WORD.format(of_others), re.IGNORECASE)
    for name in names:
        # an underscore separates words here, though not in a regular expression
        words = name.replace("_", " ")
        found = other.search(words)
        if found and not same.search(words):
            trained = contrast_words(contrast)
            return (
                f"By its name ('{name}') this is not a {trained} scan but {found.group(0)}; the "
                f"model was trained on {trained} scans, so do not trust its correction.",
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
    rotated_deg = float(np.degrees(np.arccos(np.clip(abs(x_axis[0]), 0, 1))))
    if rotated_deg > _TILTED_DEG:
        found.append(
            f"The scan's slices are rotated by {rotated_deg:.0f} degrees from sagittal planes, "
            "further than in the model's training data."
        )
    return tuple(found)
