"""K-space of a moving head with the poses of its lines: slices in their plane, or a 3D volume.

K-space is held as images that are reconstructed independently (slices; or one volume) and share
the poses. `MovingScan.operator` makes the encoding operator of them.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from jaxtyping import Complex64, Float, Shaped

from mcnet.core.engine import ALL_CORES, Engine
from mcnet.io.kspace import RawScan
from mcnet.motion.poses import AXES
from mcnet.motion.trace import MotionTrace
from mcnet.motion_estimation.resolutions import with_shape
from mcnet.physics.line_poses import LinePoses, relative_to, space_poses, trace_of
from mcnet.physics.operators import ScanGrid
from mcnet.reconstruction.cg_sense import SolverSettings, cg_sense
from mcnet.reconstruction.coil_maps import central_part, central_shape, coil_maps
from mcnet.reconstruction.sense_operator import SenseOperator

_COARSE = SolverSettings(tolerance=1e-3, max_iterations=15, real=False)
"""For low-resolution images of single coils, whose phase is not known yet."""


@dataclass(frozen=True, eq=False)
class MovingScan(ABC):
    """K-space of a moving head with the poses of its lines."""

    motion_model: ClassVar[str]
    """Degrees of freedom: ``in-plane`` (three) or ``six-dof``."""
    raw: RawScan
    """The scan as measured."""
    kspace: Complex64[np.ndarray, "n_coils n_images *shape"]
    """Divided by the root of the number of samples of an image."""
    grid: ScanGrid
    """Of the images."""
    poses: LinePoses
    """One per line by its place in k-space, as of `mcnet.physics.line_poses`."""

    @abstractmethod
    def images_of(
        self, volume: Shaped[np.ndarray, "n_x n_y n_z"]
    ) -> Shaped[np.ndarray, "n_images *shape"]:
        """A volume as images of this scan."""

    @abstractmethod
    def volume_of(
        self, images: Shaped[np.ndarray, "n_images *shape"]
    ) -> Shaped[np.ndarray, "n_x n_y n_z"]:
        """Images as a volume: inverse of `images_of`."""

    @abstractmethod
    def motion_of(self, poses: LinePoses, name: str) -> MotionTrace:
        """Poses as a trace, in the order of time."""

    def operator(
        self,
        maps: Complex64[np.ndarray, "n_coils n_images *shape"],
        poses: LinePoses | None = None,
        engine: Engine = ALL_CORES,
    ) -> SenseOperator:
        """SENSE encoding operator with these coil maps, by default for the poses of the scan."""
        return SenseOperator(self.grid, maps, self.poses if poses is None else poses, engine=engine)

    def subset(self, images: slice) -> "MovingScan":
        """The same scan with some of its images only."""
        return replace(self, kspace=np.ascontiguousarray(self.kspace[:, images]))

    def central(self, small: tuple[int, ...]) -> "MovingScan":
        """The centre of k-space: the same field of view in fewer, larger pixels."""
        part = central_part(self.grid.shape, small)
        kspace = self.kspace[(slice(None), slice(None), *part)]
        share = np.float32(np.sqrt(np.prod(small) / np.prod(self.grid.shape)))
        return replace(
            self,
            kspace=np.ascontiguousarray(kspace) * share,
            grid=with_shape(self.grid, small),
            poses=self.poses[part[self.grid.line_axis]],
        )

    def still(self) -> "MovingScan":
        """The same k-space with poses of a still head."""
        reference_pose = relative_to(self.poses[:1], 0)
        return replace(self, poses=np.repeat(reference_pose, len(self.poses), axis=0))

    def maps(self) -> Complex64[np.ndarray, "n_coils n_images *shape"]:
        """Coil sensitivity maps in the scanner's frame, by `mcnet.reconstruction.coil_maps`.

        Low-resolution images of the coils are corrected for the motion of the central lines
        relative to the k-space centre, so that they lie where the scanner saw the head.
        """
        small = central_shape(self.grid.shape, self.grid.pixel_mm)
        centre = self.central(small)
        poses = relative_to(centre.poses, len(centre.poses) // 2)

        def low_resolution(kspace: np.ndarray) -> np.ndarray:
            # each coil by itself, as if its map moved with the head: by little in so short a time
            alone = kspace.reshape(1, -1, *small)
            ones = np.ones(alone.shape, np.complex64)
            operator = centre.operator(ones, poses)
            return cg_sense(operator, alone, settings=_COARSE).images.reshape(kspace.shape)

        return coil_maps(self.kspace, self.grid.pixel_mm, low_resolution=low_resolution)


class MovingSlices(MovingScan):
    """Slices whose head moves within their plane: one rotation, two translations."""

    motion_model = "in-plane"

    def images_of(
        self, volume: Shaped[np.ndarray, "n_x n_y n_z"]
    ) -> Shaped[np.ndarray, "n_slices rows columns"]:
        """As `RawScan.planes_of`."""
        return self.raw.planes_of(volume)

    def volume_of(
        self, images: Shaped[np.ndarray, "n_slices rows columns"]
    ) -> Shaped[np.ndarray, "n_x n_y n_z"]:
        """As `RawScan.volume_of`."""
        return self.raw.volume_of(images)

    def motion_of(self, poses: Float[np.ndarray, "n_lines 3"], name: str) -> MotionTrace:
        """As `RawScan.motion_of`."""
        return self.raw.motion_of(poses, name)


class MovingVolume(MovingScan):
    """A 3D scan whose head moves with six degrees of freedom."""

    motion_model = "six-dof"

    def images_of(
        self, volume: Shaped[np.ndarray, "n_x n_y n_z"]
    ) -> Shaped[np.ndarray, "1 n_x n_y n_z"]:
        """The volume itself."""
        return volume[None]

    def volume_of(
        self, images: Shaped[np.ndarray, "1 n_x n_y n_z"]
    ) -> Shaped[np.ndarray, "n_x n_y n_z"]:
        """The only image."""
        return np.asarray(images[0])

    def motion_of(self, poses: Float[np.ndarray, "n_lines 6"], name: str) -> MotionTrace:
        """Poses as a trace, in the order of time."""
        raw = self.raw
        return trace_of(poses, raw.line_at_time, interval_s=raw.interval_s, name=name)


def moving_slices(raw: RawScan, motion: MotionTrace) -> MovingSlices:
    """Slices of a scan with motion within their plane."""
    slices = raw.slices() / np.float32(np.sqrt(np.prod(raw.grid.shape)))
    return MovingSlices(raw, slices, raw.grid, raw.poses_of(motion))


def moving_volume(raw: RawScan, motion: MotionTrace) -> MovingVolume:
    """A 3D scan with six degrees of freedom."""
    kspace = raw.kspace[:, None] / np.float32(np.sqrt(np.prod(raw.matrix)))
    grid = ScanGrid(raw.matrix, raw.voxel_size_mm, AXES.index(raw.line_axis))
    return MovingVolume(raw, kspace, grid, space_poses(motion, raw.time_of_line))
