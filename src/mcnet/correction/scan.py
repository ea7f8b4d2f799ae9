"""A corrected scan from a corrupted one, on its own grid and intensity scale."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Protocol, runtime_checkable

import numpy as np

from mcnet.core.progress import OnProgress, Progress
from mcnet.correction.magnitude_motion import (
    N_SEARCHED,
    FoundMotion,
    accepted,
    find_motion,
    n_steps_at_most,
)
from mcnet.correction.models import Model
from mcnet.correction.network_pass import NetworkPass, changes_of
from mcnet.correction.options import AS_USUAL, CorrectionOptions
from mcnet.correction.outcome import Assessment, CorrectedScan, LeftBecause
from mcnet.correction.sampling import SliceSampling, is_too_coarse, sampling_for
from mcnet.correction.searchable import searched_grid, unsearched_warnings
from mcnet.correction.slices import ready_network
from mcnet.correction.suited import fit_warnings
from mcnet.datasets.head_slices import input_scale, spread_slices
from mcnet.io.volume import Volume
from mcnet.physics.in_plane import SliceGrid

_log = logging.getLogger(__name__)
# tuned, by a script that was not kept; neighbours: experiments/tuning/network_gain.py
_NETWORK_FOUND_MM = (0.1, 0.3)
"""Of motion found: below the first the network is not asked, from the second on as its gain says.
What slight motion leaves after a search is less than what the network does to a still slice; of
severe motion much is left (validation subjects)."""
# tuned, by a script that was not kept; neighbours: experiments/tuning/network_gain.py
_NETWORK_SEEN_MM = (0.6, 1.0)
"""The same of the severity estimate: of some severe motion a search finds little."""


@runtime_checkable
class SeverityEstimator(Protocol):
    """What estimates the severity of motion from a scan alone."""

    @property
    def about(self) -> Mapping[str, str]:
        """What records say of it: its name, and the SHA-256 of its weights."""
        ...

    def assess(self, volume: Volume) -> Assessment:
        """How far the head moved, and how the scan differs from the training data."""
        ...


def correct_scan(
    scan: Volume,
    model: Model,
    *,
    severity_estimator: SeverityEstimator,
    options: CorrectionOptions = AS_USUAL,
    on_progress: OnProgress | None = None,
) -> CorrectedScan:
    """Return a scan before and after correction, and what is known of both.

    What undoes the motion that was found, and what the network would add then, times the gain that
    the model card states for the severity that is left, are added to the scan's own voxels:
    nothing is lost where nothing is corrected, whatever the voxel size. The result keeps between
    zero (or the scan's least value, if that is below) and the scan's greatest value, so that the
    file's data type can hold it.

    Parameters
    ----------
    on_progress
        Told of the iterations of a search and the slices done.

    Raises
    ------
    McnetError
        The device is not there, or the scan is so dark that it has no intensity scale.
    """
    network = ready_network(model.network, options.device)
    assessed = severity_estimator.assess(scan)
    rows, columns = scan.values.shape[1:]
    sampling = sampling_for((rows, columns), scan.voxel_size_mm[1:], model.trained_pixel_mm)
    grid = searched_grid(sampling, options)
    _log.info(
        "%s: %.2f mm of motion by estimate, %s on device %s",
        *(scan.name, assessed.severity.mm),
        *("searched for motion" if grid else "not searched for motion", options.device),
    )
    warnings = (*assessed.warnings, *unsearched_warnings(sampling, options))

    left = partial(
        CorrectedScan,
        before=scan,
        after=scan,
        assessment_before=assessed,
        assessment_after=assessed,
        warnings=(*warnings, *_left_warnings(options)),
        uncertainty=None,
        motion=None,
        model=model.about,
    )
    because = None if grid else _left_without_search(assessed, sampling, model)
    if because is not None and not options.force:
        return left(left_because=because)
    way = NetworkPass(network, scan, sampling, input_scale(scan.values), options)
    n_search = n_steps_at_most() if grid else 0
    progress, n_total = Progress(on_progress), n_search + len(scan.values)
    motion = None
    if grid:
        motion = _motion(grid, way, assessed.severity.mm, progress.steps(0, n_total))
        because = _left_after_search(assessed, motion)
        if because is not None and not options.force:
            return left(left_because=because)
    gain = _gain(model, assessed, motion, was_searched=grid is not None)
    found_mm = motion.rms_mm if motion else 0.0
    _log.info("%s: %.2f mm found, the network counts %.2f", scan.name, found_mm, gain)
    change, deviation = changes_of(way, motion, gain, on_progress=progress.steps(n_search, n_total))
    after = _changed(scan, change)
    return replace(
        left(left_because=None),
        after=after,
        assessment_after=severity_estimator.assess(after),
        warnings=(*warnings, *fit_warnings(scan, sampling)),
        uncertainty=None if deviation is None else replace(scan, values=deviation),
        motion=motion,
    )


def _left_without_search(
    assessed: Assessment, sampling: SliceSampling, model: Model
) -> LeftBecause | None:
    """Why nothing is to be corrected where no motion is searched for."""
    if is_too_coarse(sampling.native_mm, model.trained_pixel_mm):
        return "pixels too coarse"
    return "estimated still" if assessed.is_still else None


def _changed(scan: Volume, change: np.ndarray) -> Volume:
    """The scan with a change, within the limits of its data type: see `correct_scan`."""
    least, greatest = min(np.float32(0), scan.values.min()), scan.values.max()
    return replace(scan, values=np.clip(scan.values + change, least, greatest))


def _left_after_search(assessed: Assessment, motion: FoundMotion | None) -> LeftBecause | None:
    """Why nothing is to be corrected after a search."""
    if assessed.is_still and not (motion and motion.is_certain):
        return "estimated still"
    return "no motion found" if motion is None else None


def _motion(
    grid: SliceGrid, way: NetworkPass, seen_mm: float, on_progress: OnProgress
) -> FoundMotion | None:
    """The motion of a scan, as far as it is accepted."""
    some = way.seen(spread_slices(way.scan.values, N_SEARCHED)).cpu().numpy()
    return accepted(find_motion(some, grid, seen_mm=seen_mm, on_progress=on_progress))


def _gain(
    model: Model, assessed: Assessment, motion: FoundMotion | None, *, was_searched: bool
) -> float:
    """How much of the network's correction is applied: little where little motion is left.

    Of a scan out of the distribution of the training scans the severity estimate is unreliable, so
    its lower bound counts. If nothing was searched for either, the least is applied.
    """
    curve, severity = model.card.gain_curve, assessed.severity
    if not was_searched:
        return min(curve.gain) if assessed.warnings else curve.at(severity.mm)
    found_mm = motion.rms_mm if motion else 0.0
    seen_mm = severity.low_mm if assessed.warnings else severity.mm
    asked = max(
        np.interp(found_mm, _NETWORK_FOUND_MM, (0, 1)), np.interp(seen_mm, _NETWORK_SEEN_MM, (0, 1))
    )
    return curve.at(max(found_mm, seen_mm)) * float(asked)


def _left_warnings(options: CorrectionOptions) -> tuple[str, ...]:
    if not options.uncertainty:
        return ()
    return (
        "No uncertainty was computed, because the scan was left as it is; force the correction to "
        "get it.",
    )
