"""A 3D scan in memory: its values in RAS+ voxel order and where they lie in the world."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Float64


@runtime_checkable
class NibabelImage(Protocol):
    """What an image of nibabel's has, so that nibabel is imported in `mcnet.io.nifti` alone."""

    affine: Any
    header: Any

    def get_fdata(self, *arguments: Any, **options: Any) -> np.ndarray:
        """Scaled values."""
        ...


@dataclass(frozen=True, eq=False)
class Volume:
    """A 3D scan whose voxel axes are the ones nearest to right, anterior and superior."""

    values: Float32[np.ndarray, "x y z"]
    """Intensities; the first axis runs to the right, the second to the front, the third up."""
    affine: Float64[np.ndarray, "4 4"]
    """From voxel indices to RAS+ millimetres of the scanner. Of an oblique scan it is oblique."""
    name: str
    """What the scan is called in tables and messages."""

    @classmethod
    def from_array(cls, values: Any, affine: Any, *, name: str = "scan") -> "Volume":
        """Volume of an array, its axes reordered and flipped to the nearest RAS+.

        Parameters
        ----------
        values
            Real intensities, shape (i, j, k); they become float32.
        affine
            Shape (4, 4): from indices of the array to RAS+ millimetres.
        name
            What it is called in tables and messages.

        Raises
        ------
        McnetError
            As `mcnet.io.nifti.files.read_volume`: not three-dimensional, not finite, one value in
            every voxel, or on a grid that no head fills.

        Examples
        --------
        >>> import numpy as np
        >>> values = np.arange(20 * 22 * 24.0).reshape(20, 22, 24)
        >>> volume = Volume.from_array(values, np.diag([-8.0, 8.0, 8.0, 1.0]))
        >>> volume.voxel_size_mm
        (8.0, 8.0, 8.0)
        >>> float(volume.values[0, 0, 0])  # the array ran to the left, the volume to the right
        10032.0
        """
        from mcnet.io.nifti.in_memory import volume_of_array

        return volume_of_array(values, affine, name)

    @classmethod
    def from_nibabel(cls, image: NibabelImage, *, name: str | None = None) -> "Volume":
        """Volume of a nibabel image, by the rules of a NIfTI file.

        Parameters
        ----------
        image
            A 3D image, of any type that nibabel reads.
        name
            What it is called; by default its file's name, or "scan".

        Raises
        ------
        McnetError
            As `from_array`.
        """
        from mcnet.io.nifti.in_memory import volume_in_image

        return volume_in_image(image, name)

    def to_nibabel(self, like: NibabelImage | None = None) -> Any:
        """Return the volume as a ``nibabel.Nifti1Image``, in memory.

        Parameters
        ----------
        like
            An image whose data type, order of axes, units and codes it takes; integers are rounded
            and clipped. Without it: float32, RAS+, millimetres.

        Examples
        --------
        >>> from mcnet.datasets.template import template_head
        >>> head = template_head(resolution_mm=8.0)
        >>> head.to_nibabel().shape == head.values.shape
        True
        """
        from mcnet.io.nifti.in_memory import image_of_volume

        return image_of_volume(self, like)

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
