"""The motion of a scan, found from its magnitude: poses with which its slices look still.

With poses of all lines given, `mcnet.simulation.in_plane.still_images` makes the still slices that
would have been scanned as these. A network that corrects tells in which direction still slices
would differ from them; through the derivative of the scan by the poses, that direction becomes one
for each pose. A network alone sees one slice, and guesses; the poses are the same for all slices,
so that what it guesses in each adds up, and anatomy is not drawn but put back.

With poses ``P C``, of cosine waves ``P`` over the lines with amplitudes ``C``, each step is that of
Gauss and Newton for the most probable amplitudes,

``(share H + L) dC = P^T g - L C``

with ``H`` the squared derivative of the scan, ``g`` the network's direction brought to the poses,
``share`` how much of the way to a still image one answer of the network goes, and ``L`` the
inverse variance of the amplitudes in generated motion of the estimated severity. Autofocusing
(Atkinson et al., IEEE TMI 16:903, 1997) with a learned sharpness, and joint estimation of image and
motion (Haskell et al., MRM 82:1452, 2019), without raw data.

What cannot be seen: motion and its mirror image in time (line ``k`` against ``-k``) give nearly the
same magnitude, and only one of them is found; both restore the same image.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import scipy.fft
from jaxtyping import Float, Float32

from mcnet.correction.batches import in_batches
from mcnet.progress import OnProgress
from mcnet.simulation.acquisition import Acquisition
from mcnet.simulation.alignment import alignment_weights
from mcnet.simulation.generators import generate_motion
from mcnet.simulation.in_plane import (
    N_FREEDOMS,
    InPlaneScan,
    Poses,
    SliceGrid,
    centred_poses,
    still_images,
)

Slices = Float32[np.ndarray, "n_slices rows columns"]
Direct = Callable[[Slices], Slices]
"""What a network would add to slices, on their scale."""

_RADIUS_MM = 50.0
"""Turns count as the shift that they make at this distance from the centre."""
_TOGETHER = 5
"""Slices that one thread works on at once."""
_N_GENERATED = 200
"""Generated traces, of which the variances of the waves are taken."""
_SPURIOUS_MM = 0.2
"""Root mean square of the poses that are found where hardly anything moved: what the network takes
for motion. Of training and validation people between .14 and .22 mm."""


@dataclass(frozen=True)
class SearchSettings:
    """How the motion is searched for."""

    n_slices: int = 10
    """Slices that are looked at, spread over the head."""
    n_waves: int = 96
    """Cosine waves over the lines, for each degree of freedom."""
    n_iterations: int = 36
    share: float = 0.1
    """Of the way to a still image, that one answer of the network goes."""
    prior: float = 5e-8
    """Weight of what generated motion is like, beside the slices' energy."""
    damping: float = 0.8
    most_mm: float = 1.0
    """No pose moves farther than this in one iteration."""


@dataclass(frozen=True, eq=False)
class FoundMotion:
    """Poses that a search has found, and how it judged them."""

    grid: SliceGrid
    poses: Poses
    change_before: float
    """Mean absolute change that the network would make, relative to the slices' root mean
    square."""
    change_after: float
    """The same of the slices brought back by the poses."""
    share: float = 1.0
    """Of the poses that were found first, what is left after `believed`."""

    @property
    def as_dict(self) -> dict[str, Any]:
        """What a record says of it."""
        return {
            "phase_encoding_axis": self.grid.axis,
            "rms_mm": self.rms_mm,
            "share_of_found": self.share,
            "change_before": self.change_before,
            "change_after": self.change_after,
        }

    @property
    def rms_mm(self) -> float:
        """Root mean square of the poses from their mean, turns as shifts at 50 mm."""
        apart = (self.poses - self.poses.mean(axis=0)) / _units_mm()
        return float(np.sqrt((apart**2).sum(axis=1).mean()))


def believed(found: FoundMotion) -> FoundMotion | None:
    """What is left of poses when spurious ones are counted out; nothing where there are no others.

    Poses that sharpen what was not blurred are found in every scan, and the network sees no harm
    in them. So all shrink by the share of the variance that these make up (James and Stein 1961):
    slight motion is undone in part or not at all, and severe motion nearly as it was found.
    """
    share = 1 - (_SPURIOUS_MM / max(found.rms_mm, _SPURIOUS_MM)) ** 2
    if share == 0:
        return None
    return replace(found, poses=share * found.poses, share=share)


def find_motion(
    slices: Slices,
    grid: SliceGrid,
    direct: Direct,
    *,
    severity_mm: float,
    settings: SearchSettings = SearchSettings(),
    on_progress: OnProgress | None = None,
) -> FoundMotion:
    """Motion within sagittal slices, one pose a phase-encoding line; the same for the same slices.

    Parameters
    ----------
    slices
        Some of the scan's sagittal slices, of any intensity scale.
    grid
        Their pixels, and the axis along which lines were encoded.
    direct
        The network; called by several threads, with a few slices each.
    severity_mm
        How far the head moved, by estimate: what motion is looked for.
    """
    search = _Search(slices, grid, direct, severity_mm, settings)
    for number in range(settings.n_iterations):
        search.step()
        if on_progress:
            on_progress(number + 1, settings.n_iterations)
    return search.found


class _Search:
    """A search under way."""

    def __init__(
        self,
        slices: Slices,
        grid: SliceGrid,
        direct: Direct,
        severity_mm: float,
        settings: SearchSettings,
    ) -> None:
        self.slices, self.grid, self.direct, self.settings = slices, grid, direct, settings
        n_waves = min(settings.n_waves, grid.n_lines)
        self.waves = _waves(grid.n_lines, n_waves)
        variance = _variance_of_waves(grid.n_lines, n_waves) * severity_mm**2
        self.energy = float((slices.astype(float) ** 2).sum())
        self.precision = settings.prior * self.energy / variance
        self.amplitudes = _first_guess(variance)
        self.images, self.changes = slices.copy(), np.empty_like(slices)
        self.equations: dict[int, tuple[Poses, Float[np.ndarray, "n_lines 3 3"]]] = {}
        in_batches(self._judge, len(slices), _TOGETHER, device="cpu")
        self.first_change = self._relative_change
        self._look(n_steps=4)

    @property
    def poses(self) -> Poses:
        """Of the amplitudes as they are."""
        return np.asarray(self.waves @ self.amplitudes * _units_mm())

    @property
    def found(self) -> FoundMotion:
        """What the search has come to, the head where the scan shows it."""
        rows, columns = self.grid.shape
        row_mm, column_mm = self.grid.pixel_mm
        lines = Acquisition(
            (2, rows, columns), (2.0, rows * row_mm, columns * column_mm), self.grid.axis
        )
        poses = centred_poses(self.poses, alignment_weights(self.slices, lines))
        return FoundMotion(self.grid, poses, self.first_change, self._relative_change)

    def step(self) -> None:
        """Move the poses once, and bring the slices back by them."""
        n = self.amplitudes.size
        parts = [self.equations[start] for start in sorted(self.equations)]
        gradient = -sum(part[0] for part in parts) * _units_mm()
        squared = sum(part[1] for part in parts) * _units_mm()[:, None] * _units_mm()
        of_waves = np.einsum(
            "la,lij,lb->aibj", self.waves, squared, self.waves, optimize=True
        ).reshape(n, n)
        towards = (self.waves.T @ gradient - self.precision * self.amplitudes).ravel()
        matrix = self.settings.share * of_waves + np.diag(self.precision.ravel())
        step = np.linalg.solve(matrix, towards).reshape(self.amplitudes.shape)
        step *= self.settings.damping
        farthest = float(np.abs(self.waves @ step).max())
        self.amplitudes = self.amplitudes + step * min(1.0, self.settings.most_mm / farthest)
        self._look(n_steps=1)

    def _look(self, n_steps: int) -> None:
        """Bring the slices back by the poses as they are, and see what the network makes of them.

        A few slices at once, each batch in one thread: so the result does not depend on how many
        cores there are.
        """
        poses = self.poses

        def look_at_part(part: slice) -> None:
            seen = self.slices[part]
            scan = InPlaneScan(self.grid, len(seen), poses)
            images = still_images(seen, scan, n_steps=n_steps, start=self.images[part])
            self.images[part] = images
            self._judge(part)
            self.equations[part.start] = scan.normal_equations(images, self.changes[part])

        in_batches(look_at_part, len(self.slices), _TOGETHER, device="cpu")

    def _judge(self, part: slice) -> None:
        self.changes[part] = self.direct(self.images[part])

    @property
    def _relative_change(self) -> float:
        return float(np.abs(self.changes).mean() / np.sqrt(self.energy / self.changes.size))


def _units_mm() -> Float[np.ndarray, "3"]:
    """What 1 mm is of each degree of freedom: of turns, in radians, at the radius."""
    return np.array([1 / _RADIUS_MM, 1.0, 1.0])


def _waves(n_lines: int, n_waves: int) -> Float[np.ndarray, "n_lines n_waves"]:
    """Cosine waves (DCT-II), orthonormal."""
    return np.asarray(scipy.fft.dct(np.eye(n_lines), axis=0, norm="ortho")[:n_waves].T)


@cache
def _variance_of_waves(n_lines: int, n_waves: int) -> Float[np.ndarray, "n_waves 3"]:
    """Variance of the amplitudes in generated motion of 1 mm in all, a power law in the wave.

    Lines are taken to be acquired in sequence; the median person counts, since a few restless ones
    would hold most of the mean.
    """
    rng = np.random.default_rng(0)
    waves, squares = _waves(n_lines, n_waves), []
    for _ in range(_N_GENERATED):
        motion = generate_motion(max(n_lines, 2), rng)
        turn = np.radians(motion.rotation_deg[:, :1])
        of_time = np.column_stack([turn, motion.translation_mm[:, 1:]]) / _units_mm()
        of_time -= of_time.mean(axis=0)
        of_time /= np.sqrt((of_time**2).sum(axis=1).mean())
        squares.append((waves.T @ of_time) ** 2)
    median = np.median(squares, axis=0)
    number = np.arange(1, n_waves)
    fitted = np.empty((n_waves, N_FREEDOMS))
    for freedom in range(N_FREEDOMS):
        law = np.polyfit(np.log(number), np.log(median[1:, freedom]), 2)
        fitted[1:, freedom] = np.exp(np.polyval(law, np.log(number)))
    fitted[0] = fitted[1]  # the mean pose is free to differ a little
    return fitted


def _first_guess(variance: Float[np.ndarray, "n_waves 3"]) -> Float[np.ndarray, "n_waves 3"]:
    """Amplitudes to start from: small, but not zero.

    At zero, motion and its mirror image in time are equally good, and nothing leads away.
    """
    rng = np.random.default_rng(0)
    guess = 0.3 * np.sqrt(variance) * rng.standard_normal(variance.shape)
    guess[6:] = 0
    return np.asarray(guess)
