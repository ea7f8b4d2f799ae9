"""The generator's profile from real traces, by moments.

Each profile number answers to one moment of the traces. The moments of many traces generated from
the present profile are compared with those of the real ones, every number is corrected by what
its moment lacks, and so on for some rounds:

=============================== =======================================================
profile                         moment (over traces)
=============================== =======================================================
``drift_level``                 mean log power of each degree of freedom, lowest band
``drift_exponent``              fall of the mean log power from the lowest to the second band
``jitter``                      mean log power of each degree of freedom, third band
``breathing``                   the same, highest band
``subject_spread``               standard deviation of half the log power averaged over the
                                degrees of freedom, in the lowest and the third band; in the
                                highest band, of the degree of freedom that breathes most
``freedom_spread``              root mean square deviation from the averages
``subject_correlation``          correlation of that average, lowest with third band
``events_per_minute``           mean log of 95th percentile over median of displacement
``event_size``                  mean log of maximum over 95th percentile of displacement
=============================== =======================================================

``events_spread``, ``event_size_spread``, ``spike_share`` and the breathing rate are not fitted, but
taken from where the fit starts. Other profiles may have the same moments (steps and drift share the
low frequencies): what is fitted is how traces look, not why.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from mcnet.core.errors import McnetError
from mcnet.motion.generators import MotionProfile, generate_motion
from mcnet.motion.statistics import TraceStatistics, trace_statistics
from mcnet.motion.trace import MotionTrace

_BAND_EDGES = ((1 / 256, 1 / 25), (1 / 20, 1 / 8), (0.15, 0.25), (0.35, 0.5))
"""Bands in cycles per time point: drift, fall of the drift, jitter, breathing."""
_AMPLITUDE_BANDS = (0, 2, 3)
"""The bands that drift, jitter and breathing answer to."""
_SMALLEST_AMPLITUDE = 1e-4
_LARGEST_CORRECTION = 1.0
"""Of the log of an amplitude in one round."""
_GAIN = 0.6
"""Share of what lacks that a round corrects: below 1, so that chance does not swing it."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Moments of a set of traces that the profile answers to."""

    log_power: Float[np.ndarray, "4 6"]
    """Mean over traces of the log power in each band and degree of freedom."""
    subject_spread: Float[np.ndarray, "3"]
    freedom_spread: Float[np.ndarray, "3"]
    correlation: float
    log_tail: float
    """Mean log of the displacement's 95th percentile over its median."""
    log_tail_spread: float
    log_jump: float
    """Mean log of the displacement's maximum over its 95th percentile."""


def moments(statistics: Sequence[TraceStatistics]) -> Moments:
    """Return the moments of traces of equal length."""
    log_power = np.array([_band_log_power(one) for one in statistics])
    amplitude = log_power[:, _AMPLITUDE_BANDS] / 2
    subject = amplitude.mean(axis=2)
    spread = subject.std(axis=0)
    # breathing shows in one degree of freedom above all; the others' highest band is jitter
    spread[2] = amplitude[:, 2, np.argmax(log_power[:, 3].mean(0))].std()
    own = amplitude - subject[:, :, None]
    tail = np.array(
        [np.log(one.displacement_95_mm / one.displacement_median_mm) for one in statistics]
    )
    jump = np.array(
        [np.log(one.displacement_max_mm / one.displacement_95_mm) for one in statistics]
    )
    return Moments(
        log_power=log_power.mean(axis=0),
        subject_spread=spread,
        freedom_spread=(own - own.mean(axis=0)).std(axis=(0, 2)),
        correlation=float(np.corrcoef(subject[:, 0], subject[:, 1])[0, 1]),
        log_tail=float(tail.mean()),
        log_tail_spread=float(tail.std()),
        log_jump=float(jump.mean()),
    )


def fit_profile(
    traces: Sequence[MotionTrace],
    rng: np.random.Generator,
    *,
    interval_s: float = 2.0,
    start: MotionProfile = MotionProfile(),  # noqa: B008 - frozen
    n_rounds: int = 15,
    n_generated: int = 1000,
) -> MotionProfile:
    """Return the profile whose generated traces have the moments of real traces.

    Parameters
    ----------
    traces
        Real traces of equal length.
    rng
        Source of the generated traces.
    interval_s
        Time between two points of the real traces.
    start
        Where to start, and the numbers that are not fitted.
    n_rounds, n_generated
        Rounds of correction, and traces generated in each.

    Raises
    ------
    McnetError
        Fewer than 10 traces, or traces of unequal length.
    """
    lengths = {trace.n_points for trace in traces}
    if len(traces) < 10 or len(lengths) != 1:
        raise McnetError(
            f"{len(traces)} traces of {sorted(lengths)} points cannot be fitted; give 10 or more "
            "of one length."
        )
    (n_points,) = lengths
    target = moments([trace_statistics(trace) for trace in traces])
    profile = start
    for _ in range(n_rounds):
        generated = [
            generate_motion(n_points, rng, profile=profile, interval_s=interval_s)
            for _ in range(n_generated)
        ]
        profile = _corrected(profile, target, moments([trace_statistics(one) for one in generated]))
    return profile


def _corrected(profile: MotionProfile, target: Moments, found: Moments) -> MotionProfile:
    """Return the profile with every number corrected by what its moment lacks."""
    half_log = _GAIN * (target.log_power - found.log_power) / 2
    lacking = np.clip(half_log, -_LARGEST_CORRECTION, _LARGEST_CORRECTION)
    falls = [(each.log_power[0] - each.log_power[1]).mean() for each in (target, found)]
    octaves = np.log(np.mean(_BAND_EDGES[1]) / np.mean(_BAND_EDGES[0]))

    def damped(number: float, log_factor: float, most: float) -> float:
        return float(np.clip(number * np.exp(np.clip(log_factor, -0.5, 0.5)), 0.1, most))

    def scaled(numbers: Sequence[float], log_factor: np.ndarray) -> tuple[float, ...]:
        values = np.maximum(np.array(numbers) * np.exp(log_factor), _SMALLEST_AMPLITUDE)
        return tuple(float(value) for value in values)

    drift_level, jitter, breathing = (
        scaled(numbers, lacking[band])
        for numbers, band in zip(
            (profile.drift_level, profile.jitter, profile.breathing), _AMPLITUDE_BANDS, strict=True
        )
    )
    return replace(
        profile,
        drift_level=drift_level,
        drift_exponent=float(profile.drift_exponent + 0.5 * (falls[0] - falls[1]) / octaves),
        jitter=jitter,
        breathing=breathing,
        subject_spread=scaled(
            profile.subject_spread, _GAIN * np.log(target.subject_spread / found.subject_spread)
        ),
        freedom_spread=scaled(
            profile.freedom_spread, _GAIN * np.log(target.freedom_spread / found.freedom_spread)
        ),
        subject_correlation=float(
            np.clip(profile.subject_correlation + target.correlation - found.correlation, 0, 0.99)
        ),
        events_per_minute=damped(
            profile.events_per_minute, 2 * (target.log_tail - found.log_tail), most=10.0
        ),
        event_size=damped(profile.event_size, target.log_jump - found.log_jump, most=8.0),
    )


def _band_log_power(statistics: TraceStatistics) -> Float[np.ndarray, "4 6"]:
    """Mean over a band's frequencies of the log power, for each degree of freedom."""
    bands = [
        (statistics.frequency >= low) & (statistics.frequency <= high) for low, high in _BAND_EDGES
    ]
    tiny = np.finfo(float).tiny
    return np.array([np.log(statistics.power[band] + tiny).mean(axis=0) for band in bands])
