"""The answers to an experiment's questions, as a figure and as tables."""

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mcnet.evaluation.answers import ALL, SIDES
from mcnet.metrics.registry import column
from mcnet.report.style import BLUE, GREY, style
from mcnet.report.tables import ReportTable, interval_text, p_value, signed

_HEADER = (
    "question", "model", "against", "its mean", "the other's", "answer", "mean difference",
    "95 % interval (subjects and traces redrawn)", "better in", "p (subjects)", "r (subjects)",
)  # fmt: skip
_MEANS = slice(3, 5)
"""The columns of `_HEADER` that answers of version 0.1 lack."""


def answer_tables(table: pd.DataFrame) -> list[ReportTable]:
    """Two tables a mode and metric of `mcnet.evaluation.answers.answers`: in all, by severity."""
    tables: list[ReportTable] = []
    if table.empty:
        return tables
    header = list(_HEADER)
    if not set(SIDES) <= set(table.columns):
        del header[_MEANS]
    for (mode, metric), part in table.groupby(["mode", "metric"], sort=False):
        measured = column(str(metric))
        whole = part[part["severity"] == ALL]
        lines = [_cells(row) for _, row in whole.iterrows()]
        tables.append(ReportTable(f"{mode}: answers by {measured.heading}", header, lines))
        classes = [name for name in dict.fromkeys(part["severity"]) if name != ALL]
        by_class = part.set_index(["ask", "severity"])
        lines = [
            [str(ask), *(_short(by_class.loc[(ask, severity)]) for severity in classes)]
            for ask in dict.fromkeys(part.loc[part["severity"] != ALL, "ask"])
        ]
        if not lines:
            continue
        caption = f"{mode}: the same differences by motion magnitude, {measured.title}"
        tables.append(ReportTable(caption, ["question", *classes], lines))
    return tables


def answers_figure(table: pd.DataFrame) -> Figure | None:
    """Mean differences with intervals: a panel a mode and metric, a line a question.

    Dark: of all slices; pale below it, from mild to severe motion. None without answers.
    """
    if table.empty:
        return None
    panels = list(table.groupby(["mode", "metric"], sort=False))
    asked = list(dict.fromkeys(table["ask"]))
    with style():
        size = (3.4 * len(panels) + 3.2, 0.62 * len(asked) + 1.0)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for panel, ((mode, metric), part) in zip(axes, panels, strict=True):
            _draw(panel, part, asked)
            measured = column(str(metric))
            panel.set_title(f"{mode}: {measured.place}")
            panel.set_xlabel(f"difference of {measured.metric.label}")
            panel.xaxis.set_major_locator(MaxNLocator(5))
        axes[0].set_yticks(range(len(asked)), asked)
        axes[0].invert_yaxis()
    return figure


def _draw(axes: Axes, part: pd.DataFrame, asked: list[str]) -> None:
    axes.axvline(0, color="black", linewidth=0.8)
    for place, ask in enumerate(asked):
        rows = part[part["ask"] == ask]
        for number, (_, row) in enumerate(rows.iterrows()):
            of_all = row["severity"] == ALL
            middle, low, high = (
                float(row[name]) for name in ("mean_difference", "subjects_low", "subjects_high")
            )
            y, colour = place - 0.25 + 0.13 * number, BLUE if of_all else GREY
            axes.plot(middle, y, "o", color=colour, markersize=5 if of_all else 3)
            if not math.isnan(low):
                axes.plot([low, high], [y, y], color=colour, linewidth=1.8 if of_all else 1)
    axes.grid(axis="x", color="0.92", linewidth=0.6)
    axes.set_axisbelow(True)


def _cells(row: pd.Series) -> list[str]:
    return [
        str(row["ask"]),
        str(row["model"]) + (" (crossed)" if row.get("crossed", False) else ""),
        str(row["against"]),
        *(f"{row[side]:.4f}" for side in SIDES if side in row),
        str(row["answer"]),
        signed(float(row["mean_difference"])),
        interval_text(float(row["subjects_low"]), float(row["subjects_high"])),
        f"{row['subjects_better']} of {row['subjects_n']}",
        p_value(float(row["subjects_p"])),
        signed(float(row["subjects_rank_biserial"]), 2),
    ]


def _short(row: pd.Series) -> str:
    interval = interval_text(float(row["subjects_low"]), float(row["subjects_high"]))
    return f"{signed(float(row['mean_difference']))} ({interval})"
