"""Position and orientation of a raw scan, and k-space with flipped axes.

ISMRMRD has positions and directions in LPS (x to the left, y to the back, z up). The position is
the centre of the field of view, voxel ``n // 2`` of the image, as of the Fourier transform.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Complex, Float64, Int, Shaped

from mcnet.core.errors import BadFileError
from mcnet.io.ras_order import RasOrder

LPS = np.array([-1.0, -1.0, 1.0])
"""From RAS+ to LPS, and back."""
SAME_PLACE_MM = 1e-2
UNEVEN = 0.02
"""Share of a step between slices by which another may differ."""
_DIRECTIONS = ("read_dir", "phase_dir", "slice_dir")


def directions_of(path: Path, heads: Shaped[np.ndarray, "n"]) -> Float64[np.ndarray, "3 3"]:
    """Unit vectors along readout, lines and slices, as columns, in LPS.

    Raises
    ------
    McnetError
        They are not the same everywhere, or not three unit vectors at right angles.
    """
    with np.errstate(invalid="ignore"):
        stored = np.stack([heads[name].astype(np.float64) for name in _DIRECTIONS], axis=-1)
    directions: np.ndarray = stored[0]
    if not np.all(np.isfinite(stored)) or not np.allclose(
        directions.T @ directions, np.eye(3), atol=1e-2
    ):
        raise BadFileError(
            f"{path} has read_dir, phase_dir and slice_dir that are not three unit vectors at "
            "right angles, so its place in space is unknown; convert the raw data again."
        )
    if not np.allclose(stored, directions, atol=1e-3):
        raise BadFileError(
            f"{path} has acquisitions of several orientations; one stack is needed: leave the "
            "localiser out of the file."
        )
    return directions


def slices_by_position(
    path: Path,
    heads: Shaped[np.ndarray, "n"],
    slice_of: Int[np.ndarray, "n"],
    normal: Float64[np.ndarray, "3"],
) -> tuple[Int[np.ndarray, "n_slices"], Float64[np.ndarray, "n_slices 3"]]:
    """Slices along their normal, and the centre of each in LPS; of a 3D scan, its one slab.

    Raises
    ------
    McnetError
        A slice has several positions, two share one, or they are not evenly spaced in a line.
    """
    with np.errstate(invalid="ignore"):
        positions = heads["position"].astype(np.float64)
    _, first = np.unique(slice_of, return_index=True)
    centres = positions[first]
    if (
        not np.all(np.isfinite(positions))
        or np.abs(positions - centres[slice_of]).max() > SAME_PLACE_MM
    ):
        raise BadFileError(
            f"{path} has lines of one slice or slab at several positions; each needs one: convert "
            "the raw data again."
        )
    order = np.argsort(centres @ normal, kind="stable")
    centres = centres[order]
    along = (centres - centres[0]) @ normal
    steps = np.diff(along)
    if steps.size and steps.min() < SAME_PLACE_MM:
        raise BadFileError(
            f"{path} has {int((steps < SAME_PLACE_MM).sum()) + 1} slices at one position; each "
            "needs its own: convert the raw data again."
        )
    if steps.size and np.ptp(steps) > UNEVEN * np.median(steps):
        raise BadFileError(
            f"{path} has slices {steps.min():.4g} to {steps.max():.4g} mm apart; equal steps are "
            "needed: give one stack, without gaps."
        )
    sideways = np.linalg.norm(centres - centres[0] - np.outer(along, normal), axis=1)
    if steps.size and sideways.max() > 0.01 * along[-1]:
        raise BadFileError(
            f"{path} has slices that are shifted sideways by up to {sideways.max():.3g} mm; they "
            "must lie in one straight line: give one stack."
        )
    return order, centres


def grid_affine(
    directions: Float64[np.ndarray, "3 3"],
    voxel_size_mm: tuple[float, float, float],
    matrix: tuple[int, int, int],
    centres: Float64[np.ndarray, "n_slices 3"],
    *,
    is_3d: bool,
) -> Float64[np.ndarray, "4 4"]:
    """From indices along readout, lines and partitions or slices to RAS+ millimetres."""
    steps = directions * np.asarray(voxel_size_mm)
    if len(centres) > 1:
        steps[:, 2] = (centres[-1] - centres[0]) / (len(centres) - 1)
    centre_voxel = np.array([matrix[0] // 2, matrix[1] // 2, matrix[2] // 2 if is_3d else 0])
    affine = np.eye(4)
    affine[:3, :3] = LPS[:, None] * steps
    affine[:3, 3] = LPS * centres[0] - affine[:3, :3] @ centre_voxel
    return affine


def in_ras_order(
    kspace: Complex[np.ndarray, "n_coils i j k"], order: RasOrder, encoded: tuple[bool, bool, bool]
) -> Complex[np.ndarray, "n_coils n_x n_y n_z"]:
    """K-space of the image in RAS+ order; ``encoded`` says which stored axes are frequencies."""
    kspace = kspace.transpose(0, *(1 + axis for axis in order.order))
    for world in order.flips:
        kspace = flipped(kspace, 1 + world, is_encoded=encoded[order.order[world]])
    return kspace


def flipped(
    kspace: Complex[np.ndarray, "*shape"], axis: int, *, is_encoded: bool
) -> Complex[np.ndarray, "*shape"]:
    """K-space of the image flipped along an axis, voxel 0 becoming the last.

    A spectrum ``F(k)`` becomes ``F(-k)``. With an even number ``n`` of voxels the flipped image
    lies one voxel beside the one mirrored about voxel ``n // 2``: ``exp(2 pi i k / n) F(-k)``.
    """
    if not is_encoded:
        return np.flip(kspace, axis)
    n = kspace.shape[axis]
    mirrored = np.take(kspace, mirrored_place(np.arange(n), n), axis=axis)
    if n % 2:
        return mirrored
    ramp = np.exp(2j * np.pi * (np.arange(n) - n // 2) / n)
    shape = [-1 if place == axis else 1 for place in range(kspace.ndim)]
    return np.asarray(mirrored * ramp.reshape(shape).astype(kspace.dtype))


def mirrored_place(places: Int[np.ndarray, "n"], n: int) -> Int[np.ndarray, "n"]:
    """Indices of ``-k`` for frequencies at ``places``; index ``n // 2`` is ``k = 0``.

    With an even number of samples the edge at -1/2 cycle per voxel stands for +1/2 too, and stays.
    """
    return np.asarray((2 * (n // 2) - places) % n)
