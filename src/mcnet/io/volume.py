"""A 3D scan in memory: its values in RAS+ voxel order and where they lie in the world."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64


@dataclass(frozen=True, eq=False)
class Volume:
    """A 3D scan whose voxel axes are the ones nearest to right, anterior and superior."""

    values: Float32[np.ndarray, "x y z"]
    """Intensities; the first axis runs to the right, the second to the front, the third up."""
    affine: Float64[np.ndarray, "4 4"]
    """From voxel indices to RAS+ millimetres of the scanner. Of an oblique scan it is oblique."""
    name: str
    """What the scan is called in tables and messages."""

    @property
    def voxel_size_mm(self) -> tuple[float, float, float]:
        """Voxel size along x, y and z: the lengths of the affine's columns."""
        x, y, z = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(x), float(y), float(z)


def resampled_affine(
    volume: Volume, matrix: Sequence[int], voxel_size_mm: Sequence[float]
) -> Float64[np.ndarray, "4 4"]:
    """Affine of another grid on the axes of the volume, about the same origin.

    Voxel ``n // 2`` of the new grid lies where voxel ``n // 2`` of the volume lies, by the
    convention of `mcnet.motion.poses`; the directions stay, the steps become ``voxel_size_mm``.
    """
    directions = volume.affine[:3, :3] / np.asarray(volume.voxel_size_mm)
    centre = np.asarray(volume.values.shape) // 2
    affine = np.eye(4)
    affine[:3, :3] = directions * np.asarray(voxel_size_mm, dtype=float)
    origin = volume.affine[:3, :3] @ centre + volume.affine[:3, 3]
    affine[:3, 3] = origin - affine[:3, :3] @ (np.asarray(matrix) // 2)
    return affine
