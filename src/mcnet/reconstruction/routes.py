"""Two routes from k-space to the still head: slices within their plane, or a volume in space.

A route holds the k-space as images that are found apart (slices; one volume), the poses of its
lines, and how an operator is made of both.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Complex64, Float, Shaped

from mcnet.data.raw_scan import RawScan
from mcnet.engine import ALL_CORES, Engine
from mcnet.geometry import AXES, inverse_pose
from mcnet.reconstruction.coils import central_part, central_shape, coil_maps
from mcnet.reconstruction.known_motion import SolverSettings, still_head
from mcnet.reconstruction.operator import CoilScan, MovingScan, VolumeScan
from mcnet.simulation.in_plane import Poses, SliceGrid
from mcnet.simulation.motion import MotionTrace

_COARSE = SolverSettings(tolerance=1e-3, most_iterations=15, real=False)
"""For coarse images of single coils, whose phase is not known yet."""


@dataclass(frozen=True, eq=False)
class Route:
    """K-space with the poses of its lines."""

    name: str
    """"in-plane" or "six-dof"."""
    kspace: Complex64[np.ndarray, "n_coils n_images *shape"]
    """Divided by the root of the number of samples of an image."""
    pixel_mm: tuple[float, ...]
    line_axis: int
    poses: Shaped[np.ndarray, "n_lines ..."]
    operator: Callable[..., MovingScan]
    """Of maps, pixel size, poses, axis of the lines, and engine."""
    measured_from: Callable[[Any, int], Any]
    """Poses measured from that of a line: the head first brought back and then moved."""

    def scan(
        self,
        maps: Complex64[np.ndarray, "n_coils n_images *shape"],
        poses: Shaped[np.ndarray, "n_lines ..."] | None = None,
        engine: Engine = ALL_CORES,
    ) -> MovingScan:
        """The operator, with these maps."""
        poses = self.poses if poses is None else poses
        return self.operator(maps, self.pixel_mm, poses, self.line_axis, engine)

    def of_images(self, images: slice) -> "Route":
        """Of some of the images."""
        return replace(self, kspace=np.ascontiguousarray(self.kspace[:, images]))

    def central(self, small: tuple[int, ...]) -> "Route":
        """Of the centre of k-space alone: the same field of view in fewer, larger pixels."""
        shape = self.kspace.shape[2:]
        part = central_part(shape, small)
        size = tuple(n * mm / few for n, mm, few in zip(shape, self.pixel_mm, small, strict=True))
        return replace(
            self,
            kspace=np.ascontiguousarray(self.kspace[(slice(None), slice(None), *part)]),
            pixel_mm=size,
            poses=self.poses[part[self.line_axis]],
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
        small = central_shape(self.kspace.shape[2:], self.pixel_mm)
        centre = self.central(small)
        poses = centre.measured_from(centre.poses, len(centre.poses) // 2)

        def coarse(kspace: np.ndarray) -> np.ndarray:
            # each coil by itself: as if its map turned with the head, by little in so short a time
            alone = kspace.reshape(1, -1, *small)
            ones = np.ones(alone.shape, np.complex64)
            scan = centre.scan(ones, poses)
            return still_head(scan, alone, settings=_COARSE).images.reshape(kspace.shape)

        return coil_maps(self.kspace, self.pixel_mm, coarse=coarse)


def in_plane_route(raw: RawScan, motion: MotionTrace) -> Route:
    """Slices within whose plane the motion stays."""
    grid = raw.grid
    slices = raw.slices() / np.float32(np.sqrt(np.prod(grid.shape)))
    poses = raw.poses_of(motion)
    return Route("in-plane", slices, grid.pixel_mm, grid.line_axis, poses, _in_plane, _from_line)


def volume_route(raw: RawScan, motion: MotionTrace) -> Route:
    """A 3D scan with six degrees of freedom."""
    kspace = raw.kspace[:, None] / np.float32(np.sqrt(np.prod(raw.matrix)))
    poses = motion.poses[raw.time_of_line]
    line_axis = AXES.index(raw.line_axis)
    return Route("six-dof", kspace, raw.voxel_size_mm, line_axis, poses, _in_space, _from_pose)


def _in_plane(
    maps: np.ndarray, pixel_mm: tuple[float, float], poses: Poses, line_axis: int, engine: Engine
) -> MovingScan:
    rows, columns = maps.shape[2:]
    return CoilScan(SliceGrid((rows, columns), pixel_mm, line_axis), maps, poses, engine=engine)


def _in_space(
    maps: np.ndarray,
    voxel_size_mm: tuple[float, ...],
    poses: Float[np.ndarray, "n_lines 4 4"],
    line_axis: int,
    engine: Engine,
) -> MovingScan:
    return VolumeScan(voxel_size_mm, maps, poses, line_axis, engine=engine)


def _from_line(poses: Poses, line: int) -> Poses:
    turn, row, column = poses[line]
    turned = poses[:, 0] - turn
    cos, sin = np.cos(turned), np.sin(turned)
    rows = poses[:, 1] - (cos * row - sin * column)
    columns = poses[:, 2] - (sin * row + cos * column)
    return np.column_stack([turned, rows, columns])


def _from_pose(
    poses: Float[np.ndarray, "n_lines 4 4"], line: int
) -> Float[np.ndarray, "n_lines 4 4"]:
    return np.asarray(poses @ inverse_pose(poses[line]))
