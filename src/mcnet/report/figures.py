"""The paper's Figures 4 and 5 from rows, and training curves."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mcnet.evaluation.question import BASELINES
from mcnet.evaluation.statistics import WITH_DEFICIT, ordered_models, ordered_modes
from mcnet.metrics.registry import column
from mcnet.report.style import BLUE, CYCLE, GREY, VERMILION, style

N_BINS = 8
_FEWEST_IN_BIN = 3


def proposed_model(rows: pd.DataFrame) -> str:
    """Return the model that figures and conclusions are about.

    It is the paper's ``l1+tv-ft``, or the last model, or without any the registered image.
    """
    models = [label for label in ordered_models(rows) if label not in BASELINES]
    if "l1+tv-ft" in models:
        return "l1+tv-ft"
    return models[-1] if models else "registered"


def table_figure(table: pd.DataFrame) -> Figure:
    """Figure 4 of a `mcnet.evaluation.statistics.summary`: SSIM, mean ± SD, best in bold."""
    models = list(dict.fromkeys(table["model"]))
    modes = list(dict.fromkeys(table["mode"]))
    n_lines = len(modes) * (len(WITH_DEFICIT) + 1) + 1
    first, width = 2.1, 1.2
    centres = {model: first + width * (k + 0.5) for k, model in enumerate(models)}
    with style():
        figure = Figure(figsize=(first + width * len(models) + 0.1, 0.27 * n_lines + 0.25))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set(xlim=(0, first + width * len(models) + 0.1), ylim=(n_lines + 0.2, -0.7))
        axes.text(0.1, 0, "SSIM, mean ± SD", va="center")
        for model, x in centres.items():
            axes.text(x, 0, model, ha="center", va="center", weight="bold")
        line = 0.55
        for mode in modes:
            _draw_mode(axes, table[table["mode"] == mode], line, centres)
            line += len(WITH_DEFICIT) + 1
        for y, thick in ((-0.55, 1.2), (0.55, 0.7), (line + 0.05, 1.2)):
            axes.plot([0.1, first + width * len(models)], [y, y], color="black", linewidth=thick)
    return figure


def _draw_mode(axes: Axes, table: pd.DataFrame, top: float, centres: dict[str, float]) -> None:
    """Draw one mode's block of the table: its name, then a line for each SSIM."""
    n = int(table["n"].max())
    who = f"{n} slices, {int(table['n_subjects'].max())} subjects"
    axes.text(0.1, top + 0.5, f"{table['mode'].iloc[0]}  ({who})", va="center", style="italic")
    for offset, one in enumerate(WITH_DEFICIT, start=1):
        metric, y = one.name, top + offset + 0.45
        axes.text(0.25, y, one.place, va="center")
        best = table[f"{metric}_mean"].round(3).max()
        for _, row in table.iterrows():
            mean, deviation = row[f"{metric}_mean"], row[f"{metric}_sd"]
            weight = "bold" if round(mean, 3) == best else "normal"
            text = f"{mean:.3f} ± {deviation:.3f}" if np.isfinite(deviation) else f"{mean:.3f}"
            x = centres[row["model"]]
            axes.text(x, y, text, ha="center", va="center", weight=weight, fontsize=8.5)


def severity_figure(rows: pd.DataFrame, *, metric: str, model: str | None = None) -> Figure:
    """Figure 5: a metric against motion magnitude, corrupted and corrected, a panel for each mode.

    With two modes a last panel holds the corrected images of both against each other. Points are
    slices; lines are means of bins of equal count with their standard deviation.
    """
    chosen = proposed_model(rows) if model is None else model
    modes = ordered_modes(rows)
    n_panels = len(modes) + (len(modes) > 1)
    with style():
        figure = Figure(figsize=(3.6 * n_panels + 0.5, 3.5), layout="constrained")
        axes = figure.subplots(1, n_panels, sharey=True, squeeze=False)[0]
        for panel, mode in zip(axes, modes, strict=False):
            of_mode = rows[rows["mode"] == mode]
            before = of_mode[of_mode["model"] == "corrupted"]
            after = of_mode[of_mode["model"] == chosen]
            _draw_severity(panel, before, metric, "corrupted", GREY, "s")
            _draw_severity(panel, after, metric, chosen, VERMILION, "o")
            _label(panel, mode, [mode])
        if len(modes) > 1:
            for mode, colour, marker in zip(modes, (BLUE, VERMILION, GREY), "o^s", strict=False):
                after = rows[(rows["mode"] == mode) & (rows["model"] == chosen)]
                _draw_severity(axes[-1], after, metric, mode, colour, marker)
            _label(axes[-1], f"{chosen}: modes compared", modes)
        axes[0].set_ylabel(column(metric).heading)
    return figure


def _draw_severity(
    axes: Axes, rows: pd.DataFrame, metric: str, label: str, colour: str, marker: str
) -> None:
    """Scatter one set of slices and draw the mean ± SD of its bins."""
    axes.scatter(
        rows["magnitude"], rows[metric], s=7, color=colour, alpha=0.22, marker=marker,
        linewidths=0, rasterized=True,
    )  # fmt: skip
    binned = binned_by_magnitude(rows, metric)
    axes.errorbar(
        binned["magnitude"], binned["mean"], yerr=binned["sd"].fillna(0), color=colour,
        marker=marker, markersize=4.5, markeredgecolor="white", markeredgewidth=0.5, linewidth=1.5,
        elinewidth=1, capsize=2, label=label,
    )  # fmt: skip


def binned_by_magnitude(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Mean and SD of a metric, and mean magnitude, in bins of about equal count."""
    n_bins = int(np.clip(len(rows) // _FEWEST_IN_BIN, 1, N_BINS))
    ranks = rows["magnitude"].rank(method="average", pct=True)
    bins = np.ceil(ranks * n_bins - 1e-9)  # slices of one scan share a magnitude, and so a bin
    grouped = rows.groupby(bins)
    return pd.DataFrame(
        {
            "magnitude": grouped["magnitude"].mean(),
            "mean": grouped[metric].mean(),
            "sd": grouped[metric].std(),
        }
    )


def _label(axes: Axes, title: str, modes: Sequence[str]) -> None:
    unit = "deg" if list(modes) == ["rotation"] else "mm, deg"
    axes.set_title(title)
    axes.set_xlabel(f"motion magnitude, SD over lines ({unit})")
    axes.set_xlim(left=0)
    axes.grid(color="0.92", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.legend(loc="best")


def curves_figure(curves: Mapping[str, pd.DataFrame]) -> Figure | None:
    """Training curves: a panel for each quantity logged, a line for each model; None if nothing.

    Takes tables with a column ``epoch``; values may have gaps.
    """
    names = curve_names(curves)
    if not names:
        return None
    n_columns = min(3, len(names))
    n_rows = -(-len(names) // n_columns)
    with style():
        figure = Figure(figsize=(3.6 * n_columns, 2.7 * n_rows), layout="constrained")
        axes = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
        for panel, name in zip(axes, names, strict=False):
            for (label, log), colour in zip(curves.items(), CYCLE * len(curves), strict=False):
                if name in log.columns and log[name].notna().any():
                    points = log[log[name].notna()].groupby("epoch")[name].mean()
                    panel.plot(points.index, points, color=colour, linewidth=1.3, label=label)
            panel.set_title(name.replace("_", ", "))
            panel.set_xlabel("epoch")
            panel.xaxis.set_major_locator(MaxNLocator(integer=True))
            panel.grid(color="0.92", linewidth=0.6)
        for panel in axes[len(names) :]:
            panel.set_axis_off()
        lines = axes[0].get_legend_handles_labels()
        figure.legend(*lines, loc="outside lower center", ncols=2)
    return figure


def curve_names(curves: Mapping[str, pd.DataFrame]) -> list[str]:
    """Return the quantities logged for each epoch, without bookkeeping and what is always 0."""
    names: dict[str, None] = {}
    for log in curves.values():
        if "epoch" in log.columns:
            numbers = log.select_dtypes("number")
            logged = numbers.columns[numbers.fillna(0).ne(0).any()]
            names.update(dict.fromkeys(str(column) for column in logged))
    return [
        name for name in names if name not in ("epoch", "step", "stage", "seconds", "waiting_share")
    ]
