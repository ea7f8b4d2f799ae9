"""Images and poses that explain k-space together, by Newton's method.

The objective, over real images ``f`` and the poses of all lines, is

``1/2 |w (scan(f) - kspace)|^2 + R(f) + image_prior_weight / 2 |f - first|^2
+ pose_smoothness / 2 (|steps of poses|^2 + |poses|^2 / pose_prior_mm^2)``

with ``w`` zero where a pose rotates a sample out of the images' band, and a regulariser ``R`` such
as the total variation. The data alone determine how the poses of line ``k`` and line ``-k`` differ,
since a real image has the same line twice; how both move together is determined by the regulariser
alone. A step that moves the poses and lets the images follow later comes to a halt at once, since
images can explain any poses. So each step solves Newton's equations of both together, by conjugate
gradients; then the images are fitted once more at the new poses.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import scipy.linalg
from jaxtyping import Complex64, Float32

from mcnet.motion_estimation.batched_scan import BatchedScan
from mcnet.motion_estimation.mirrored import MirroredScan
from mcnet.motion_estimation.regularisers.protocol import RegulariserInputs
from mcnet.motion_estimation.regularisers.registry import build_regulariser
from mcnet.motion_estimation.volume_in_parts import VolumeInParts
from mcnet.physics.conjugate_gradients import SeveralArrays, conjugate_gradients
from mcnet.physics.in_plane import InPlaneScan, SliceGrid
from mcnet.physics.line_poses import LinePoses
from mcnet.physics.operators import ScanGrid

Images = Float32[np.ndarray, "n_images *shape"]
Kspace = Complex64[np.ndarray, "n_images *shape"]
SearchedScan = BatchedScan | VolumeInParts

_LENIENT = partial(MirroredScan, tolerance=1e-3)
"""Magnitudes are far less exact than that as measurements of k-space."""
_N_SHORTER = 5
"""Lengths of a step that are tried, each..."""
_SHORTER = 0.4
"""...so many times the one before, until the objective falls."""
_LONGEST = 4.0
"""Of a step, in Newton steps."""


@dataclass(frozen=True)
class JointSettings:
    """Objective of the joint estimation, and how long it is minimised."""

    regulariser: str = "total-variation"
    """Name of one in `mcnet.motion_estimation.regularisers.registry`."""
    regulariser_weight: float = 0.01
    """Of images whose brightest is 1."""
    regulariser_epsilon: float = 0.02
    """Differences between neighbouring pixels far below this count as smooth."""
    image_prior_weight: float = 1e-3
    """Weight of the squared difference from the first images."""
    pose_smoothness: float = 1e-3
    """Weight of squared steps, in mm, of the pose from line to line."""
    pose_prior_mm: float = 10.0
    """A pose so far from the reference pose costs as much as a step of 1 mm."""
    n_cg_joint: int = 15
    """Conjugate-gradient steps for images and poses together, in each Newton step."""
    n_cg_images: int = 5
    """Conjugate-gradient steps for the images alone, after a Newton step."""
    max_step_mm: float = 3.0
    """No pose moves farther in one step."""
    relative_tolerance: float = 1e-5
    """The search ends where a step lowers the objective by less than this share."""
    mirrored: bool = False
    """Whether line ``k`` and ``-k`` have one pose, as those of magnitudes: `MirroredScan`."""


@dataclass(eq=False)
class State:
    """Images and poses with their scan, residual and objective."""

    images: Images
    poses_mm: LinePoses
    """Rotations as translations, by `mcnet.physics.line_poses`."""
    scan: SearchedScan
    target: Kspace
    """K-space to be explained."""
    residual: Kspace
    """The target less the k-space of these images, within the band."""
    objective: float


class JointProblem:
    """Joint estimation at one resolution.

    Parameters
    ----------
    kspace
        Of real slices whose brightest is about 1, divided by the root of the number of samples.
    first
        Images of the image prior.
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
        weights = _axis_weights(grid, settings.regulariser_weight)
        self.regulariser = build_regulariser(
            settings.regulariser, RegulariserInputs(weights, settings.regulariser_epsilon, first)
        )
        self._pool = pool
        steps = np.diff(np.eye(grid.n_lines), axis=0)
        from_reference = np.eye(grid.n_lines) / settings.pose_prior_mm**2
        self.pose_precision = settings.pose_smoothness * (steps.T @ steps + from_reference)

    def state(self, images: Images, poses_mm: LinePoses, *, n_cg_images: int = 0) -> State:
        """State of these poses, with the images fitted to them by so many steps first."""
        scan = self._scan(len(images), poses_mm)
        if n_cg_images:
            images = self._fitted_images(scan, images, n_cg_images)
        residual = self._residual(scan, images)
        objective = self._objective(images, poses_mm, residual)
        return State(images, poses_mm, scan, self.kspace, residual, objective)

    def _scan(self, n_images: int, poses_mm: np.ndarray) -> SearchedScan:
        if not isinstance(self.grid, SliceGrid):
            return VolumeInParts(self.grid, poses_mm, self._pool)
        kind = _LENIENT if self.settings.mirrored else InPlaneScan
        return BatchedScan(self.grid, n_images, poses_mm, self._pool, kind)

    def minimised(
        self, state: State, n_steps: int, on_step: Callable[[int], None] | None = None
    ) -> State:
        """State after so many Newton steps, or where they lower the objective no more."""
        length = 1.0
        for number in range(n_steps):
            if on_step:
                on_step(number)
            step = self._newton_step(state)
            longest = self.settings.max_step_mm / max(float(np.abs(step[1]).max()), 1e-9)
            length, better = self._line_search(state, step, min(length, longest))
            if better is None:
                break
            lowered, state = state.objective - better.objective, better
            if lowered < self.settings.relative_tolerance * state.objective and length > 0.9:
                break
            length = min(2 * length, _LONGEST)
        return state

    def _line_search(
        self, state: State, step: tuple[Images, LinePoses], length: float
    ) -> tuple[float, State | None]:
        """Length of the step that lowers the objective, and the state there; none if none does."""
        for _ in range(_N_SHORTER):
            tried = self.state(
                state.images + np.float32(length) * step[0],
                state.poses_mm + length * step[1],
                n_cg_images=self.settings.n_cg_images,
            )
            if tried.objective < state.objective:
                return length, tried
            length *= _SHORTER
        return length, None

    def _residual(self, scan: SearchedScan, images: Images) -> Kspace:
        return np.asarray((self.kspace - scan.kspace(images)) * scan.within_band)

    def _objective(self, images: Images, poses_mm: np.ndarray, residual: Kspace) -> float:
        apart = images - self.first
        return (
            0.5 * float((residual.real**2 + residual.imag**2).sum(dtype=float))
            + 0.5 * self.settings.image_prior_weight * float((apart**2).sum(dtype=float))
            + self.regulariser.value(images)
            + 0.5 * float((poses_mm * (self.pose_precision @ poses_mm)).sum())
        )

    def _image_descent(self, scan: SearchedScan, images: Images, residual: Kspace) -> Images:
        """Negative gradient of the objective by the images."""
        prior = np.float32(self.settings.image_prior_weight)
        data = scan.adjoint(residual)
        return np.asarray(data - prior * (images - self.first) - self.regulariser.gradient(images))

    def _fitted_images(self, scan: SearchedScan, images: Images, n_steps: int) -> Images:
        """Images nearer to the minimum at these poses: conjugate gradients."""
        descent = self._image_descent(scan, images, self._residual(scan, images))
        hessian = self.regulariser.hessian(images)
        prior = np.float32(self.settings.image_prior_weight)

        def product(changes: list[Images]) -> list[Images]:
            (change,) = changes
            lines = scan.kspace(change) * scan.within_band
            return [scan.adjoint(lines) + prior * change + hessian.product(change)]

        (change,) = _solved(product, [descent], n_steps)
        return np.asarray(images + change)

    def _newton_step(self, state: State) -> tuple[Images, LinePoses]:
        """Newton's step of images and poses together, not yet shortened."""
        scan = state.scan
        derivatives = scan.derivatives(state.images)
        hessian = self.regulariser.hessian(state.images)
        prior = np.float32(self.settings.image_prior_weight)

        def to_poses(lines: Kspace) -> LinePoses:
            return np.stack([scan.of_lines(one, lines) for one in derivatives], axis=1)

        def product(changes: list[np.ndarray]) -> list[np.ndarray]:
            images, poses = changes
            lines = scan.changed_kspace(images, poses, derivatives)
            of_images = scan.adjoint(lines) + prior * images + hessian.product(images)
            return [of_images, to_poses(lines) + self.pose_precision @ poses]

        solve_poses = self._pose_solver(derivatives, scan)
        of_images = np.float32(1 / (1 + prior + hessian.mean_diagonal))

        def precondition(residuals: list[np.ndarray]) -> list[np.ndarray]:
            return [of_images * residuals[0], solve_poses(residuals[1])]

        descent = [
            self._image_descent(scan, state.images, state.residual),
            to_poses(state.residual) - self.pose_precision @ state.poses_mm,
        ]
        images, poses = _solved(product, descent, self.settings.n_cg_joint, precondition)
        return images, poses

    def _pose_solver(
        self, derivatives: np.ndarray, scan: SearchedScan
    ) -> Callable[[LinePoses], LinePoses]:
        """Solver of Newton's equations for the poses alone, with the images fixed."""
        n_lines, n_dof = self.grid.n_lines, self.grid.n_dof
        matrix = np.zeros((n_lines, n_dof, n_lines, n_dof))
        each = np.arange(n_lines)
        for i in range(n_dof):
            seen = derivatives[i] * scan.within_band
            for j in range(n_dof):
                matrix[each, i, each, j] += scan.of_lines(seen, derivatives[j])
            matrix[:, i, :, i] += self.pose_precision
        flat = matrix.reshape(n_lines * n_dof, -1)
        flat += 1e-9 * np.trace(flat) / len(flat) * np.eye(len(flat))
        factor = scipy.linalg.cho_factor(flat)
        return lambda poses: scipy.linalg.cho_solve(factor, poses.ravel()).reshape(poses.shape)


def _axis_weights(grid: ScanGrid, weight: float) -> tuple[float, ...]:
    """Of the regulariser along each axis: of a volume, as if its voxels were cubes."""
    finest = min(grid.pixel_mm)
    if len(grid.shape) == 2:
        return weight, weight
    return tuple(weight * finest / size for size in grid.pixel_mm)


def _solved(
    product: Callable[[list[np.ndarray]], list[np.ndarray]],
    right: list[np.ndarray],
    n_steps: int,
    precondition: Callable[[list[np.ndarray]], list[np.ndarray]] = list,
) -> list[np.ndarray]:
    """Solution of linear equations in several arrays, after so many steps from zero."""
    return conjugate_gradients(
        *(product, [np.zeros_like(one) for one in right], right, SeveralArrays()),
        n_steps=n_steps,
        is_solved=lambda squared: squared <= 0,
        precondition=precondition,
    ).unknowns
