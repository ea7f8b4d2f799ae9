"""The motion of a scan, found from its k-space: poses with which real, sharp images explain it.

`mcnet.reconstruction.joint` says what is minimised. Here is how the right minimum is come by: from
coarse to fine. The centre of k-space is explained first; there no pose is a whole cycle wrong.
Each finer resolution starts from the images and poses of the one before, new lines from the
pose of their neighbour, and detail from the image of a network.

Several coils are first combined into one image's k-space, by their maps. That mixes neighbouring
lines a little, which have other poses. What the exact operator of coils says to be missing is then
added to the combined k-space, and the search goes on: where nothing is missing any more, the poses
explain every coil.

A shift along the lines' axis enters line ``k`` as a phase, so that it is known but for multiples of
``1 / k``. Which one does not matter to the image; poses are told so that they go on smoothly.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from os import cpu_count

import numpy as np
from jaxtyping import Complex64, Float, Float32

from mcnet.fourier import centred_fft, centred_ifft
from mcnet.progress import OnProgress
from mcnet.reconstruction.joint import UNITS, Images, JointProblem, JointSettings, Kspace, State
from mcnet.reconstruction.operator import CoilScan
from mcnet.simulation.in_plane import Poses, SliceGrid

CoilKspace = Complex64[np.ndarray, "n_coils n_slices rows columns"]
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
    n_coil_rounds: int = 3
    """How often what several coils miss is added, after the first search."""
    n_round_steps: int = 8
    """Steps after each of these, at most."""
    joint: JointSettings = field(default_factory=JointSettings)


@dataclass(frozen=True, eq=False)
class FoundMotion:
    """Poses that a search has found, and the images that go with them."""

    poses: Poses
    """Of the lines, by their place in k-space."""
    images: Images
    """On the scale of the first images, sharpened by the total variation that the search wants
    small: a start for `mcnet.reconstruction.known_motion.still_head`."""
    value: float
    """What was minimised, for images whose brightest is about 1."""


def find_motion(
    kspace: CoilKspace,
    maps: CoilKspace,
    grid: SliceGrid,
    first: Images,
    *,
    settings: SearchSettings | None = None,
    on_progress: OnProgress | None = None,
) -> FoundMotion:
    """Poses within the plane, one a line, that all slices share; the same for the same k-space.

    Parameters
    ----------
    kspace
        Divided by the root of the number of samples.
    maps
        Of the coils, in place; they carry the phase, so that images are real. Their root of sum of
        squares is 1.
    first
        What a network makes of the slices, or the slices as they are; on the scale of ``kspace``.
    """
    settings = settings or SearchSettings()
    scale = np.float32(np.percentile(first, 99.9)) or np.float32(1)
    kspace, first = kspace / scale, (first / scale).astype(np.float32)
    with ThreadPoolExecutor(cpu_count()) as pool:
        search = _Search(maps, grid, first, settings, pool, on_progress)
        state = search.from_coarse_to_fine(combined(kspace, maps))
        state = search.polished(state)
        if len(maps) > 1:
            state = search.with_all_coils(state, kspace)
    poses = continued(state.poses_mm * UNITS, grid)
    return FoundMotion(poses, state.images * scale, state.value)


def combined(kspace: CoilKspace, maps: CoilKspace) -> Kspace:
    """K-space of the one image that the coils see together."""
    images = centred_ifft(kspace, _PLANE) * maps.conj()
    return np.asarray(centred_fft(images.sum(axis=0), _PLANE), np.complex64)


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


class _Search:
    """A search under way."""

    def __init__(
        self,
        maps: CoilKspace,
        grid: SliceGrid,
        first: Images,
        settings: SearchSettings,
        pool: ThreadPoolExecutor,
        on_progress: OnProgress | None,
    ) -> None:
        self.maps, self.grid, self.first = maps, grid, first
        self.settings, self.pool, self._tell = settings, pool, on_progress
        self.joint = settings.joint
        self._n_done = 0
        rounds = settings.n_coil_rounds if len(maps) > 1 else 0
        self._n_total = sum(settings.n_steps) + rounds * settings.n_round_steps
        self._n_total += len(settings.polish) * settings.n_polish_steps

    def from_coarse_to_fine(self, kspace: Kspace) -> State:
        """State at the full resolution."""
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
            problem = self._problem(cropped(kspace, grid.shape), grid, first)
            state = self._minimised(problem, problem.state(images, poses_mm), n_steps)
            images, poses_mm, first_before = state.images, state.poses_mm, first
        return state

    def polished(self, state: State) -> State:
        """State with less bias: less total variation, and what holds back fitted to what was found.

        As in empirical Bayes: motion of small steps is held back more, and so are images that are
        hardly different from the first ones.
        """
        for weight in self.settings.polish:
            self.joint = replace(self._fitted(state), variation=weight)
            problem = self._problem(state.wanted, self.grid, self.first)
            again = problem.state(state.images, state.poses_mm)
            state = self._minimised(problem, again, self.settings.n_polish_steps)
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

    def with_all_coils(self, state: State, kspace: CoilKspace) -> State:
        """State that explains every coil by itself."""
        for _ in range(self.settings.n_coil_rounds):
            exact = CoilScan(self.grid, self.maps, state.poses_mm * UNITS)
            missing = combined(kspace - exact.kspace(state.images), self.maps)
            wanted = state.scan.kspace(state.images) + missing
            problem = self._problem(wanted, self.grid, self.first)
            again = problem.state(state.images, state.poses_mm)
            state = self._minimised(problem, again, self.settings.n_round_steps)
        return state

    def _problem(self, kspace: Kspace, grid: SliceGrid, first: Images) -> JointProblem:
        return JointProblem(kspace, grid, first, self.joint, self.pool)

    def _minimised(self, problem: JointProblem, state: State, n_steps: int) -> State:
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
