"""K-space of a Cartesian scan in memory, as the scanner measured it: the user's raw data.

The two axes of a slice follow the slice axis in the cycle x, y, z, x. So the rotation about the
slice axis and the translations along rows and columns have, for slices of any axis, the signs that
`mcnet.motion.poses` gives to sagittal ones.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex64, Float64, Int, Shaped

from mcnet.motion.poses import AXES, Axis
from mcnet.motion.trace import MotionTrace
from mcnet.physics.fourier import centred_ifft
from mcnet.physics.in_plane import SliceGrid
from mcnet.physics.line_poses import InPlanePoses, in_plane_poses, trace_of


@dataclass(frozen=True, eq=False)
class RawScan:
    """Fully sampled k-space in RAS+ order, each line measured once."""

    kspace: Complex64[np.ndarray, "n_coils n_x n_y n_z"]
    """Each coil's image under `mcnet.physics.fourier.centred_fft` along the encoded axes: sample
    ``n // 2`` is zero frequency. Along the slice axis of a 2D scan lie slices, not frequencies."""
    affine: Float64[np.ndarray, "4 4"]
    """From voxel indices of the image to RAS+ millimetres of the scanner."""
    line_axis: Axis
    """Phase-encoding axis: each of its lines has a time and a pose of its own."""
    slice_axis: Axis
    """The axis of the slices, or of the partitions of a 3D scan."""
    is_3d: bool
    """Whether the slice axis is encoded too, all partitions of a line at the line's time."""
    line_at_time: Int[np.ndarray, "n_lines"]
    """The phase-encoding line measured at each time."""
    interval_s: float | None = None
    """Time between two lines in seconds, where it is known."""
    name: str = "scan"

    @property
    def n_coils(self) -> int:
        """Receiver coils."""
        return len(self.kspace)

    @property
    def matrix(self) -> tuple[int, int, int]:
        """Samples along x, y and z."""
        x, y, z = self.kspace.shape[1:]
        return x, y, z

    @property
    def n_lines(self) -> int:
        """Phase-encoding lines."""
        return self.matrix[AXES.index(self.line_axis)]

    @property
    def voxel_size_mm(self) -> tuple[float, float, float]:
        """Voxel size of the image along x, y and z."""
        x, y, z = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(x), float(y), float(z)

    @property
    def encoded_axes(self) -> tuple[int, ...]:
        """Axes of space (0 to 2) along which k-space was sampled."""
        return tuple(
            index for index, axis in enumerate(AXES) if self.is_3d or axis != self.slice_axis
        )

    @property
    def time_of_line(self) -> Int[np.ndarray, "n_lines"]:
        """The time at which each line was measured."""
        return np.argsort(self.line_at_time)

    @property
    def plane(self) -> tuple[Axis, Axis, Axis]:
        """Slice axis, axis of the rows, axis of the columns: x, y, z or a cycle of them."""
        first = AXES.index(self.slice_axis)
        return AXES[first], AXES[(first + 1) % 3], AXES[(first + 2) % 3]

    @property
    def grid(self) -> SliceGrid:
        """Pixels of the slices."""
        _, rows, columns = (AXES.index(axis) for axis in self.plane)
        matrix, size = self.matrix, self.voxel_size_mm
        line_axis = 0 if self.line_axis == AXES[rows] else 1
        return SliceGrid((matrix[rows], matrix[columns]), (size[rows], size[columns]), line_axis)

    def slices(self) -> Complex64[np.ndarray, "n_coils n_slices rows columns"]:
        """K-space of each slice; that of a 3D scan after the transform along its partitions."""
        kspace = self.kspace
        if self.is_3d:
            along = 1 + AXES.index(self.slice_axis)
            kspace = centred_ifft(kspace, (along,)).astype(np.complex64, copy=False)
        return np.ascontiguousarray(self._as_slices(kspace))

    def volume_of(
        self, slices: Shaped[np.ndarray, "n_slices rows columns"]
    ) -> Shaped[np.ndarray, "n_x n_y n_z"]:
        """Slices of the plane as a volume with axes x, y and z."""
        first = AXES.index(self.slice_axis)
        # axis a of the volume is axis (a - first) of slices, rows and columns
        return np.ascontiguousarray(np.transpose(slices, [(axis - first) % 3 for axis in range(3)]))

    def planes_of(
        self, volume: Shaped[np.ndarray, "n_x n_y n_z"]
    ) -> Shaped[np.ndarray, "n_slices rows columns"]:
        """A volume as slices of the plane: inverse of `volume_of`."""
        first = AXES.index(self.slice_axis)
        return np.ascontiguousarray(np.transpose(volume, [(first + step) % 3 for step in range(3)]))

    def motion_of(self, poses: InPlanePoses, name: str = "motion") -> MotionTrace:
        """Trace, in the order of time, of poses within the plane of the slices."""
        return trace_of(
            *(poses, self.line_at_time),
            plane=self.plane,
            interval_s=self.interval_s,
            name=name,
        )

    def poses_of(self, motion: MotionTrace) -> InPlanePoses:
        """Poses of the lines, by their place in k-space, of a trace that stays within the plane."""
        return in_plane_poses(motion, self.time_of_line, self.plane)

    def stays_in_plane(self, motion: MotionTrace) -> bool:
        """Whether a motion has no rotation and no translation out of the slices."""
        rotated = AXES.index(self.slice_axis)
        leaving = np.delete(motion.rotation_deg, rotated, axis=1), motion.translation_mm[:, rotated]
        return not any(bool(values.any()) for values in leaving)

    def _as_slices(
        self, kspace: Complex64[np.ndarray, "n_coils n_x n_y n_z"]
    ) -> Complex64[np.ndarray, "n_coils n_slices rows columns"]:
        first = AXES.index(self.slice_axis)
        return np.transpose(kspace, (0, *(1 + (first + step) % 3 for step in range(3))))
