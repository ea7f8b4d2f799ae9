"""Plausible head motion for those who have no recordings, and the paper's use of recordings.

A generated head drifts, breathes and jitters, and changes its pose at random times for good (step)
or for a moment (spike). In each degree of freedom

``x(t) = drift(t) + breathing(t) + jitter(t) + sum of steps and spikes``

with ``drift`` Gaussian noise of the power density ``level^2 (f / 0.01 Hz)^-exponent``,
``breathing`` a sine of wandering phase that is sampled at the time points (and so aliased, as in
a scanner), ``jitter`` white noise of the tracking. Subjects differ: the three amplitudes are
log-normal over subjects, with a part common to all degrees of freedom and a part of each one's own.

The defaults of `MotionProfile` are fitted by `mcnet.motion.fitting.fit_profile` to 107 real
fMRI tracking files (first 128 points; their interval is not recorded and taken to be 2 s).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mcnet.core.errors import McnetError
from mcnet.motion.trace import MotionTrace

DRIFT_REFERENCE_HZ = 0.01
"""The frequency at which a profile gives the drift's level."""
_SPIKE_DECAY_S = 1.0
_BREATHING_WANDER = 0.3
"""Spread that the phase of breathing gains in a second, in radians: a line about 0.01 Hz wide."""
_LENGTHS = {
    "drift_level": 6,
    "jitter": 6,
    "breathing": 6,
    "subject_spread": 3,
    "freedom_spread": 3,
}


@dataclass(frozen=True)
class MotionProfile:
    """How subjects move: translations along x, y, z first, then rotations about x, y, z."""

    drift_level: tuple[float, ...] = (0.125, 0.111, 0.27, 0.25, 0.115, 0.119)
    """Root of the drift's two-sided power density at 0.01 Hz, in mm or deg per root Hz; the
    median subject's, as all amplitudes here."""
    drift_exponent: float = 1.74
    """How fast the drift's power falls with frequency; 2 is a random walk."""
    jitter: tuple[float, ...] = (0.0011, 0.023, 0.015, 0.0132, 0.0019, 0.001)
    """Standard deviation of the white tracking noise, in mm or deg."""
    breathing: tuple[float, ...] = (0.0001, 0.09, 0.0071, 0.0157, 0.0006, 0.0001)
    """Amplitude of breathing, in mm or deg."""
    breathing_hz: float = 0.26
    """Breathing rate, mean over subjects."""
    breathing_spread_hz: float = 0.03
    """Its standard deviation over subjects."""
    subject_spread: tuple[float, ...] = (0.686, 0.661, 0.674)
    """Standard deviation over subjects of the log of drift, jitter and breathing: common part."""
    freedom_spread: tuple[float, ...] = (0.476, 0.378, 0.015)
    """The same, of each degree of freedom's own part."""
    subject_correlation: float = 0.43
    """Correlation of the common parts of drift and jitter over subjects."""
    events_per_minute: float = 3.86
    """Steps and spikes together, the median subject's."""
    events_spread: float = 1.0
    """Standard deviation over subjects of the log of that rate."""
    spike_share: float = 0.9
    """Share of the events that pass (spikes), rather than stay (steps)."""
    event_size: float = 5.5
    """Median size of an event; 1 is the root mean square step of the same subject's drift, for
    spikes of drift and jitter."""
    event_size_spread: float = 0.6
    """Standard deviation of the log of that size."""

    def __post_init__(self) -> None:
        """Refuse what is no profile."""
        for name, length in _LENGTHS.items():
            numbers = getattr(self, name)
            if len(numbers) != length or min(numbers) < 0:
                raise McnetError(
                    f"{name} {numbers} is no profile; give {length} numbers, 0 or more."
                )


def generate_motion(
    n_points: int,
    rng: np.random.Generator,
    *,
    profile: MotionProfile = MotionProfile(),
    interval_s: float = 2.0,
) -> MotionTrace:
    """Return the motion of one random subject, at rest in the middle of the recording.

    Parameters
    ----------
    n_points
        Number of poses.
    rng
        Source of randomness; the same state gives the same trace.
    profile
        How subjects move. The default has the scale of fMRI tracking; the paper multiplies it by 8.
    interval_s
        Time between two poses.

    Raises
    ------
    McnetError
        Fewer than 2 points, or an impossible interval.
    """
    if n_points < 2:
        raise McnetError(f"{n_points} points are no motion over time; ask for 2 or more.")
    if not 0 < interval_s < np.inf:
        raise McnetError(f"interval_s {interval_s} is no time between points; give seconds.")
    drift_level, jitter, breathing = _amplitudes_of_a_subject(profile, rng)
    drift = _drift(n_points, interval_s, profile.drift_exponent, rng) * drift_level
    drift_and_jitter = drift + jitter * rng.standard_normal((n_points, 6))
    steps, spikes = _steps_and_spikes(n_points, interval_s, profile, rng)
    values = drift_and_jitter + steps * _rms_step(drift) + spikes * _rms_step(drift_and_jitter)
    values += breathing * _breathing(n_points, interval_s, profile, rng)
    return MotionTrace(values[:, :3], values[:, 3:], interval_s, "generated").at_rest_when(
        n_points // 2
    )


def paper_segments(
    traces: Sequence[MotionTrace],
    *,
    n_points: int = 128,
    within_mm: float = 2.0,
    within_deg: float = 2.0,
    scale: float = 8.0,
    centre_time: int = 64,
) -> list[MotionTrace]:
    """Return the paper's trajectories: the first points of each calm trace, times 8.

    The first ``n_points`` of a trace are measured from the pose at ``centre_time``; traces that
    are shorter, or leave the bounds, are dropped; the rest is scaled and measured again from the
    pose at ``centre_time``, when the centre of k-space is acquired.
    """
    first = [
        trace.segment(0, n_points).at_rest_when(centre_time)
        for trace in traces
        if trace.n_points >= n_points
    ]
    return [
        trace.scaled(scale).at_rest_when(centre_time)
        for trace in first
        if trace.is_within(translation_mm=within_mm, rotation_deg=within_deg)
    ]


def _amplitudes_of_a_subject(
    profile: MotionProfile, rng: np.random.Generator
) -> Float[np.ndarray, "3 6"]:
    """Drift level, jitter and breathing amplitude of the six degrees of freedom."""
    rho = profile.subject_correlation
    common = np.sqrt(rho) * rng.standard_normal() + np.sqrt(1 - rho) * rng.standard_normal(3)
    own = rng.standard_normal((3, 6))
    log_ratio = (
        np.array(profile.subject_spread)[:, None] * common[:, None]
        + np.array(profile.freedom_spread)[:, None] * own
    )
    medians = np.array([profile.drift_level, profile.jitter, profile.breathing])
    return np.asarray(medians * np.exp(log_ratio))


def _drift(
    n_points: int, interval_s: float, exponent: float, rng: np.random.Generator
) -> Float[np.ndarray, "n_points 6"]:
    """Gaussian noise of the density ``(f / 0.01 Hz)^-exponent``, six of them."""
    # cut from a record four times as long, so that its end need not meet its start
    n_record = 4 * n_points
    frequency = np.fft.rfftfreq(n_record, interval_s)
    density = np.zeros_like(frequency)
    density[1:] = (frequency[1:] / DRIFT_REFERENCE_HZ) ** -exponent
    white = np.fft.rfft(rng.standard_normal((n_record, 6)), axis=0)
    record = np.fft.irfft(white * np.sqrt(density / interval_s)[:, None], n=n_record, axis=0)
    return np.asarray(record[:n_points])


def _breathing(
    n_points: int, interval_s: float, profile: MotionProfile, rng: np.random.Generator
) -> Float[np.ndarray, "n_points 1"]:
    """A sine of one subject's breathing rate and of wandering phase, at the time points."""
    rate_hz = abs(rng.normal(profile.breathing_hz, profile.breathing_spread_hz))
    wander = rng.standard_normal(n_points) * _BREATHING_WANDER * np.sqrt(interval_s)
    time_s = np.arange(n_points) * interval_s
    phase = rng.uniform(0, 2 * np.pi) + 2 * np.pi * rate_hz * time_s + np.cumsum(wander)
    return np.asarray(np.sin(phase)[:, None])


def _steps_and_spikes(
    n_points: int, interval_s: float, profile: MotionProfile, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "n_points 6"], Float[np.ndarray, "n_points 6"]]:
    """Changes of pose that stay, and those that pass, in units of a subject's r.m.s. step."""
    time_s = np.arange(n_points) * interval_s
    rate = profile.events_per_minute * np.exp(profile.events_spread * rng.standard_normal())
    steps, spikes = np.zeros((n_points, 6)), np.zeros((n_points, 6))
    for _ in range(rng.poisson(rate * n_points * interval_s / 60)):
        since_s = time_s - rng.uniform(0, time_s[-1])
        size = profile.event_size * np.exp(profile.event_size_spread * rng.standard_normal())
        change = (size * (since_s >= 0))[:, None] * rng.standard_normal(6)
        if rng.random() < profile.spike_share:
            spikes += change * np.exp(-np.maximum(since_s, 0) / _SPIKE_DECAY_S)[:, None]
        else:
            steps += change
    return steps, spikes


def _rms_step(values: Float[np.ndarray, "n_points 6"]) -> Float[np.ndarray, "6"]:
    """Root mean square step from point to point."""
    return np.asarray(np.sqrt(np.mean(np.diff(values, axis=0) ** 2, axis=0)))
