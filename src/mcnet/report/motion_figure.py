"""The figure of real head motion against as much generated motion, and its files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec

from mcnet.core.outputs import folder_of
from mcnet.core.provenance import provenance
from mcnet.core.records import write_record
from mcnet.core.seeds import check_seed
from mcnet.core.writing import write_text, written_together
from mcnet.evaluation.motion_comparison import (
    QUANTITIES,
    Groups,
    Traces,
    compare_motion,
    values_of,
)
from mcnet.motion.trace import MotionTrace
from mcnet.report.log_labels import label_sparsely
from mcnet.report.style import CYCLE, VERMILION, save_figure, style

_EXAMPLE_QUANTILES = {"little motion": 0.15, "median": 0.5, "much motion": 0.85}
_FREEDOMS = ("x", "y", "z", "about x", "about y", "about z")

MOTION_FIGURE = folder_of("motion.json", "motion.png", "motion.svg", "motion.csv")
"""What `write_motion_figure` writes to its folder."""


def write_motion_figure(
    folder: Path,
    traces: Sequence[MotionTrace],
    *,
    seed: int,
    inputs: Mapping[str, Path] | None = None,
) -> dict[str, Any]:
    """Write ``motion.png``, ``.svg``, ``.csv`` and ``.json``; return what the JSON file holds.

    The numbers are those of `mcnet.evaluation.motion_comparison.compare_motion`.

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
        `MotionComparison.summary`.

    Raises
    ------
    McnetError
        No trace, half of the traces are shorter than 16 points, or a folder that cannot be
        written.
    """
    check_seed(seed)
    comparison = compare_motion(traces, np.random.default_rng(seed))
    summary = dict(comparison.summary)
    about = provenance(seed=seed, inputs=inputs)
    with written_together():
        figure = motion_figure(comparison.traces, comparison.groups, summary)
        save_figure(figure, folder, "motion")
        write_text(folder / "motion.csv", comparison.table.to_csv(index=False))
        write_record(folder / "motion.json", {**summary, "provenance": about})
    return summary


def motion_figure(both: Traces, groups: Groups, summary: Mapping[str, Any]) -> Figure:
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


def _draw_examples(figure: Figure, grid: GridSpec, both: Traces, groups: Groups) -> None:
    """A trace of little, of median and of much motion of each kind, on the same scale in a column.

    Of fewer than three real traces each is shown once.
    """
    magnitudes = values_of(groups["real"], "magnitude")
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
            kind: each[int(np.argmin(np.abs(values_of(groups[kind], "magnitude") - wanted)))]
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
        axes.ecdf(values_of(groups[kind], name), color=colour, linewidth=1.4, label=kind)
    axes.set(xscale="log", ylim=(0, 1), xlabel=QUANTITIES[name])
    label_sparsely(axes.xaxis, *axes.get_xlim())
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
    label_sparsely(axes.xaxis, *axes.get_xlim())
    label_sparsely(axes.yaxis, *axes.get_ylim())
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
    label_sparsely(axes.yaxis, *axes.get_ylim())
    axes.set_xticks(range(6), _FREEDOMS)
    axes.set_title("each degree of freedom: quartiles, middle 80 %", loc="left")
