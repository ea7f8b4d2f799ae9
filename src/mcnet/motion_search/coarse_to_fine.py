"""The motion of slices, found from their k-space: from coarse to fine.

`mcnet.motion_search.joint` says what is minimised. Here is how the right minimum is come by: the
centre of k-space is explained first; there no pose is a whole cycle wrong. Each finer resolution
starts from the images and poses of the one before, new lines from the pose of their neighbour, and
detail from the first images.

A shift along the lines' axis enters line ``k`` as a phase, so that it is known but for multiples of
``1 / k``. Which one does not matter to the image; `continued` tells poses so that they go on
smoothly.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Complex64, Float, Float32

from mcnet.fourier import centred_fft, centred_ifft
from mcnet.motion_search.batched_scan import Images, Kspace
from mcnet.motion_search.joint import JointProblem, JointSettings, State
from mcnet.progress import OnProgress
from mcnet.simulation.acquisition import Acquisition
from mcnet.simulation.alignment import alignment_weights
from mcnet.simulation.in_plane import Poses, SliceGrid, centred_poses

_PLANE = (-2, -1)
_SMALLEST = 16
"""Lines of the coarsest resolution, at least."""
_UNEXPLAINED = 1e-3
"""Poses and images are held back by this over the squared size of their own changes: what of the
k-space no images and poses explain (tuned on scans of people that no table here is made of)."""
_UNCERTAIN_IMAGE = 1e-6
"""The same for the images' distance from the first ones: the nearer, the more these are kept."""
_SHARE_OF_STEPS = 0.125
"""At either end of k-space, lines whose poses are too uncertain to tell the size of steps."""
_FIXED_LINES = 4
"""Next to the centre, where ``1 / k`` is so far that shifts are told as they were found."""


@dataclass(frozen=True)
class SearchSettings:
    """How the motion is searched for."""

    shares: tuple[float, ...] = (0.375, 0.625, 1.0)
    """Of the lines and samples, about the centre of k-space, that each resolution has."""
    n_steps: tuple[int, ...] = (20, 15, 20)
    """Steps of each resolution, at most."""
    polish: tuple[float, ...] = (3e-3, 1e-3)
    """Weights of the total variation with which the search then goes on, and..."""
    n_polish_steps: int = 12
    """...steps with each, at most: the less weight, the less bias, but the wider the valleys."""
    joint: JointSettings = field(default_factory=JointSettings)

    @property
    def n_all_steps(self) -> int:
        """Steps in all, at most."""
        return sum(self.n_steps) + len(self.polish) * self.n_polish_steps


def continued(poses: Poses, grid: SliceGrid) -> Poses:
    """The same motion with shifts along the lines' axis that go on from line to line, outward.

    Of the shifts that a line allows, ``1 / k`` apart, the nearest to those of the lines before.
    """
    found, centre = poses.copy(), grid.n_lines // 2
    shifts = found[:, 1 + grid.line_axis]
    k = grid.frequencies(grid.line_axis)
    for towards in (1, -1):
        line = centre + towards * _FIXED_LINES
        while 0 <= line < grid.n_lines:
            before = float(np.median([shifts[line - towards * step] for step in (1, 2, 3)]))
            shifts[line] += np.round((before - shifts[line]) * k[line]) / k[line]
            line += towards
    return found


def in_place(poses: Poses, images: Images, grid: SliceGrid) -> Poses:
    """Poses measured from their mean, lines weighted by the k-space that they move.

    So the head lies where the scan shows it: what moves all of it is not motion.
    """
    (rows, columns), (row_mm, column_mm) = grid.shape, grid.pixel_mm
    lines = Acquisition((2, rows, columns), (2.0, rows * row_mm, columns * column_mm), grid.axis)
    return centred_poses(poses, alignment_weights(images, lines))


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
        grid: SliceGrid,
        first: Images,
        settings: SearchSettings,
        pool: ThreadPoolExecutor,
        on_progress: OnProgress | None = None,
        n_further_steps: int = 0,
    ) -> None:
        self.grid, self.first = grid, first
        self.settings, self.pool, self._tell = settings, pool, on_progress
        self.joint = settings.joint
        self._n_done, self._n_total = 0, settings.n_all_steps + n_further_steps

    def to_full_resolution(self, kspace: Kspace) -> State:
        """State that explains all of the k-space."""
        images, first_before, poses_mm = None, None, np.zeros((0, 3))
        for share, n_steps in zip(self.settings.shares, self.settings.n_steps, strict=True):
            grid = coarser(self.grid, share)
            first = resampled(self.first, grid.shape)
            if images is None or first_before is None:
                images, poses_mm = first, np.zeros((grid.n_lines, 3))
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
        for weight in self.settings.polish:
            self.joint = replace(self._fitted(state), variation=weight)
            problem = self.problem(state.wanted, self.grid, self.first)
            again = problem.state(state.images, state.poses_mm)
            state = self.minimised(problem, again, self.settings.n_polish_steps)
        return state

    def _fitted(self, state: State) -> JointSettings:
        first = round(_SHARE_OF_STEPS * len(state.poses_mm))
        steps = np.diff(state.poses_mm[first : len(state.poses_mm) - first], axis=0)
        squared = max(float((steps**2).sum(axis=1).mean()), 1e-4)
        apart = max(float(((state.images - self.first) ** 2).mean()), 1e-8)
        usual = self.settings.joint
        return replace(
            usual,
            stiffness=max(usual.stiffness, _UNEXPLAINED / squared),
            anchor=max(usual.anchor, _UNCERTAIN_IMAGE / apart),
        )

    def problem(self, kspace: Kspace, grid: SliceGrid, first: Images) -> JointProblem:
        """The search at one resolution, as it is weighed now."""
        return JointProblem(kspace, grid, first, self.joint, self.pool)

    def minimised(self, problem: JointProblem, state: State, n_steps: int) -> State:
        """State after so many steps, at most; progress is told."""
        done = self._n_done
        self._n_done += n_steps

        def tell(step: int) -> None:
            if self._tell:
                self._tell(done + step, self._n_total)

        state = problem.minimised(state, n_steps, tell)
        tell(n_steps)
        return state


def coarser(grid: SliceGrid, share: float) -> SliceGrid:
    """Grid of the same extent with a share of the pixels along each axis."""
    rows, columns = (max(min(n, _SMALLEST), 2 * round(share * n / 2)) for n in grid.shape)
    if share == 1:
        rows, columns = grid.shape
    row_mm, column_mm = (
        n * size / m for n, size, m in zip(grid.shape, grid.pixel_mm, (rows, columns), strict=True)
    )
    return replace(grid, shape=(rows, columns), pixel_mm=(row_mm, column_mm))


def cropped(kspace: Kspace, shape: tuple[int, int]) -> Complex64[np.ndarray, "n_slices a b"]:
    """Central part of k-space, or k-space with zeros around, of images of the same brightness."""
    result = np.zeros((len(kspace), *shape), np.complex64)
    here, there = [], []
    for n_from, n_to in zip(kspace.shape[1:], shape, strict=True):
        kept = min(n_from, n_to)
        here.append(slice(n_from // 2 - kept // 2, n_from // 2 - kept // 2 + kept))
        there.append(slice(n_to // 2 - kept // 2, n_to // 2 - kept // 2 + kept))
    scale = np.sqrt(np.prod(shape) / np.prod(kspace.shape[1:]))
    result[(slice(None), *there)] = kspace[(slice(None), *here)] * np.float32(scale)
    return result


def resampled(images: Images, shape: tuple[int, int]) -> Float32[np.ndarray, "n_slices a b"]:
    """Images of the same extent with other pixels: their spectrum cropped, or with zeros around."""
    if images.shape[1:] == shape:
        return images
    scale = np.sqrt(np.prod(shape) / np.prod(images.shape[1:]))
    spectra = cropped(centred_fft(images, _PLANE).astype(np.complex64), shape)
    return np.asarray(centred_ifft(spectra, _PLANE).real * scale, np.float32)


def _with_outer_lines(
    poses_mm: Float[np.ndarray, "n_lines 3"], n_lines: int
) -> Float[np.ndarray, "more_lines 3"]:
    before = n_lines // 2 - len(poses_mm) // 2
    after = n_lines - len(poses_mm) - before
    return np.pad(poses_mm, ((before, after), (0, 0)), mode="edge")
