"""What the report says in words, and in which order it shows its tables and figures."""

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from mcnet.readers.cases import CORRUPTED
from mcnet.report.reading_figures import (
    metrics_figure,
    preferences_figure,
    scores_figure,
    strata_figure,
)
from mcnet.report.reading_page import ReadingSection
from mcnet.report.reading_tables import (
    agreement_tables,
    difference_tables,
    metric_tables,
    preference_tables,
    progress_tables,
    score_tables,
)

Tables = Mapping[str, pd.DataFrame]

_ALPHA = 0.05
_AGREEMENT_TEXT = (
    "Kappa is Cohen's, with quadratic weights where there are five points; ICC is ICC(A,1), of one "
    "reader's score, for absolute agreement. In brackets 95 % intervals, which take images as "
    "independent: of cases shown in several versions they are somewhat too narrow. Within: the "
    "first answer to an image against the answer when it came again."
)
_METRICS_TEXT = (
    "Same order within cases: of two versions of a case between which readers made a difference, "
    "how often the metric prefers the same one; by chance, half. It is the number to read where "
    "versions are to be compared. Correlation: Spearman's, over all images, whose cases differ in "
    "severity. Intervals redraw cases (bootstrap). NMSE counts with its sign turned. The reference "
    "has no metric and is left out."
)


def score_findings(tables: Tables) -> list[str]:
    """The sentences in front: by criterion each version beside the corrupted one, and metrics."""
    sentences = []
    tests = tables["differences"]
    for criterion, rows in tests.groupby("criterion", sort=False):
        base = CORRUPTED if (rows["against"] == CORRUPTED).any() else rows["against"].iloc[0]
        parts = [
            f"{row['version']} {_signed(row['difference'])} ({_verdict(row['p_holm'])})"
            for row in rows[rows["against"] == base].to_dict("records")
            if not math.isnan(row["difference"])
        ]
        if parts:
            sentences.append(f"{criterion}, points above {base}: {', '.join(parts)}.")
    if (tests["n_persons"] < tests["n_cases"]).any():
        sentences.append(
            f"These p count cases; of persons there are {tests['n_persons'].max()}, so read the "
            "differences by person, too."
        )
    return sentences + _metric_findings(tables["metrics"])


def choice_findings(tables: Tables) -> list[str]:
    """The sentences in front: what was preferred to what, and metrics."""
    sentences = [
        f"{row['version']} was preferred to {row['against']} in {100 * row['rate']:.0f} % of "
        f"{row['n']} choices ({_verdict(row['p'])})."
        for row in tables["preferences"].to_dict("records")
    ]
    return sentences + _metric_findings(tables["metrics"])


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
            "Cases of one person are alike, too: where there are fewer persons than cases, the "
            "columns of persons, clustered by person, are the ones to read.",
            difference_tables(tables["differences"]),
        ),
    ]
    return sections + _shared_sections(tables)


def choice_sections(tables: Tables, progress: pd.DataFrame) -> list[ReadingSection]:
    """The page of a study of choices."""
    left = float(tables["sides"]["left_share"].iloc[0])
    sections = [
        ReadingSection(
            "Preferences",
            "Wilson's 95 % intervals for the effective number of choices, given how alike those of "
            "one case are; p of an exact sign test of the cases by their majorities. The left "
            f"image was chosen in {100 * left:.0f} % of all choices; sides were drawn at random.",
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


def _metric_findings(metrics: pd.DataFrame) -> list[str]:
    sentences = []
    for criterion, rows in metrics.dropna(subset=["concordance"]).groupby("criterion", sort=False):
        best = rows.sort_values("concordance", kind="stable").iloc[-1]
        sentences.append(
            f"Of the metrics, {best['metric']} orders versions most like readers did by "
            f"{criterion}: in {100 * best['concordance']:.0f} % of {best['n_pairs']:.0f} pairs."
        )
    return sentences


def _signed(difference: float) -> str:
    return f"{difference:+.2f}".replace("-", "−")


def _verdict(p: float) -> str:
    if math.isnan(p):
        return "too little to tell"
    told = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    return told if p < _ALPHA else f"{told}, not shown to differ"
