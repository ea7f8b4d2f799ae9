"""Images and poses that explain k-space together, by Newton's method.

What is minimised, over real images ``f`` and the poses of all lines, is

``|w (scan(f) - kspace)|^2 + 2 TV(f) + anchor |f - start|^2 + stiffness |steps of poses|^2``

with ``w`` zero where a pose turns a sample out of the images' band. What real images give away by
themselves is how the poses of line ``k`` and line ``-k`` differ, since a real image has the same
line twice; how both move together is told by the total variation alone. A step that moves the
poses and lets the images follow later comes to a halt at once, since images explain any
poses; so each step solves for both together (conjugate gradients on Newton's equations), and
then the images follow once more at the new poses.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import scipy.linalg
from jaxtyping import Complex64, Float32

from mcnet.motion_estimation.batched_scan import BatchedScan
from mcnet.motion_estimation.mirrored import MirroredScan
from mcnet.motion_estimation.total_variation import TotalVariation, curved
from mcnet.motion_estimation.volume_in_parts import VolumeInParts
from mcnet.physics.in_plane import InPlaneScan, SliceGrid
from mcnet.physics.operators import LinePoses, ScanGrid

Images = Float32[np.ndarray, "n_images *shape"]
Kspace = Complex64[np.ndarray, "n_images *shape"]
SearchedScan = BatchedScan | VolumeInParts

_LENIENT = partial(MirroredScan, tolerance=1e-3)
"""Magnitudes are far less exact than that as measurements of k-space."""


@dataclass(frozen=True)
class JointSettings:
    """What is minimised, and how long."""

    variation: float = 0.01
    """Weight of the total variation of images whose brightest is 1."""
    width: float = 0.02
    """As `TotalVariation.width`."""
    anchor: float = 1e-3
    """Weight of the squared difference from the first images."""
    stiffness: float = 1e-3
    """Weight of squared steps, in mm, of the pose from line to line."""
    looseness_mm: float = 10.0
    """A pose so far from rest counts as much as a step of 1 mm."""
    n_together: int = 15
    """Conjugate gradients of each step, for images and poses together."""
    n_following: int = 5
    """Conjugate gradients of the images alone after a step."""
    most_mm: float = 3.0
    """No pose moves farther in one step."""
    enough: float = 1e-5
    """Steps end where they gain less than this share."""
    mirrored: bool = False
    """Whether line ``k`` and ``-k`` move alike, as those of magnitudes do: `MirroredScan`."""


@dataclass(eq=False)
class State:
    """Images and poses as they are, and what belongs to them."""

    images: Images
    poses_mm: LinePoses
    """As `mcnet.motion_estimation.pose_units` has them."""
    scan: SearchedScan
    wanted: Kspace
    """What is to be explained."""
    misfit: Kspace
    value: float


class JointProblem:
    """The search at one resolution: what was measured, and what is minimised.

    Parameters
    ----------
    kspace
        Of real slices whose brightest is about 1, divided by the root of the number of samples.
    first
        Images to stay near to.
    """

    def __init__(
        self,
        kspace: Kspace,
        grid: ScanGrid,
        first: Images,
        settings: JointSettings,
        pool: ThreadPoolExecutor,
    ) -> None:
        self.kspace, self.grid, self.first, self.settings = kspace, grid, first, settings
        self.variation = TotalVariation(_weights(grid, settings.variation), settings.width)
        self._pool = pool
        steps = np.diff(np.eye(grid.n_lines), axis=0)
        loose = np.eye(grid.n_lines) / settings.looseness_mm**2
        self.precision = settings.stiffness * (steps.T @ steps + loose)

    def state(
        self,
        images: Images,
        poses_mm: LinePoses,
        *,
        n_following: int = 0,
    ) -> State:
        """Images and poses with what belongs to them; images that follow the poses first."""
        scan = self._scan(len(images), poses_mm)
        if n_following:
            images = self._followed(scan, images, n_following)
        misfit = (self.kspace - scan.kspace(images)) * scan.within_band
        value = self._value(images, poses_mm, misfit)
        return State(images, poses_mm, scan, self.kspace, misfit, value)

    def _scan(self, n_images: int, poses_mm: np.ndarray) -> SearchedScan:
        if not isinstance(self.grid, SliceGrid):
            return VolumeInParts(self.grid, poses_mm, self._pool)
        kind = _LENIENT if self.settings.mirrored else InPlaneScan
        return BatchedScan(self.grid, n_images, poses_mm, self._pool, kind)

    def minimised(
        self, state: State, n_steps: int, on_step: Callable[[int], None] | None = None
    ) -> State:
        """State after so many steps, or where steps gain no more."""
        length = 1.0
        for number in range(n_steps):
            if on_step:
                on_step(number)
            change, turn = self._direction(state)
            length = min(length, self.settings.most_mm / max(float(np.abs(turn).max()), 1e-9))
            better = None
            for _ in range(5):
                tried = self.state(
                    state.images + np.float32(length) * change,
                    state.poses_mm + length * turn,
                    n_following=self.settings.n_following,
                )
                if tried.value < state.value:
                    better = tried
                    break
                length *= 0.4
            if better is None:
                break
            gained, state = state.value - better.value, better
            if gained < self.settings.enough * state.value and length > 0.9:
                break
            length = min(2 * length, 4.0)
        return state

    def _value(self, images: Images, poses_mm: np.ndarray, misfit: Kspace) -> float:
        away = images - self.first
        return (
            0.5 * float((misfit.real**2 + misfit.imag**2).sum(dtype=float))
            + 0.5 * self.settings.anchor * float((away**2).sum(dtype=float))
            + self.variation.value(images)
            + 0.5 * float((poses_mm * (self.precision @ poses_mm)).sum())
        )

    def _image_gradient(self, scan: SearchedScan, images: Images, misfit: Kspace) -> Images:
        """Where the images want to go."""
        anchor = np.float32(self.settings.anchor)
        return np.asarray(
            scan.adjoint(misfit) - anchor * (images - self.first) - self.variation.gradient(images)
        )

    def _followed(self, scan: SearchedScan, images: Images, n_steps: int) -> Images:
        """Images nearer to their own minimum at these poses: conjugate gradients."""
        misfit = (self.kspace - scan.kspace(images)) * scan.within_band
        left = self._image_gradient(scan, images, misfit)
        curvature = self.variation.curvature(images)
        anchor = np.float32(self.settings.anchor)

        def normal(change: Images) -> Images:
            lines = scan.kspace(change) * scan.within_band
            return np.asarray(scan.adjoint(lines) + anchor * change + curved(curvature, change))

        (change,) = _conjugate_gradients(lambda one: [normal(one[0])], [left], n_steps, list)
        return np.asarray(images + change)

    def _direction(self, state: State) -> tuple[Images, LinePoses]:
        """Newton's step of images and poses together."""
        scan = state.scan
        derivatives = scan.derivatives(state.images)
        curvature = self.variation.curvature(state.images)
        anchor = np.float32(self.settings.anchor)

        def to_poses(lines: Kspace) -> LinePoses:
            return np.stack([scan.of_lines(one, lines) for one in derivatives], axis=1)

        def normal(both: list[np.ndarray]) -> list[np.ndarray]:
            change, turn = both
            lines = scan.changed_kspace(change, turn, derivatives)
            images = scan.adjoint(lines) + anchor * change + curved(curvature, change)
            return [images, to_poses(lines) + self.precision @ turn]

        solve_poses = self._pose_solver(derivatives, scan)
        usual = np.float32(1 / (1 + anchor + 2 * len(curvature) * float(curvature[0].mean())))

        def conditioned(both: list[np.ndarray]) -> list[np.ndarray]:
            return [usual * both[0], solve_poses(both[1])]

        gradient = [
            self._image_gradient(scan, state.images, state.misfit),
            to_poses(state.misfit) - self.precision @ state.poses_mm,
        ]
        change, turn = _conjugate_gradients(normal, gradient, self.settings.n_together, conditioned)
        return change, turn

    def _pose_solver(
        self, derivatives: np.ndarray, scan: SearchedScan
    ) -> Callable[[LinePoses], LinePoses]:
        """Solves for the poses alone, as if images stood still."""
        n_lines, n_dof = self.grid.n_lines, self.grid.n_dof
        matrix = np.zeros((n_lines, n_dof, n_lines, n_dof))
        each = np.arange(n_lines)
        for i in range(n_dof):
            seen = derivatives[i] * scan.within_band
            for j in range(n_dof):
                matrix[each, i, each, j] += scan.of_lines(seen, derivatives[j])
            matrix[:, i, :, i] += self.precision
        flat = matrix.reshape(n_lines * n_dof, -1)
        flat += 1e-9 * np.trace(flat) / len(flat) * np.eye(len(flat))
        factor = scipy.linalg.cho_factor(flat)
        return lambda poses: scipy.linalg.cho_solve(factor, poses.ravel()).reshape(poses.shape)


def _weights(grid: ScanGrid, variation: float) -> tuple[float, ...]:
    """Of the total variation along each axis: of a volume, as if its voxels were cubes."""
    finest = min(grid.pixel_mm)
    if len(grid.shape) == 2:
        return variation, variation
    return tuple(variation * finest / size for size in grid.pixel_mm)


def _conjugate_gradients(
    normal: Callable[[list[np.ndarray]], list[np.ndarray]],
    gradient: Sequence[np.ndarray],
    n_steps: int,
    conditioned: Callable[[list[np.ndarray]], list[np.ndarray]],
) -> list[np.ndarray]:
    """Solution, after so many steps from zero, of linear equations in several arrays at once."""
    left = [one.copy() for one in gradient]
    found = [np.zeros_like(one) for one in gradient]
    towards = conditioned(left)
    direction = [one.copy() for one in towards]
    size = _inner(left, towards)
    for _ in range(n_steps):
        if size <= 0:
            break
        changed = normal(direction)
        length = size / _inner(direction, changed)
        for one, along, less, by in zip(found, direction, left, changed, strict=True):
            one += one.dtype.type(length) * along
            less -= less.dtype.type(length) * by
        towards = conditioned(left)
        before, size = size, _inner(left, towards)
        direction = [
            one + one.dtype.type(size / before) * along
            for one, along in zip(towards, direction, strict=True)
        ]
    return found


def _inner(one: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> float:
    return sum(float((a * b).sum(dtype=float)) for a, b in zip(one, other, strict=True))
