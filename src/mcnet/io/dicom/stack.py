"""Planes sorted along their normal, and the voxel grid that they form."""

from pathlib import Path

import numpy as np
from jaxtyping import Float64

from mcnet.core.errors import BadFileError
from mcnet.io.dicom.kinds import differences
from mcnet.io.dicom.planes import Plane
from mcnet.io.nifti.files import MIN_VOXELS

SAME_PLACE_MM = 1e-3
"""Planes nearer to each other than this lie at one position."""
UNEVEN = 0.02
"""Share of a step by which another step may differ."""
SLANT = 0.01
"""Largest sideways offset of the planes, as a share of the stack's length: 0.6 degrees."""


def stacked(folder: Path, planes: list[Plane]) -> list[Plane]:
    """Planes along their normal, from the lowest position to the highest.

    Raises
    ------
    McnetError
        They are not one stack: they differ in orientation, pixel size or matrix, are too few, lie
        at the same places, leave gaps or are offset sideways.
    """
    _check_equal(folder, planes)
    normal = planes[0].normal
    ordered = sorted(planes, key=lambda plane: float(plane.position_mm @ normal))
    positions = np.array([plane.position_mm for plane in ordered])
    distances_mm = (positions - positions[0]) @ normal
    _check_no_slab(folder, planes[0].matrix, distances_mm)
    _check_positions_differ(folder, ordered, distances_mm)
    _check_even_steps(folder, ordered, distances_mm)
    sideways = np.linalg.norm(positions - positions[0] - np.outer(distances_mm, normal), axis=1)
    if sideways.max() > SLANT * distances_mm[-1]:
        raise BadFileError(
            f"{folder} has slices that are shifted sideways by up to {sideways.max():.3g} mm (a "
            "tilted gantry or several stacks); they must lie in one straight line: resample the "
            "scan first."
        )
    return ordered


def stack_affine(ordered: list[Plane]) -> Float64[np.ndarray, "4 4"]:
    """From column, row and slice number to RAS+ millimetres."""
    first, last = ordered[0], ordered[-1]
    affine = np.eye(4)
    affine[:3, :2] = (first.directions * first.spacing_mm[:, None]).T
    affine[:3, 2] = (last.position_mm - first.position_mm) / (len(ordered) - 1)
    affine[:3, 3] = first.position_mm
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


def _check_equal(folder: Path, planes: list[Plane]) -> None:
    first = planes[0]
    differing = {
        "orientation": [np.allclose(p.directions, first.directions, atol=1e-3) for p in planes],
        "pixel size": [np.allclose(p.spacing_mm, first.spacing_mm, rtol=1e-3) for p in planes],
        "matrix": [p.matrix == first.matrix for p in planes],
    }
    for what, same in differing.items():
        if not all(same):
            raise BadFileError(
                f"{folder} has slices of unequal {what}: {same.count(False)} of {len(planes)} "
                f"differ from {first.file.path.name}; one stack of equal slices is needed: give "
                "the folder of a 3D scan, not of a localiser."
            )


def _check_no_slab(
    folder: Path, matrix: tuple[int, int], distances_mm: Float64[np.ndarray, " n"]
) -> None:
    n_positions = 1 + int(np.count_nonzero(np.diff(distances_mm) > SAME_PLACE_MM))
    if min(*matrix, n_positions) < MIN_VOXELS:
        raise BadFileError(
            f"{folder} holds {n_positions} slices of {matrix[0]} x {matrix[1]} pixels; a 3D scan "
            f"needs {MIN_VOXELS} or more along every axis: give the whole scan, not a slice or a "
            "localiser."
        )


def _check_positions_differ(
    folder: Path, ordered: list[Plane], distances_mm: Float64[np.ndarray, " n"]
) -> None:
    starts = np.flatnonzero(np.diff(distances_mm, prepend=-np.inf) > SAME_PLACE_MM)
    counts = np.diff(starts, append=len(ordered))
    n_shared = int(np.count_nonzero(counts > 1))
    if n_shared == 0:
        return
    if counts.min() > 1:
        raise BadFileError(
            f"{folder} holds {counts.max()} images at each of {len(counts)} positions"
            f"{_what_differs(ordered)}; one 3D scan is needed: copy the files of one into a folder "
            "of its own."
        )
    place = starts[counts.argmax()]
    names = sorted(plane.file.path.name for plane in ordered[place : place + counts.max()])
    same = {str(plane.file.header.get("SOPInstanceUID")) for plane in ordered}
    copies = " and are copies of one instance" if len(same) == len(counts) else ""
    raise BadFileError(
        f"{folder} has {n_shared} positions that hold more than one image, such as "
        f"{' and '.join(names[:3])}, which lie at one place{copies}{_what_differs(ordered)}; "
        "one image a position is needed: move the others elsewhere."
    )


def _what_differs(ordered: list[Plane]) -> str:
    for difference in differences(ordered, at_one_place=True):
        return f", of {len(difference.kinds)} {difference.plural}"
    return ""


def _check_even_steps(
    folder: Path, ordered: list[Plane], distances_mm: Float64[np.ndarray, " n"]
) -> None:
    steps = np.diff(distances_mm)
    ratios = steps / np.median(steps)
    uneven = np.flatnonzero(np.abs(ratios - 1) > UNEVEN)
    if uneven.size == 0:
        return
    n_missing = np.rint(ratios[uneven]).astype(int) - 1
    if n_missing.min() < 1 or np.abs(ratios[uneven] - n_missing - 1).max() > 0.1:
        raise BadFileError(
            f"{folder} has slices {steps.min():.4g} to {steps.max():.4g} mm apart; equal steps are "
            "needed: give one scan as the scanner wrote it, or resample it first."
        )
    before, after = ordered[uneven[0]].file.path.name, ordered[uneven[0] + 1].file.path.name
    raise BadFileError(
        f"{folder} lacks {n_missing.sum()} slices in {uneven.size} places, the first between "
        f"{before} and {after}, which are {steps[uneven[0]]:.4g} mm apart instead of "
        f"{np.median(steps):.4g}; copy or export the series again."
    )
