"""Tables of a reader study to be read: the numbers of the CSV files, rounded."""

import math
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from mcnet.report.tables import ReportTable

Row = Mapping[Hashable, Any]


def progress_tables(progress: pd.DataFrame) -> list[ReportTable]:
    """How far every reader is."""
    lines = [
        [str(row["reader"]), f"{row['n_done']} of {row['n_all']}"]
        for row in progress.to_dict("records")
    ]
    return [ReportTable("Readings", ["reader", "read"], lines)]


def score_tables(distributions: pd.DataFrame) -> list[ReportTable]:
    """One table a criterion: how often each score was given to each version."""
    counts = [
        name for name in distributions.columns if str(name).startswith("n_") and name[2:].isdigit()
    ]
    tables = []
    for criterion, rows in distributions.groupby("criterion", sort=False):
        lines = [
            [
                str(row["version"]),
                str(row["n_cases"]),
                str(row["n"]),
                *(str(row[name]) for name in counts),
                f"{row['mean']:.2f} ± {_number(row['sd'])}",
                f"{row['median']:g}",
            ]
            for row in rows.to_dict("records")
        ]
        scores = [f"score {str(name)[2:]}" for name in counts]
        header = ["version", "cases", "readings", *scores, "mean ± SD", "median"]
        tables.append(ReportTable(str(criterion), header, lines))
    return tables


def difference_tables(tests: pd.DataFrame) -> list[ReportTable]:
    """One table a criterion of paired differences."""
    header = (
        "version", "against", "mean difference", "95 % interval", "p", "p (Holm)", "cases",
        "p (Wilcoxon, cases)", "subjects", "95 % interval (subjects)", "p (subjects)",
    )  # fmt: skip
    tables = []
    for criterion, rows in tests.groupby("criterion", sort=False):
        lines = [
            [
                str(row["version"]),
                str(row["against"]),
                signed(row["difference"]),
                interval(row["low"], row["high"], is_signed=True),
                _p(row["p"]),
                _p(row["p_holm"]),
                str(row["n_cases"]),
                _p(row["p_wilcoxon"]),
                str(row["n_subjects"]),
                interval(row["subjects_low"], row["subjects_high"], is_signed=True),
                _p(row["subjects_p"]),
            ]
            for row in rows.to_dict("records")
        ]
        tables.append(ReportTable(f"{criterion}: differences of scores", header, lines))
    return tables


def preference_tables(preferences: pd.DataFrame) -> list[ReportTable]:
    """How often each version was preferred to each other."""
    header = (
        "version", "over", "preferred", "95 % interval", "p", "p (Holm)", "choices", "cases",
        "subjects", "95 % interval (subjects)", "p (subjects)",
    )  # fmt: skip
    lines = [
        [
            str(row["version"]),
            str(row["against"]),
            _percent(row["rate"]),
            percents(row["low"], row["high"]),
            _p(row["p"]),
            _p(row["p_holm"]),
            str(row["n"]),
            str(row["n_cases"]),
            str(row["n_subjects"]),
            percents(row["subjects_low"], row["subjects_high"]),
            _p(row["subjects_p"]),
        ]
        for row in preferences.to_dict("records")
    ]
    return [ReportTable("Preferences", header, lines)] if lines else []


def agreement_tables(agreement: pd.DataFrame) -> list[ReportTable]:
    """Within readers, and between them: a line for each criterion and readers."""
    tables = []
    for kind, of_kind in agreement.groupby("kind", sort=False):
        statistics = list(dict.fromkeys(of_kind["statistic"]))
        lines = []
        for (criterion, readers), rows in of_kind.groupby(["criterion", "readers"], sort=False):
            found = {row["statistic"]: row for row in rows.to_dict("records")}
            cells = [_estimate(found.get(name)) for name in statistics]
            lines.append([str(criterion), str(readers), *cells, str(rows["n"].iloc[0])])
        header = ["criterion", "reader" if kind == "within" else "readers", *statistics, "images"]
        tables.append(ReportTable(f"{str(kind).capitalize()} readers", header, lines))
    return tables


def metric_tables(metrics: pd.DataFrame) -> list[ReportTable]:
    """One table a criterion: how far each metric agrees with the readers, the best first."""
    header = ["metric", "same order within cases", "95 % interval", "p (Holm)", "p (best)"]
    header += ["pairs", "cases"]
    has_correlation = bool(metrics["correlation"].notna().any())
    if has_correlation:
        header += ["correlation over images", "95 % interval", "images"]
    tables = []
    for criterion, rows in metrics.groupby("criterion", sort=False):
        lines = [
            [
                str(row["metric"]),
                _percent(row["concordance"]),
                percents(row["concordance_low"], row["concordance_high"]),
                _p(row["p_holm"]),
                _p(row["p_against_best"]),
                _count(row["n_pairs"]),
                _count(row["n_cases"]),
                *(_correlation_cells(row) if has_correlation else []),
            ]
            for row in best_first(rows, "concordance").to_dict("records")
        ]
        tables.append(ReportTable(f"{criterion}: metrics beside readers", header, lines))
    return tables


def _correlation_cells(row: Row) -> list[str]:
    return [
        _number(row["correlation"]),
        interval(row["correlation_low"], row["correlation_high"]),
        _count(row["n_images"]),
    ]


def _estimate(row: Row | None) -> str:
    if row is None or math.isnan(row["value"]):
        return "–"
    if math.isnan(row["low"]):
        return _number(row["value"])
    return f"{_number(row['value'])} ({interval(row['low'], row['high'])})"


def _number(value: int | float) -> str:
    return "–" if math.isnan(value) else f"{value:.2f}".replace("-", "−")


def signed(value: int | float) -> str:
    """A number with its sign, or a dash."""
    return "–" if math.isnan(value) else f"{value:+.2f}".replace("-", "−")


def interval(low: int | float, high: int | float, *, is_signed: bool = False) -> str:
    """Both ends of an interval, or a dash."""
    if math.isnan(low) or math.isnan(high):
        return "–"
    words = signed if is_signed else _number
    return f"{words(low)} to {words(high)}"


def _p(value: int | float) -> str:
    if math.isnan(value):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def percents(low: int | float, high: int | float) -> str:
    """Both ends of an interval of shares, in percent, or a dash."""
    return "–" if math.isnan(low) else f"{100 * low:.0f} to {100 * high:.0f} %"


def best_first(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """The rows from the highest value on; as they come, where values are the same."""
    return rows.sort_values(column, ascending=False, kind="stable")


def _percent(share: int | float) -> str:
    return "–" if math.isnan(share) else f"{100 * share:.0f} %"


def _count(value: int | float) -> str:
    return "–" if math.isnan(value) else f"{value:.0f}"
