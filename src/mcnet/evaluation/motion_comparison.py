"""Real head motion compared with as much generated motion, in numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy.stats import ks_2samp

from mcnet.core.errors import McnetError
from mcnet.motion.generators import generate_motion, paper_segments
from mcnet.motion.statistics import TraceStatistics, median_spectrum, trace_statistics
from mcnet.motion.trace import MotionTrace

QUANTITIES: Mapping[str, str] = {
    "magnitude": "magnitude (1° as 1 mm)",
    "displacement_median_mm": "median displacement (mm)",
    "displacement_95_mm": "95 % displacement (mm)",
    "displacement_max_mm": "largest jump (mm)",
}
"""What is compared, by its name in `TraceStatistics`, and how an axis says it."""
_FEWEST_GENERATED = 20
"""However few real traces there are, so that the spread of generated ones shows."""
_FEW = 30
"""Below so many values the exact p-value is given, not the asymptotic one."""
_LONGEST = 128
_ASSUMED_INTERVAL_S = 2.0
_N_BANDS = 12

Traces = Mapping[str, Sequence[MotionTrace]]
"""The traces of each kind: real, generated."""
Groups = Mapping[str, Sequence[TraceStatistics]]
"""Their statistics, by kind."""


@dataclass(frozen=True, eq=False)
class MotionComparison:
    """Real traces, as many generated ones, and how they differ."""

    traces: Traces
    groups: Groups
    summary: Mapping[str, Any]
    """Counts; for each quantity the medians and the two-sample Kolmogorov-Smirnov statistic with
    its p-value; the ratio of the median spectra in each of 12 bands; and the paper's share, within
    2 mm and 2 deg."""

    @property
    def table(self) -> pd.DataFrame:
        """One row a trace."""
        return _table(self.traces, self.groups)


def compare_motion(traces: Sequence[MotionTrace], rng: np.random.Generator) -> MotionComparison:
    """Return the comparison of real traces with as many generated ones, and 20 at least.

    All are compared over their first points: 128, or as many as half of the traces have, and
    shorter traces are left out.

    Parameters
    ----------
    traces
        Real traces, unscaled; where their interval is unknown it is taken to be 2 s.
    rng
        Draws the generated traces.

    Raises
    ------
    McnetError
        No trace, or half of the traces are shorter than 16 points.
    """
    real = _first_points(traces)
    interval_s = real[0].interval_s or _ASSUMED_INTERVAL_S
    n_points, n_generated = real[0].n_points, max(len(real), _FEWEST_GENERATED)
    generated = [generate_motion(n_points, rng, interval_s=interval_s) for _ in range(n_generated)]
    both = {"real": real, "generated": generated}
    groups = {kind: [trace_statistics(trace) for trace in each] for kind, each in both.items()}
    summary = {
        "n_traces": len(real),
        "n_left_out": len(traces) - len(real),
        "n_generated": n_generated,
        "n_points": n_points,
        "interval_s": interval_s,
        "quantities": {name: _comparison(groups, name) for name in QUANTITIES},
        "spectrum": _spectrum_comparison(groups),
        "within_2_mm_2_deg": {kind: _paper_share(each) for kind, each in both.items()},
    }
    return MotionComparison(both, groups, summary)


def _first_points(traces: Sequence[MotionTrace]) -> list[MotionTrace]:
    """The first points of the traces that are long enough."""
    if not traces:
        raise McnetError("no motion trace is given; give one or more.")
    # half of the traces or more reach the lower median
    lengths = sorted(trace.n_points for trace in traces)
    n_points = min(_LONGEST, lengths[(len(lengths) - 1) // 2])
    if n_points < 16:
        raise McnetError(
            f"half of the motion traces have {n_points} points or fewer; 16 or more are needed "
            "for a spectrum."
        )
    return [trace.segment(0, n_points) for trace in traces if trace.n_points >= n_points]


def _comparison(groups: Groups, name: str) -> dict[str, float]:
    """Medians, Kolmogorov-Smirnov statistic and p-value of one quantity."""
    real, generated = (values_of(groups[kind], name) for kind in ("real", "generated"))
    few = min(len(real), len(generated)) < _FEW
    test = ks_2samp(real, generated, method="exact" if few else "asymp")
    return {
        "real_median": float(np.median(real)),
        "generated_median": float(np.median(generated)),
        "ks": float(test.statistic),
        "p": float(test.pvalue),
    }


def _spectrum_comparison(groups: Groups) -> dict[str, list[float]]:
    """Generated over real median power, in bands of equal width on a log scale."""
    frequency = groups["real"][0].frequency
    spectra = [median_spectrum(groups[kind]) for kind in ("generated", "real")]
    edges = np.geomspace(frequency[0], frequency[-1] * 1.001, _N_BANDS + 1)
    band = np.digitize(frequency, edges)
    used = np.unique(band)
    mean = [np.array([spectrum[band == each].mean() for each in used]) for spectrum in spectra]
    return {
        "cycles_per_point": [float(frequency[band == each].mean()) for each in used],
        "generated_over_real": [float(ratio) for ratio in mean[0] / mean[1]],
    }


def _paper_share(traces: Sequence[MotionTrace]) -> float:
    """Share of the traces that the paper's bounds would keep."""
    n_points = traces[0].n_points
    kept = paper_segments(traces, n_points=n_points, centre_time=n_points // 2)
    return len(kept) / len(traces)


def _table(both: Traces, groups: Groups) -> pd.DataFrame:
    """One row a trace."""
    rows = [
        {
            "kind": kind,
            "name": trace.name,
            **{name: getattr(one, name) for name in (*QUANTITIES, "spike_share")},
        }
        for kind in groups
        for trace, one in zip(both[kind], groups[kind], strict=True)
    ]
    return pd.DataFrame(rows)


def values_of(statistics: Sequence[TraceStatistics], name: str) -> Float[np.ndarray, "n_traces"]:
    """Return one quantity of every trace."""
    return np.array([getattr(one, name) for one in statistics])
