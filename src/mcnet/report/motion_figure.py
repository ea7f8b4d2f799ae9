"""Real head motion against as much generated motion: a figure, a table, and how far they differ."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from scipy.stats import ks_2samp

from mcnet.core.errors import McnetError
from mcnet.core.outputs import folder_of
from mcnet.core.provenance import provenance
from mcnet.core.records import write_record
from mcnet.core.seeds import check_seed
from mcnet.core.writing import write_text, written_together
from mcnet.motion.generators import generate_motion, paper_segments
from mcnet.motion.statistics import TraceStatistics, median_spectrum, trace_statistics
from mcnet.motion.trace import MotionTrace
from mcnet.report.style import CYCLE, VERMILION, save_figure, style

QUANTITIES: Mapping[str, str] = {
    "magnitude": "magnitude (1° as 1 mm)",
    "displacement_median_mm": "median displacement (mm)",
    "displacement_95_mm": "95 % displacement (mm)",
    "displacement_max_mm": "largest jump (mm)",
}
"""What is compared, by its name in `TraceStatistics`, and how an axis says it."""
_FEWEST_GENERATED = 20
"""However few real traces there are: so many show how generated ones are spread."""
_FEW = 30
"""Below so many values the exact p-value is told, not that for many."""
_MOST_TICKS = 4
_LONGEST = 128
_ASSUMED_INTERVAL_S = 2.0
_N_BANDS = 12
_EXAMPLE_QUANTILES = {"calm": 0.15, "middling": 0.5, "restless": 0.85}
_FREEDOMS = ("x", "y", "z", "about x", "about y", "about z")

MOTION_FIGURE = folder_of("motion.json", "motion.png", "motion.svg", "motion.csv")
"""What `write_motion_figure` writes to its folder."""

Groups = Mapping[str, Sequence[TraceStatistics]]


def write_motion_figure(
    folder: Path,
    traces: Sequence[MotionTrace],
    *,
    seed: int,
    inputs: Mapping[str, Path] | None = None,
) -> dict[str, Any]:
    """Write ``motion.png``, ``.svg``, ``.csv`` and ``.json``; return what the JSON file holds.

    As many traces as are given are generated, and 20 at least. All are compared over their first
    points: 128, or as many as half of the traces have, and shorter traces are left out.

    Parameters
    ----------
    folder
        Where to write.
    traces
        Real traces, unscaled; where their interval is unknown it is taken to be 2 s.
    seed
        Of the generated traces.
    inputs
        The files of the traces, for the provenance.

    Returns
    -------
    dict
        Counts; for each quantity the medians and the two-sample Kolmogorov-Smirnov statistic
        with its p-value; the ratio of the median spectra in each of 12 bands; and the paper's
        share, within 2 mm and 2 deg.

    Raises
    ------
    McnetError
        No trace, half of the traces are shorter than 16 points, or a folder that cannot be
        written.
    """
    check_seed(seed)
    real = _first_points(traces)
    rng = np.random.default_rng(seed)
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
    about = provenance(seed=seed, inputs=inputs)
    with written_together():
        save_figure(motion_figure(both, groups, summary), folder, "motion")
        write_text(folder / "motion.csv", _table(both, groups).to_csv(index=False))
        write_record(folder / "motion.json", {**summary, "provenance": about})
    return summary


def motion_figure(
    both: Mapping[str, Sequence[MotionTrace]], groups: Groups, summary: Mapping[str, Any]
) -> Figure:
    """Examples side by side above, distributions in the middle, spectra below."""
    with style():
        figure = Figure(figsize=(10.0, 10.4))
        grid = GridSpec(
            4, 12, figure=figure, height_ratios=[1, 1, 1.05, 1.3], hspace=0.48, wspace=2.2,
            left=0.065, right=0.985, top=0.945, bottom=0.05,
        )  # fmt: skip
        _draw_examples(figure, grid, both, groups)
        for index, name in enumerate(QUANTITIES):
            axes = figure.add_subplot(grid[2, 3 * index : 3 * index + 3])
            _draw_distribution(axes, groups, name, summary["quantities"][name]["ks"])
            if index == 0:
                axes.set_ylabel("share of traces")
        last = grid[3, :].subgridspec(1, 2, width_ratios=[1.3, 1], wspace=0.2)
        _draw_spectra(figure.add_subplot(last[0, 0]), groups, summary["interval_s"])
        _draw_deviations(figure.add_subplot(last[0, 1]), groups)
    return figure


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
    real, generated = (_values(groups[kind], name) for kind in ("real", "generated"))
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


def _table(both: Mapping[str, Sequence[MotionTrace]], groups: Groups) -> pd.DataFrame:
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


def _values(statistics: Sequence[TraceStatistics], name: str) -> Float[np.ndarray, "n_traces"]:
    return np.array([getattr(one, name) for one in statistics])


def _draw_examples(
    figure: Figure, grid: GridSpec, both: Mapping[str, Sequence[MotionTrace]], groups: Groups
) -> None:
    """A calm, a middling and a restless trace of each kind, on the same scale in a column.

    Of fewer than three real traces each is shown once.
    """
    magnitudes = _values(groups["real"], "magnitude")
    wanted_of: dict[float, str] = {}
    for label, quantile in _EXAMPLE_QUANTILES.items():
        wanted = float(np.quantile(magnitudes, quantile))
        if len(magnitudes) < len(_EXAMPLE_QUANTILES):
            wanted = float(magnitudes[np.argmin(np.abs(magnitudes - wanted))])
        wanted_of.setdefault(wanted, label)
    width = grid.ncols // len(wanted_of)
    for column, (wanted, label) in enumerate(wanted_of.items()):
        # the same magnitude in both kinds: what is compared is the character
        nearest = {
            kind: each[int(np.argmin(np.abs(_values(groups[kind], "magnitude") - wanted)))]
            for kind, each in both.items()
        }
        largest = 1.1 * max(np.abs(_centred(trace)).max() for trace in nearest.values())
        for row, (kind, trace) in enumerate(nearest.items()):
            axes = figure.add_subplot(grid[row, width * column : width * (column + 1)])
            for values, colour, name in zip(_centred(trace).T, CYCLE, _FREEDOMS, strict=False):
                axes.plot(values, color=colour, linewidth=0.9, label=name)
            axes.set(ylim=(-largest, largest), xlim=(0, trace.n_points - 1))
            which = kind if len(wanted_of) == 1 else f"{kind}, {label}"
            axes.set_title(f"{which} (magnitude {trace.magnitude:.2f})", loc="left")
            if column == 0:
                axes.set_ylabel("mm, deg")
            if row == 1:
                axes.set_xlabel("time point")
            if row == 0 and column == 0:
                figure.legend(
                    *axes.get_legend_handles_labels(), ncols=6, loc="upper right",
                    bbox_to_anchor=(0.99, 0.999),
                )  # fmt: skip


def _centred(trace: MotionTrace) -> Float[np.ndarray, "n_points 6"]:
    values = np.hstack([trace.translation_mm, trace.rotation_deg])
    return np.asarray(values - values.mean(axis=0))


def _draw_distribution(axes: Axes, groups: Groups, name: str, statistic: float) -> None:
    """Cumulative distributions of one quantity."""
    for kind, colour in (("real", "black"), ("generated", VERMILION)):
        axes.ecdf(_values(groups[kind], name), color=colour, linewidth=1.4, label=kind)
    axes.set(xscale="log", ylim=(0, 1), xlabel=QUANTITIES[name])
    _label_sparsely(axes.xaxis, *axes.get_xlim())
    axes.set_title(f"KS {statistic:.2f}", loc="left")
    if name == "magnitude":
        axes.legend(loc="best")


def _draw_spectra(axes: Axes, groups: Groups, interval_s: float) -> None:
    """Median power over frequency, and the range of the middle 80 % of traces."""
    for kind, colour in (("real", "black"), ("generated", VERMILION)):
        hertz = groups[kind][0].frequency / interval_s
        power = np.array([one.mean_power for one in groups[kind]])
        low, high = np.quantile(power, [0.1, 0.9], axis=0)
        axes.fill_between(hertz, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.plot(hertz, np.median(power, axis=0), color=colour, linewidth=1.4, label=kind)
    axes.set(
        xscale="log", yscale="log", xlim=(hertz[0], hertz[-1]), ylabel="power (mm², deg²)",
        xlabel=f"frequency (Hz, at {interval_s:g} s a point)",
    )  # fmt: skip
    _label_sparsely(axes.xaxis, *axes.get_xlim())
    _label_sparsely(axes.yaxis, *axes.get_ylim())
    axes.set_title("spectrum: median, middle 80 % of traces", loc="left")
    axes.legend(loc="lower left")


def _draw_deviations(axes: Axes, groups: Groups) -> None:
    """Standard deviation of each degree of freedom: quartiles and middle 80 % over traces."""
    for offset, kind, colour in ((-0.17, "real", "black"), (0.17, "generated", VERMILION)):
        deviations = np.array([one.standard_deviation for one in groups[kind]])
        low, first, middle, third, high = np.quantile(
            deviations, [0.1, 0.25, 0.5, 0.75, 0.9], axis=0
        )
        place = np.arange(6) + offset
        axes.vlines(place, low, high, color=colour, linewidth=1.0)
        axes.vlines(place, first, third, color=colour, linewidth=5.0, alpha=0.35)
        axes.plot(place, middle, "_", color=colour, markersize=11, markeredgewidth=1.6)
    axes.set(yscale="log", ylabel="standard deviation (mm, deg)")
    _label_sparsely(axes.yaxis, *axes.get_ylim())
    axes.set_xticks(range(6), _FREEDOMS)
    axes.set_title("each degree of freedom: quartiles, middle 80 %", loc="left")


def _label_sparsely(axis: Axis, low: float, high: float) -> None:
    """Label a logarithmic axis in few places, which do not touch, and in more than one."""
    axis.set_major_locator(FixedLocator(_round_numbers(low, high)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def _round_numbers(low: float, high: float) -> list[float]:
    """Up to four numbers from low to high: one, two or three a decade, or every so manieth power.

    Of less than an octave, which may hold none of these, two numbers of two digits.
    """
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    choices = [[digit * 10.0**power for power in powers for digit in of_decade]
               for of_decade in ((1, 2, 5), (1, 3), (1,))]  # fmt: skip
    choices += [[10.0**power for power in powers if power % every == 0] for every in (2, 3, 4, 6)]
    for numbers in choices:
        within = [number for number in numbers if low <= number <= high]
        if 2 <= len(within) <= _MOST_TICKS:
            return within
    return [float(f"{low * (high / low) ** share:.2g}") for share in (0.2, 0.8)]
