"""Tables for readers: the same numbers as the CSV files, rounded."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from mcnet.metrics.registry import COLUMNS, PRIMARY, Column, column, columns_in

Row = Mapping[Any, Any]
"""One line of a table of results."""


@dataclass(frozen=True)
class ReportTable:
    """A table of text, as Markdown and HTML show it."""

    caption: str
    header: Sequence[str]
    lines: Sequence[Sequence[str]]
    note: str = ""

    def markdown(self) -> str:
        """Return the table as Markdown, under its caption."""
        ruler = ["---"] * len(self.header)
        lines = [f"| {' | '.join(line)} |" for line in (self.header, ruler, *self.lines)]
        return "\n".join([f"**{self.caption}**", "", *lines, ""])


def with_notes(tables: Sequence[ReportTable]) -> str:
    """Return tables as Markdown, each followed by its note."""
    return "\n".join(
        table.markdown() + (f"\n{table.note}\n" if table.note else "") for table in tables
    )


def summary_tables(table: pd.DataFrame) -> list[ReportTable]:
    """One table a mode of a `mcnet.evaluation.statistics.summary`: mean ± SD of every metric."""
    columns = columns_in((c.name for c in COLUMNS if f"{c.name}_mean" in table.columns), "summary")
    header = ["image", *(one.title for one in columns)]
    header.append("SSIM deficit recovered in head, registered")
    tables = []
    for mode in dict.fromkeys(table["mode"]):
        of_mode = table[table["mode"] == mode]
        first = of_mode.iloc[0]
        caption = (
            f"{mode}: {first['n']} slices, {first['n_subjects']} subjects, "
            f"{first['n_traces']} traces; mean ± SD over slices"
        )
        lines = []
        for row in of_mode.to_dict("records"):
            cells = [mean_and_sd(row, one) for one in columns]
            recovered = _percent(float(row[f"{PRIMARY}_recovered"]))
            lines.append([str(row["model"]), *cells, recovered])
        tables.append(ReportTable(caption, header, lines))
    return tables


def comparison_tables(table: pd.DataFrame) -> list[ReportTable]:
    """One table a mode and metric of `mcnet.evaluation.comparisons.comparisons`."""
    if table.empty:
        return []
    header = (
        "image", "against", "mean difference", "95 % interval (subjects and traces redrawn)",
        "subjects", "better in", "p (subjects)", "r (subjects)",
        "slices", "p (slices)", "r (slices)",
    )  # fmt: skip
    tables = []
    for (mode, metric), part in table.groupby(["mode", "metric"], sort=False):
        caption = f"{mode}: differences of {column(str(metric)).heading}"
        lines = [_comparison_cells(row) for _, row in part.iterrows()]
        notes = [str(note) for note in dict.fromkeys(part["note"].fillna("")) if note]
        tables.append(ReportTable(caption, header, lines, note="; ".join(notes)))
    return tables


def severity_tables(table: pd.DataFrame) -> list[ReportTable]:
    """One table a mode of `mcnet.evaluation.statistics.by_severity`: gain over corrupted."""
    tables = []
    for mode, part in table.groupby("mode", sort=False):
        models = [name for name in dict.fromkeys(part["model"]) if name != "corrupted"]
        lines = []
        for (low, high), group in part.groupby(["magnitude_from", "magnitude_to"], sort=False):
            rows = {row["model"]: row for row in group.to_dict("records")}
            if "corrupted" not in rows:
                continue
            before = float(rows["corrupted"][f"{PRIMARY}_mean"])
            gains = [
                signed(float(rows[name][f"{PRIMARY}_gain"])) if name in rows else "–"
                for name in models
            ]
            n = str(rows["corrupted"]["n"])
            lines.append([f"{low:.2f} to {high:.2f}", n, f"{before:.3f}", *gains])
        caption = f"{mode}: gain of {column(PRIMARY).title}, by motion magnitude"
        tables.append(ReportTable(caption, ["magnitude", "slices", "corrupted", *models], lines))
    return tables


def _comparison_cells(row: pd.Series) -> list[str]:
    interval = interval_text(float(row["subjects_low"]), float(row["subjects_high"]))
    return [
        str(row["model"]),
        str(row["against"]),
        signed(float(row["mean_difference"])),
        interval,
        str(row["subjects_n"]),
        f"{row['subjects_better']} of {row['subjects_n']}",
        p_value(float(row["subjects_p"])),
        signed(float(row["subjects_rank_biserial"]), 2),
        str(row["slices_n"]),
        p_value(float(row["slices_p"])),
        signed(float(row["slices_rank_biserial"]), 2),
    ]


def mean_and_sd(row: Row, column: Column) -> str:
    """Mean ± SD of a metric in a row of a summary; a dash where it was not measured."""
    digits = column.metric.digits
    mean, deviation = float(row[f"{column.name}_mean"]), float(row[f"{column.name}_sd"])
    if math.isnan(mean):
        return "–"
    if math.isnan(deviation):
        return f"{mean:.{digits}f}"
    return f"{mean:.{digits}f} ± {deviation:.{digits}f}"


def interval_text(low: float, high: float) -> str:
    """An interval of differences, in words; a dash where there is none."""
    return "–" if math.isnan(low) else f"{signed(low)} to {signed(high)}"


def p_value(value: float) -> str:
    """A p value to three decimals."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def signed(value: float, digits: int = 4) -> str:
    """A difference with its sign."""
    return f"{value:+.{digits}f}".replace("-", "−")


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else f"{100 * share:+.1f} %".replace("-", "−")
