"""Statistics of how much and how a head moved; the same for real and generated traces."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mcnet.motion.trace import MotionTrace

SPIKE_TIMES_MEDIAN = 4.0
"""A step of more than four times the trace's median framewise displacement is a spike."""


@dataclass(frozen=True, eq=False)
class TraceStatistics:
    """Numbers that describe one trace."""

    magnitude: float
    """Standard deviation over time, all degrees of freedom together; 1 deg counts as 1 mm."""
    standard_deviation: Float[np.ndarray, "6"]
    """Of the translations along x, y, z in mm, then of the rotations about x, y, z in deg."""
    displacement_median_mm: float
    """Median framewise displacement (Power et al. 2012)."""
    displacement_95_mm: float
    """Its 95th percentile."""
    displacement_max_mm: float
    """The largest jump."""
    spike_share: float
    """Share of the steps that exceed four times the median step."""
    frequency: Float[np.ndarray, "n_frequencies"]
    """Frequencies of the spectra in cycles per time point, without zero, up to 1/2."""
    power: Float[np.ndarray, "n_frequencies 6"]
    """Power of each degree of freedom in mm^2 or deg^2; the mean over all frequencies from -1/2 to
    1/2 is the variance."""

    @property
    def mean_power(self) -> Float[np.ndarray, "n_frequencies"]:
        """Power averaged over the degrees of freedom; 1 deg counts as 1 mm."""
        return np.asarray(self.power.mean(axis=1))


def trace_statistics(trace: MotionTrace) -> TraceStatistics:
    """Return the statistics of a trace of two points or more."""
    steps_mm = trace.framewise_displacement_mm()
    median, upper = (float(value) for value in np.quantile(steps_mm, [0.5, 0.95]))
    frequency, power = _power_spectra(trace)
    return TraceStatistics(
        magnitude=trace.magnitude,
        standard_deviation=np.concatenate(
            [trace.translation_mm.std(axis=0), trace.rotation_deg.std(axis=0)]
        ),
        displacement_median_mm=median,
        displacement_95_mm=upper,
        displacement_max_mm=float(steps_mm.max()),
        spike_share=float(np.mean(steps_mm > SPIKE_TIMES_MEDIAN * median)),
        frequency=frequency,
        power=power,
    )


def median_spectrum(statistics: Sequence[TraceStatistics]) -> Float[np.ndarray, "n_frequencies"]:
    """Return the median over traces of equal length of the mean power."""
    return np.asarray(np.median([one.mean_power for one in statistics], axis=0))


def _power_spectra(
    trace: MotionTrace,
) -> tuple[Float[np.ndarray, "n_frequencies"], Float[np.ndarray, "n_frequencies 6"]]:
    values = np.hstack([trace.translation_mm, trace.rotation_deg])
    transform = np.fft.rfft(values - values.mean(axis=0), axis=0)[1:]
    frequency = np.fft.rfftfreq(trace.n_points)[1:]
    return frequency, np.abs(transform) ** 2 / trace.n_points
