"""What the report says in words, and in which order it shows its tables and figures."""

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from mcnet.reader_study.against_metrics import FEWEST_REDRAWN
from mcnet.reader_study.cases import CORRUPTED
from mcnet.report.reading_figures import (
    metrics_figure,
    preferences_figure,
    scores_figure,
    strata_figure,
)
from mcnet.report.reading_page import ReadingSection
from mcnet.report.reading_tables import (
    Row,
    agreement_tables,
    best_first,
    difference_tables,
    interval,
    metric_tables,
    percents,
    preference_tables,
    progress_tables,
    score_tables,
    signed,
)

Tables = Mapping[str, pd.DataFrame]

_ALPHA = 0.05
_FEWEST_CASES = 6
"""Of fewer, no exact test of signs comes below .05, whatever readers say: 2 / 2^5 is .0625."""
_HALF = 0.5
_TOO_FEW = "too few readings to tell"
_NOT_SHOWN = "not shown to differ"
_AGREEMENT_TEXT = (
    "Kappa is Cohen's, with quadratic weights where there are five points; ICC is ICC(A,1), of one "
    "reader's score, for absolute agreement. In brackets 95 % intervals, which take images as "
    "independent: of cases shown in several versions they are somewhat too narrow. Kappa has none "
    "of fewer than ten images, and neither has one where nothing varies. Within: the "
    "first answer to an image against the answer when it came again."
)
_METRICS_TEXT = (
    "Same order within cases: of two versions of a case between which readers made a difference, "
    "how often the metric prefers the same one; by chance, half. It is the number to read where "
    "versions are to be compared. Its interval is Wilson's, for the effective number of pairs; p "
    "(Holm) is against a half, p (best) against the first metric of the table, by exact sign tests "
    "of the cases. Correlation: Spearman's, over all images, whose cases differ in "
    f"severity; its interval redraws cases (bootstrap), where there are {FEWEST_REDRAWN} or more. "
    "NMSE counts with its sign turned. The reference has no metric and is left out."
)
_OF_THESE_READERS = (
    "Intervals and p are about more cases read by these readers, not about other readers."
)


def score_findings(tables: Tables) -> list[str]:
    """The sentences in front: by criterion each version beside the corrupted one, and metrics."""
    sentences = _reader_findings(tables["readings"])
    tests = tables["differences"]
    for criterion, rows in tests.groupby("criterion", sort=False):
        base = CORRUPTED if (rows["against"] == CORRUPTED).any() else rows["against"].iloc[0]
        parts = [
            f"{row['version']} {signed(row['difference'])} ({_told_difference(row)})"
            for row in rows[rows["against"] == base].to_dict("records")
            if not math.isnan(row["difference"])
        ]
        if parts:
            sentences.append(f"{criterion}, points above {base}: {', '.join(parts)}.")
    return sentences + _subject_findings(tests) + _metric_findings(tables["metrics"])


def choice_findings(tables: Tables) -> list[str]:
    """The sentences in front: what was preferred to what, and metrics."""
    told = tables["preferences"]
    sentences = [
        f"{row['version']} was preferred to {row['against']} in {100 * row['rate']:.0f} % of "
        f"{row['n']} choices ({_told_share(row)})."
        for row in told.to_dict("records")
    ]
    return [
        *_reader_findings(tables["readings"]),
        *sentences,
        *_subject_findings(told),
        *_metric_findings(tables["metrics"]),
    ]


def score_sections(
    tables: Tables, progress: pd.DataFrame, versions: Sequence[str]
) -> list[ReadingSection]:
    """The page of a study of scores."""
    sections = [
        ReadingSection(
            "Scores",
            "From 1, the worst, to 5, the best; repeats are left out.",
            [*progress_tables(progress), *score_tables(tables["scores"])],
            ("scores", scores_figure(tables["scores"])),
        ),
        ReadingSection(
            "By severity",
            "Mean scores by class of severity of the corrupted image, from the mildest.",
            [],
            ("severity", strata_figure(tables["severity"], versions)),
        ),
        ReadingSection(
            "Differences",
            "By the same reader of the same case. Standard errors and p are clustered by case "
            "(cluster-robust, t distribution); Holm's correction is over all pairs of a criterion. "
            "Cases of one subject are alike, too: where there are fewer subjects than cases, the "
            f"columns of subjects, clustered by subject, are the ones to read. {_OF_THESE_READERS}",
            difference_tables(tables["differences"]),
        ),
    ]
    return sections + _shared_sections(tables)


def choice_sections(tables: Tables, progress: pd.DataFrame) -> list[ReadingSection]:
    """The page of a study of choices."""
    (sides,) = tables["sides"].to_dict("records")
    left = (
        f"{100 * sides['left_share']:.0f} % of all choices "
        f"(95 % interval {percents(sides['left_low'], sides['left_high'])})"
    )
    sections = [
        ReadingSection(
            "Preferences",
            "Wilson's 95 % intervals for the effective number of choices, given how alike those of "
            "one case are; p of an exact sign test of the cases by their majorities, with Holm's "
            f"correction over all pairs of versions. {_OF_THESE_READERS} The left "
            f"image was chosen in {left}; sides were drawn at random.",
            [*progress_tables(progress), *preference_tables(tables["preferences"])],
            ("preferences", preferences_figure(tables["preferences"])),
        )
    ]
    return sections + _shared_sections(tables)


def _shared_sections(tables: Tables) -> list[ReadingSection]:
    sections = []
    if len(tables["agreement"]):
        shown = agreement_tables(tables["agreement"])
        sections.append(ReadingSection("Agreement of readers", _AGREEMENT_TEXT, shown))
    if len(tables["metrics"]):
        shown, figure = metric_tables(tables["metrics"]), metrics_figure(tables["metrics"])
        sections.append(
            ReadingSection(
                "Which metric agrees with readers?", _METRICS_TEXT, shown, ("metrics", figure)
            )
        )
    return sections


def _reader_findings(readings: pd.DataFrame) -> list[str]:
    if readings["reader"].nunique() > 1:
        return []
    return [f"{readings['reader'].iloc[0]} alone has read: how others would judge is not known."]


def _subject_findings(tests: pd.DataFrame) -> list[str]:
    if not (tests["n_subjects"] < tests["n_cases"]).any():
        return []
    return [
        f"These p count cases; of subjects there are {tests['n_subjects'].max()}, so read the "
        "columns of subjects, too."
    ]


def _told_difference(row: Row) -> str:
    cases = f"{row['n_cases']} cases"
    if math.isnan(row["low"]) and row["n_cases"] >= _FEWEST_CASES:
        return f"{cases}, all alike, so without an interval"
    verdict = _verdict(row["p_holm"], row["n_cases"], is_beyond=row["p_holm"] < _ALPHA)
    if math.isnan(row["low"]):
        return f"{cases}, {verdict}"
    between = interval(row["low"], row["high"], is_signed=True)
    return f"95 % interval {between}, {cases}, {verdict}"


def _told_share(row: Row) -> str:
    is_beyond = not row["low"] <= _HALF <= row["high"]
    verdict = _verdict(row["p_holm"], row["n_cases"], is_beyond=is_beyond)
    return f"95 % interval {percents(row['low'], row['high'])}, {row['n_cases']} cases, {verdict}"


def _verdict(p: float, n_cases: int, *, is_beyond: bool) -> str:
    """The p in words; a difference is shown by a small one and an interval beyond no difference."""
    if n_cases < _FEWEST_CASES:
        return _TOO_FEW
    if math.isnan(p):
        return _NOT_SHOWN
    told = _told_p(p)
    return told if p < _ALPHA and is_beyond else f"{told}, {_NOT_SHOWN}"


def _told_p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _metric_findings(metrics: pd.DataFrame) -> list[str]:
    """By criterion the metric that agrees most, as far as it is shown to."""
    known = metrics.dropna(subset=["concordance"])
    return [
        _metric_finding(str(criterion), *best_first(rows, "concordance").to_dict("records"))
        for criterion, rows in known.groupby("criterion", sort=False)
    ]


def _metric_finding(criterion: str, best: Row, *others: Row) -> str:
    is_tested = best["n_cases"] >= _FEWEST_CASES and not math.isnan(best["p_holm"])
    tested = f", {_told_p(best['p_holm'])}" if is_tested else ""
    found = (
        f"{best['metric']}, in {100 * best['concordance']:.0f} % of {best['n_pairs']:.0f} pairs "
        f"(95 % interval {percents(best['concordance_low'], best['concordance_high'])}, "
        f"{best['n_cases']:.0f} cases{tested})"
    )
    order = f"orders versions by {criterion} as readers did more often than chance would"
    if best["concordance_high"] <= _HALF:
        return f"No metric {order}; the highest is {found}."
    if not (best["p_holm"] < _ALPHA and best["concordance_low"] > _HALF):
        return f"Too few readings to tell whether any metric {order}; the highest is {found}."
    alike = [str(row["metric"]) for row in others if not row["p_against_best"] < _ALPHA]
    if alike:
        return (
            f"A metric that {order}: {found}. There are too few readings to tell it from "
            f"{', '.join(alike)}."
        )
    return f"The metric that orders versions by {criterion} most like readers did: {found}."
