"""Tables for subjects: the same numbers as the CSV files, rounded."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from mcnet.report.figures import SSIM_LABELS

_OTHERS = {
    "psnr": "PSNR (dB)",
    "psnr_head": "PSNR in head (dB)",
    "nmse": "NMSE",
    "nmse_head": "NMSE in head",
}


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


def summary_tables(table: pd.DataFrame) -> list[ReportTable]:
    """One table a mode of a `mcnet.evaluation.statistics.summary`: mean ± SD of every metric."""
    tables = []
    for mode in dict.fromkeys(table["mode"]):
        of_mode = table[table["mode"] == mode]
        first = of_mode.iloc[0]
        caption = (
            f"{mode}: {first['n']} slices, {first['n_subjects']} subjects, "
            f"{first['n_traces']} traces; mean ± SD over slices"
        )
        names = {**{name: f"SSIM {label}" for name, label in SSIM_LABELS.items()}, **_OTHERS}
        header = ["image", *names.values(), "SSIM deficit recovered in head, registered"]
        lines = []
        for _, row in of_mode.iterrows():
            cells = [_mean_and_sd(row, name) for name in names]
            recovered = _percent(float(row["ssim_head_registered_recovered"]))
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
        caption = f"{mode}: differences of SSIM, {SSIM_LABELS.get(str(metric), str(metric))}"
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
            before = float(rows["corrupted"]["ssim_head_registered_mean"])
            gains = [
                signed(float(rows[name]["ssim_head_registered_gain"])) if name in rows else "–"
                for name in models
            ]
            n = str(rows["corrupted"]["n"])
            lines.append([f"{low:.2f} to {high:.2f}", n, f"{before:.3f}", *gains])
        caption = f"{mode}: gain of SSIM in head, registered, by motion magnitude"
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


def _mean_and_sd(row: pd.Series, name: str) -> str:
    digits = 1 if name.startswith("psnr") else 3
    mean, deviation = float(row[f"{name}_mean"]), float(row[f"{name}_sd"])
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
