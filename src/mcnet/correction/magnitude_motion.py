"""The motion of a scan, found from its magnitudes: poses of all lines with which slices look still.

The Fourier transform of the magnitudes stands for the k-space that was not kept, and
`mcnet.motion_estimation` finds poses and still slices of little total variation that explain it.
That is not exact: a magnitude has lost how the poses of line ``k`` and line ``-k`` differ, and of
the motion the mean of both remains. For slight motion that is what the image shows; of severe
motion it is the smaller part. With the poses, `mcnet.physics.in_plane.still_images` makes still
slices out of the scan's own: anatomy is put back, not drawn.

Of severe motion a search undoes some, and another one, of the slices it leaves, some more. The
more was found, the less reliable the magnitudes are as measurements, and the more weight has
the total variation.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float32

from mcnet.core.engine import n_threads_at_most
from mcnet.core.progress import OnProgress, Progress
from mcnet.motion_estimation.coarse_to_fine import CoarseToFine, SearchSettings, continued, in_place
from mcnet.motion_estimation.joint import JointSettings, State
from mcnet.motion_estimation.mirrored import MirroredScan
from mcnet.physics.fourier import centred_fft
from mcnet.physics.in_plane import SliceGrid, still_images
from mcnet.physics.line_poses import InPlanePoses, from_mm, in_mm

Slices = Float32[np.ndarray, "n_slices rows columns"]

SEARCH = SearchSettings(n_steps=(20, 15, 8), polish=(), joint=JointSettings(mirrored=True))
"""No polish with less total variation, as raw k-space has it: with magnitudes it leads away."""
# tuned, by a script that was not kept; neighbours: experiments/tuning/magnitude_search.py
N_SEARCHED = 12
"""Slices of a scan in which motion is looked for, spread over the head: enough, and quick."""
# tuned, by a script that was not kept; neighbours: experiments/tuning/magnitude_search.py
_ANOTHER_FROM_MM = (0.2, 0.5)
"""Root mean square of the poses that a round of the search finds, from which on another follows,
of half as many steps; after the first round, and after the second."""
# tuned, by a script that was not kept; neighbours: experiments/tuning/magnitude_search.py
_SEVERE_FOUND_MM = (0.3, 0.4)
"""What the rounds so far have found, where the weight of the total variation begins to grow, and
where it is..."""
# tuned, by a script that was not kept; neighbours: experiments/tuning/magnitude_search.py
_SEVERE_SEEN_MM = (1.0, 1.5)
"""...as for the severity that was seen before the search..."""
# tuned, by a script that was not kept; neighbours: experiments/tuning/magnitude_search.py
_SEVERE_VARIATION = 4.0
"""...so many times as great."""
# tuned, by a script that was not kept; neighbours: experiments/tuning/certain_motion.py
_SAVED = (0.0055, 0.0095)
"""Share of what is minimised that poses save: of five still scans .0034 to .0051, and .0094 to
.0167 where a quarter of a millimetre had moved (validation and training subjects). Up to the first,
poses are spurious; from the second on, motion is certain."""
# tuned, by a script that was not kept; neighbours: experiments/tuning/certain_motion.py
_SPURIOUS_PIXELS = 0.06
"""Root mean square of the poses that are found where nothing moved, in pixels: of seven subjects,
in pixels of 1 to 2 mm, between .02 and .1 (validation and training subjects)."""
# tuned, by a script that was not kept; neighbours: experiments/tuning/certain_motion.py
_CERTAIN_PIXELS = 0.15
"""From so many pixels on it is motion for certain, whatever they save; of severe motion it is
little."""
_N_FOLLOWING = 10
"""Conjugate gradients of the images alone, to tell what is minimised were nothing to move."""
# tuned, by a script that was not kept; neighbours: experiments/tuning/magnitude_search.py
_N_BACK = 2
"""Steps of each round towards the still image."""


@dataclass(frozen=True, eq=False)
class FoundMotion:
    """Poses that a search has found, in rounds."""

    grid: SliceGrid
    rounds: tuple[InPlanePoses, ...]
    """Of each search, that of the slices left by the one before; measured from their mean, so that
    the head stays where the scan shows it."""
    saved: float
    """Share of what is minimised that poses save, in the first round."""
    share: float = 1.0
    """Of the poses that were found first, what is left after `accepted`."""
    is_certain: bool = False
    """Whether far more was found than in still scans; `accepted` tells."""

    @property
    def poses(self) -> InPlanePoses:
        """Poses of all rounds together, to first order."""
        return np.asarray(np.sum(self.rounds, axis=0))

    @property
    def rms_mm(self) -> float:
        """Root mean square of the poses from their mean, turns as shifts at 50 mm."""
        return rms_mm(self.poses)

    @property
    def as_dict(self) -> dict[str, Any]:
        """What a record says of it."""
        return {
            "phase_encoding_axis": self.grid.axis,
            "rounds": len(self.rounds),
            "rms_mm": self.rms_mm,
            "saved": self.saved,
            "share_of_found": self.share,
            "is_certain": self.is_certain,
        }

    def undone(self, slices: Slices) -> Slices:
        """Slices, at the pixels of the search, with this motion undone."""
        for poses in self.rounds:
            scan = MirroredScan(self.grid, len(slices), poses)
            slices = still_images(np.maximum(slices, 0), scan, n_steps=_N_BACK)
        return slices


def rms_mm(poses: InPlanePoses) -> float:
    """Root mean square of poses from their mean, turns as shifts at 50 mm."""
    apart = in_mm(poses - poses.mean(axis=0))
    return float(np.sqrt((apart**2).sum(axis=1).mean()))


def accepted(found: FoundMotion) -> FoundMotion | None:
    """What is left of poses when spurious ones are counted out; nothing where there are no others.

    Poses that sharpen what was not blurred are found in every scan. So all shrink by the share of
    the variance that these make up (James and Stein 1961), unless by what they save it is more
    certain that they are others.
    """
    pixels = found.rms_mm / float(np.mean(found.grid.pixel_mm))
    share = 1 - (_SPURIOUS_PIXELS / max(pixels, _SPURIOUS_PIXELS)) ** 2
    share = max(share, float(np.interp(found.saved, _SAVED, (0, 1))))
    if share == 0:
        return None
    return replace(
        found,
        rounds=tuple(share * poses for poses in found.rounds),
        share=share,
        is_certain=found.saved >= _SAVED[1] or pixels >= _CERTAIN_PIXELS,
    )


def find_motion(
    slices: Slices,
    grid: SliceGrid,
    *,
    seen_mm: float = 0.0,
    settings: SearchSettings = SEARCH,
    on_progress: OnProgress | None = None,
) -> FoundMotion:
    """Motion within sagittal slices, one pose a phase-encoding line; the same for the same slices.

    Parameters
    ----------
    slices
        Some of the scan's sagittal slices, of any intensity scale.
    grid
        Their pixels, and the axis along which lines were encoded.
    seen_mm
        Severity of the motion, as it was estimated before.
    settings
        Of the first round.
    on_progress
        Told of the steps, of `n_steps_at_most`.
    """
    scale = np.percentile(slices, 99.9) or 1
    still = np.maximum(slices / scale, 0).astype(np.float32)
    progress, n_done, n_total = Progress(on_progress), 0, n_steps_at_most(settings)
    found = FoundMotion(grid, (), 0.0)
    with ThreadPoolExecutor(n_threads_at_most()) as pool:
        for one, another_from_mm in zip(
            _rounds(settings), (*_ANOTHER_FROM_MM, np.inf), strict=True
        ):
            of_round = replace(one, joint=_weighed(one.joint, found, seen_mm))
            search = CoarseToFine(grid, still, of_round, pool, progress.steps(n_done, n_total))
            state = _searched(search)
            if not found.rounds:
                found = replace(found, saved=_share_saved(search, state))
            poses = in_place(continued(from_mm(state.poses_mm), grid), still, grid)
            found = replace(found, rounds=(*found.rounds, poses))
            n_done += one.n_all_steps
            if rms_mm(poses) < another_from_mm:
                break
            still = replace(found, rounds=(poses,)).undone(still)
    progress(n_total, n_total)
    return found


def n_steps_at_most(settings: SearchSettings = SEARCH) -> int:
    """Steps of all rounds together, at most."""
    return sum(one.n_all_steps for one in _rounds(settings))


def _rounds(settings: SearchSettings) -> Sequence[SearchSettings]:
    """Settings of each round, at most."""
    shorter = replace(settings, n_steps=tuple(-(-n // 2) for n in settings.n_steps))
    return settings, *(shorter for _ in _ANOTHER_FROM_MM)


def _weighed(joint: JointSettings, found: FoundMotion, seen_mm: float) -> JointSettings:
    """With more total variation the more has moved, after the first round."""
    if not found.rounds:
        return joint
    more = max(
        np.interp(found.rms_mm, _SEVERE_FOUND_MM, (0, 1)),
        np.interp(seen_mm, _SEVERE_SEEN_MM, (0, 1)),
    )
    return replace(
        joint, regulariser_weight=float(joint.regulariser_weight * _SEVERE_VARIATION**more)
    )


def _searched(search: CoarseToFine) -> State:
    """Poses and still slices that explain the Fourier transform of the magnitudes."""
    kspace = centred_fft(search.first, (-2, -1)) / np.sqrt(np.prod(search.grid.shape))
    return search.polished(search.to_full_resolution(kspace.astype(np.complex64)))


def _share_saved(search: CoarseToFine, state: State) -> float:
    """Share of what is minimised that the poses save."""
    problem = search.problem(state.target, search.grid, search.first)
    rest = problem.state(search.first, 0 * state.poses_mm, n_cg_images=_N_FOLLOWING)
    return 1 - state.objective / rest.objective
