"""Figures of a reader study: scores, preferences, and metrics beside the readers."""

from collections.abc import Sequence
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mcnet.report.style import BLUE, CYCLE, GREY, VERMILION, style

_SCORE_COLOURS = ("#8c2d04", "#e08214", "#d9d9d9", "#74add1", "#2c5c9a")
"""From the worst score to the best: two hues about a neutral, distinct in every colour vision."""


def scores_figure(distributions: pd.DataFrame) -> Figure:
    """Share of each score by version, a panel for each criterion, the mean at the right."""
    criteria = list(dict.fromkeys(distributions["criterion"]))
    n_versions = distributions["version"].nunique()
    with style():
        height = 0.9 + 0.32 * n_versions
        figure = Figure(figsize=(3.3 * len(criteria) + 1, height), layout="constrained")
        axes = figure.subplots(1, len(criteria), sharey=True, squeeze=False)[0]
        for panel, criterion in zip(axes, criteria, strict=True):
            rows = distributions[distributions["criterion"] == criterion]
            left = np.zeros(len(rows))
            for k, colour in enumerate(_SCORE_COLOURS, start=1):
                share = (rows[f"n_{k}"] / rows["n"]).to_numpy(dtype=float)
                panel.barh(rows["version"], share, left=left, color=colour, label=str(k))
                left += share
            for version, mean in zip(rows["version"], rows["mean"], strict=True):
                panel.text(1.02, version, f"{mean:.2f}", va="center", fontsize=8)
            panel.set(title=criterion, xlim=(0, 1), xlabel="share of readings")
        axes[0].invert_yaxis()
        lines = axes[0].get_legend_handles_labels()
        figure.legend(*lines, loc="outside lower center", ncols=len(_SCORE_COLOURS))
    return figure


def strata_figure(distributions: pd.DataFrame, versions: Sequence[str]) -> Figure:
    """Mean score by class of severity, a line for each version, a panel for each criterion."""
    criteria = list(dict.fromkeys(distributions["criterion"]))
    with style():
        figure = Figure(figsize=(3.3 * len(criteria) + 0.5, 3.0), layout="constrained")
        axes = figure.subplots(1, len(criteria), sharey=True, squeeze=False)[0]
        for panel, criterion in zip(axes, criteria, strict=True):
            rows = distributions[distributions["criterion"] == criterion]
            for version, colour in zip(versions, cycle(CYCLE), strict=False):
                line = rows[rows["version"] == version].sort_values("stratum")
                panel.plot(
                    line["stratum"] + 1, line["mean"], "o-", color=colour, label=version,
                    markersize=4, linewidth=1.4,
                )  # fmt: skip
            panel.set(title=criterion, xlabel="class of severity", ylim=(0.9, 5.1))
            panel.set_xticks(sorted(rows["stratum"].unique() + 1))
            panel.grid(color="0.92", linewidth=0.6)
        axes[0].set_ylabel("mean score")
        lines = axes[0].get_legend_handles_labels()
        figure.legend(*lines, loc="outside lower center", ncols=len(versions))
    return figure


def preferences_figure(preferences: pd.DataFrame) -> Figure:
    """How often one version is preferred to another, with 95 % intervals."""
    names = [f"{row.version} over {row.against}" for row in preferences.itertuples()]
    with style():
        figure = Figure(figsize=(6.0, 0.8 + 0.3 * len(names)), layout="constrained")
        axes = figure.subplots()
        _draw_intervals(axes, names, preferences, "rate", ("low", "high"), BLUE)
        axes.axvline(0.5, color=GREY, linewidth=0.8, linestyle="--")
        axes.set(xlim=(0, 1), xlabel="share of choices")
        axes.invert_yaxis()
    return figure


def metrics_figure(metrics: pd.DataFrame) -> Figure:
    """How far each metric agrees with the readers, a panel for each criterion."""
    criteria = list(dict.fromkeys(metrics["criterion"]))
    n_metrics = metrics["metric"].nunique()
    with style():
        figure = Figure(
            figsize=(3.3 * len(criteria) + 1.5, 1.4 + 0.3 * n_metrics), layout="constrained"
        )
        axes = figure.subplots(1, len(criteria), sharey=True, squeeze=False)[0]
        for panel, criterion in zip(axes, criteria, strict=True):
            rows = metrics[metrics["criterion"] == criterion]
            for name, colour, offset in (
                ("correlation", BLUE, -0.12),
                ("concordance", VERMILION, 0.12),
            ):
                ends = (f"{name}_low", f"{name}_high")
                _draw_intervals(
                    panel, list(rows["metric"]), rows, name, ends, colour, offset=offset
                )
            panel.axvline(0.5, color=VERMILION, linewidth=0.6, linestyle=":")
            panel.axvline(0.0, color=BLUE, linewidth=0.6, linestyle=":")
            panel.set(title=criterion, xlim=(-1.02, 1.02), xticks=(-1, -0.5, 0, 0.5, 1))
        axes[0].invert_yaxis()
        lines = axes[0].get_legend_handles_labels()
        figure.legend(*lines, loc="outside lower center", ncols=2)
    return figure


def _draw_intervals(
    axes: Axes,
    names: Sequence[str],
    rows: pd.DataFrame,
    value: str,
    ends: tuple[str, str],
    colour: str,
    *,
    offset: float = 0.0,
) -> None:
    """Draw a dot and its interval for each row; what is NaN is left out."""
    places = np.arange(len(names)) + offset
    middle = rows[value].to_numpy(dtype=float)
    low, high = (rows[end].to_numpy(dtype=float) for end in ends)
    axes.hlines(places, low, high, color=colour, linewidth=1.4)
    axes.plot(middle, places, "o", color=colour, markersize=4.5, label=value)
    axes.set_yticks(np.arange(len(names)), names)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.grid(axis="x", color="0.92", linewidth=0.6)
    axes.set_axisbelow(True)
