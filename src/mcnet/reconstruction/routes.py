"""Two routes from k-space to the still head: slices within their plane, or a volume in space.

A route holds the k-space as images that are found apart (slices; one volume), the poses of its
lines, and how an operator is made of both.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from jaxtyping import Complex64, Float, Shaped

from mcnet.core.engine import ALL_CORES, Engine
from mcnet.io.kspace import RawScan
from mcnet.motion.poses import AXES, inverse_pose
from mcnet.motion.trace import MotionTrace
from mcnet.motion_estimation.resolutions import with_shape
from mcnet.physics.in_space import matrices_of, poses_of
from mcnet.physics.operators import LinePoses, ScanGrid
from mcnet.reconstruction.coils import central_part, central_shape, coil_maps
from mcnet.reconstruction.known_motion import SolverSettings, still_head
from mcnet.reconstruction.operator import CoilScan

_COARSE = SolverSettings(tolerance=1e-3, most_iterations=15, real=False)
"""For coarse images of single coils, whose phase is not known yet."""


@dataclass(frozen=True, eq=False)
class Route(ABC):
    """K-space with the poses of its lines."""

    name: ClassVar[str]
    raw: RawScan
    """What the scanner measured."""
    kspace: Complex64[np.ndarray, "n_coils n_images *shape"]
    """Divided by the root of the number of samples of an image."""
    grid: ScanGrid
    """Of the images."""
    poses: LinePoses
    """As `mcnet.physics.operators` wants them."""

    @abstractmethod
    def images_of(
        self, volume: Shaped[np.ndarray, "n_x n_y n_z"]
    ) -> Shaped[np.ndarray, "n_images *shape"]:
        """A volume as the images of this route."""

    @abstractmethod
    def volume_of(
        self, images: Shaped[np.ndarray, "n_images *shape"]
    ) -> Shaped[np.ndarray, "n_x n_y n_z"]:
        """Images as a volume: inverse of `images_of`."""

    @abstractmethod
    def motion_of(self, poses: LinePoses, name: str) -> MotionTrace:
        """Poses as a trace, in the order of time."""

    @staticmethod
    @abstractmethod
    def measured_from(poses: LinePoses, line: int) -> LinePoses:
        """Poses measured from that of a line: the head first brought back and then moved."""

    def scan(
        self,
        maps: Complex64[np.ndarray, "n_coils n_images *shape"],
        poses: LinePoses | None = None,
        engine: Engine = ALL_CORES,
    ) -> CoilScan:
        """The operator, with these maps."""
        return CoilScan(self.grid, maps, self.poses if poses is None else poses, engine=engine)

    def of_images(self, images: slice) -> "Route":
        """Of some of the images."""
        return replace(self, kspace=np.ascontiguousarray(self.kspace[:, images]))

    def central(self, small: tuple[int, ...]) -> "Route":
        """Of the centre of k-space alone: the same field of view in fewer, larger pixels."""
        part = central_part(self.grid.shape, small)
        kspace = self.kspace[(slice(None), slice(None), *part)]
        share = np.float32(np.sqrt(np.prod(small) / np.prod(self.grid.shape)))
        return replace(
            self,
            kspace=np.ascontiguousarray(kspace) * share,
            grid=with_shape(self.grid, small),
            poses=self.poses[part[self.grid.line_axis]],
        )

    def still(self) -> "Route":
        """The same with a head that keeps still."""
        moved_back = self.measured_from(self.poses[:1], 0)
        return replace(self, poses=np.repeat(moved_back, len(self.poses), axis=0))

    def maps(self) -> Complex64[np.ndarray, "n_coils n_images *shape"]:
        """Coil maps where the scanner is, by `mcnet.reconstruction.coils.coil_maps`.

        Coarse images of the coils are found with the motion of the central lines, measured from
        that of the very centre: so they lie where the scanner saw the head.
        """
        small = central_shape(self.grid.shape, self.grid.pixel_mm)
        centre = self.central(small)
        poses = centre.measured_from(centre.poses, len(centre.poses) // 2)

        def coarse(kspace: np.ndarray) -> np.ndarray:
            # each coil by itself: as if its map turned with the head, by little in so short a time
            alone = kspace.reshape(1, -1, *small)
            ones = np.ones(alone.shape, np.complex64)
            scan = centre.scan(ones, poses)
            return still_head(scan, alone, settings=_COARSE).images.reshape(kspace.shape)

        return coil_maps(self.kspace, self.grid.pixel_mm, coarse=coarse)


class InPlaneRoute(Route):
    """Slices within whose plane the motion stays."""

    name = "in-plane"

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

    @staticmethod
    def measured_from(
        poses: Float[np.ndarray, "n_lines 3"], line: int
    ) -> Float[np.ndarray, "n_lines 3"]:
        """Poses measured from that of a line: the head first brought back and then moved."""
        turn, row, column = poses[line]
        turned = poses[:, 0] - turn
        cos, sin = np.cos(turned), np.sin(turned)
        rows = poses[:, 1] - (cos * row - sin * column)
        columns = poses[:, 2] - (sin * row + cos * column)
        return np.column_stack([turned, rows, columns])


class VolumeRoute(Route):
    """A 3D scan whose head moves with six degrees of freedom."""

    name = "six-dof"

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
        """Turns in degrees, shifts in mm, in the order of time."""
        in_time = poses[self.raw.line_at_time]
        turns_deg, shifts_mm = np.degrees(in_time[:, :3]), in_time[:, 3:]
        return MotionTrace(shifts_mm, turns_deg, self.raw.interval_s, name)

    @staticmethod
    def measured_from(
        poses: Float[np.ndarray, "n_lines 6"], line: int
    ) -> Float[np.ndarray, "n_lines 6"]:
        """Poses measured from that of a line: the head first brought back and then moved."""
        matrices = matrices_of(poses)
        return poses_of(matrices @ inverse_pose(matrices[line]))


def in_plane_route(raw: RawScan, motion: MotionTrace) -> InPlaneRoute:
    """Slices of a scan, with motion within their plane."""
    slices = raw.slices() / np.float32(np.sqrt(np.prod(raw.grid.shape)))
    return InPlaneRoute(raw, slices, raw.grid, raw.poses_of(motion))


def volume_route(raw: RawScan, motion: MotionTrace) -> VolumeRoute:
    """A 3D scan, with any motion."""
    kspace = raw.kspace[:, None] / np.float32(np.sqrt(np.prod(raw.matrix)))
    grid = ScanGrid(raw.matrix, raw.voxel_size_mm, AXES.index(raw.line_axis))
    return VolumeRoute(raw, kspace, grid, poses_of(motion.poses[raw.time_of_line]))
