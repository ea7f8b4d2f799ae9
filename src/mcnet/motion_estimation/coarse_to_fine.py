"""Multi-resolution joint estimation of the motion and the images of slices, or of a volume.

`mcnet.motion_estimation.joint` states the objective. To reach the right minimum, the centre of
k-space is explained first, where no pose is a whole cycle wrong. Each finer resolution starts from
the images and poses of the one before, new lines from the pose of their neighbour, and detail from
the first images.

A translation along the lines' axis enters line ``k`` as a phase, so that it is known but for
multiples of ``1 / k``. Which one does not matter to the image; `continued` tells poses so that they
go on smoothly.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from mcnet.core.progress import OnProgress, Progress
from mcnet.motion_estimation.joint import Images, JointProblem, JointSettings, Kspace, State
from mcnet.motion_estimation.resolutions import Shares, VoxelSizes, cropped, resampled
from mcnet.physics.alignment import line_weights
from mcnet.physics.line_poses import LinePoses, relative_to_mean
from mcnet.physics.operators import ScanGrid

# tuned, by a script that was not kept; neighbours: experiments/tuning/joint_search.py
_UNEXPLAINED = 1e-3
"""Poses and images are held back by this over the squared size of their own changes: what of the
k-space no images and poses explain (tuned on scans of subjects that no table here is made of)."""
# tuned, by a script that was not kept; neighbours: experiments/tuning/joint_search.py
_UNCERTAIN_IMAGE = 1e-6
"""The same for the images' distance from the first ones: the nearer, the more these are kept."""
_SHARE_OF_STEPS = 0.125
"""At either end of k-space, lines whose poses are too uncertain to tell the size of steps."""
_FIXED_LINES = 4
"""Next to the centre, where ``1 / k`` is so large that translations stay as they were found."""


@dataclass(frozen=True)
class PolishStage:
    """Regulariser of one stage after the search at full resolution.

    The less weight, the less bias, but the flatter the objective about its minimum; the less
    epsilon, the less bias too, but the narrower the valley in which steps lower the objective.
    """

    regulariser_weight: float
    """As that of `JointSettings`."""
    regulariser_epsilon: float
    """As that of `JointSettings`."""


@dataclass(frozen=True)
class SearchSettings:
    """How the motion is searched for."""

    resolutions: Shares | VoxelSizes = field(default_factory=Shares)
    """From coarse to fine."""
    n_steps: tuple[int, ...] = (20, 15, 20)
    """Steps of each resolution, at most."""
    polish: tuple[PolishStage, ...] = (PolishStage(3e-3, 0.02), PolishStage(1e-3, 0.02))
    """Stages at full resolution in which the search then goes on, and..."""
    n_polish_steps: int = 12
    """...steps of each, at most."""
    joint: JointSettings = field(default_factory=JointSettings)

    @property
    def n_all_steps(self) -> int:
        """Steps in all, at most."""
        return sum(self.n_steps) + len(self.polish) * self.n_polish_steps


OF_VOLUMES = SearchSettings(
    resolutions=VoxelSizes(),
    n_steps=(20, 15, 10, 10, 10, 8, 8, 8, 2),
    polish=(PolishStage(0.01, 0.002),),
    n_polish_steps=7,
    joint=JointSettings(n_cg_joint=8, n_cg_images=2),
)
"""Of a volume with six degrees of freedom: less of each, since each costs more."""


def continued(poses: LinePoses, grid: ScanGrid) -> LinePoses:
    """The same motion, its translation along the lines' axis continued from line to line, outward.

    Of those that a line allows, ``1 / k`` apart, the nearest to those of the lines before.
    """
    found, centre = poses.copy(), grid.n_lines // 2
    translations = found[:, grid.translation_along_lines]
    k = grid.frequencies(grid.line_axis)
    for towards in (1, -1):
        line = centre + towards * _FIXED_LINES
        while 0 <= line < grid.n_lines:
            before = float(np.median([translations[line - towards * step] for step in (1, 2, 3)]))
            translations[line] += np.round((before - translations[line]) * k[line]) / k[line]
            line += towards
    return found


def in_place(poses: LinePoses, images: Images, grid: ScanGrid) -> LinePoses:
    """Poses measured from their mean, lines weighted by the k-space that they move.

    So the head lies where the scan shows it: what moves all of it is not motion.
    """
    return relative_to_mean(poses, line_weights(images, grid))


class CoarseToFine:
    """A search under way.

    Parameters
    ----------
    first
        Images to start from and to stay near to; the brightest is about 1, here and in k-space,
        which is divided by the root of the number of samples.
    n_further_steps
        Steps that the caller will add, for the progress.
    """

    def __init__(
        self,
        grid: ScanGrid,
        first: Images,
        settings: SearchSettings,
        pool: ThreadPoolExecutor,
        on_progress: OnProgress | None = None,
        n_further_steps: int = 0,
    ) -> None:
        self.grid, self.first = grid, first
        self.settings, self.pool, self._progress = settings, pool, Progress(on_progress)
        self.joint = settings.joint
        self._n_done, self._n_total = 0, settings.n_all_steps + n_further_steps

    def to_full_resolution(self, kspace: Kspace) -> State:
        """State that explains all of the k-space."""
        images, first_before, poses_mm = None, None, np.zeros((0, self.grid.n_dof))
        grids = self.settings.resolutions.grids(self.grid)
        for grid, n_steps in zip(grids, self.settings.n_steps, strict=True):
            if images is not None and images.shape[1:] == grid.shape:
                self._n_done += n_steps
                continue
            first = resampled(self.first, grid.shape)
            if images is None or first_before is None:
                images, poses_mm = first, grid.still_poses()
            else:
                # what is finer than the resolution before comes from the first images
                finer = first - resampled(first_before, grid.shape)
                images = resampled(images, grid.shape) + finer
                poses_mm = _with_outer_lines(poses_mm, grid.n_lines)
            problem = self.problem(cropped(kspace, grid.shape), grid, first)
            state = self.minimised(problem, problem.state(images, poses_mm), n_steps)
            images, poses_mm, first_before = state.images, state.poses_mm, first
        return state

    def polished(self, state: State) -> State:
        """State with less bias: less total variation, and what holds back fitted to what was found.

        As in empirical Bayes: motion of small steps is held back more, and so are images that are
        hardly different from the first ones.
        """
        for stage in self.settings.polish:
            self.joint = replace(
                self._fitted(state),
                regulariser_weight=stage.regulariser_weight,
                regulariser_epsilon=stage.regulariser_epsilon,
            )
            problem = self.problem(state.target, self.grid, self.first)
            again = problem.state(state.images, state.poses_mm)
            state = self.minimised(problem, again, self.settings.n_polish_steps)
        return state

    def _fitted(self, state: State) -> JointSettings:
        first = round(_SHARE_OF_STEPS * len(state.poses_mm))
        steps = np.diff(state.poses_mm[first : len(state.poses_mm) - first], axis=0)
        squared = max(float((steps**2).sum(axis=1).mean()), 1e-4)
        apart = max(float(((state.images - self.first) ** 2).mean()), 1e-8)
        given = self.settings.joint
        return replace(
            given,
            pose_smoothness=max(given.pose_smoothness, _UNEXPLAINED / squared),
            image_prior_weight=max(given.image_prior_weight, _UNCERTAIN_IMAGE / apart),
        )

    def problem(self, kspace: Kspace, grid: ScanGrid, first: Images) -> JointProblem:
        """The search at one resolution, as it is weighed now."""
        return JointProblem(kspace, grid, first, self.joint, self.pool)

    def minimised(self, problem: JointProblem, state: State, n_steps: int) -> State:
        """State after so many steps, at most; progress is told."""
        progress = self._progress.steps(self._n_done, self._n_total)
        self._n_done += n_steps
        state = problem.minimised(state, n_steps, lambda step: progress(step, n_steps))
        progress(n_steps, n_steps)
        return state


def _with_outer_lines(poses_mm: LinePoses, n_lines: int) -> Float[np.ndarray, "more_lines n_dof"]:
    before = n_lines // 2 - len(poses_mm) // 2
    after = n_lines - len(poses_mm) - before
    return np.pad(poses_mm, ((before, after), (0, 0)), mode="edge")
