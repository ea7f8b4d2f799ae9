"""Whether one model is better than another: paired, per slice and per subject.

Slices of one subject, and slices corrupted by one trace, are no independent observations. A test
over slices is printed since the field prints it; conclusions rest on the one over subjects.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from scipy.stats import rankdata, t, wilcoxon

from mcnet.core.errors import McnetError
from mcnet.evaluation.rows import KEYS
from mcnet.evaluation.statistics import check_rows, ordered_models, ordered_modes
from mcnet.metrics.registry import column

N_RESAMPLES = 2000
CONFIDENCE = 0.95
ALPHA = 0.05


def comparisons(
    rows: pd.DataFrame,
    against: Sequence[str] = ("corrupted", "registered", "l1", "l1-long"),
    *,
    metric: str = "ssim",
    rng: np.random.Generator,
    n_resamples: int = N_RESAMPLES,
) -> pd.DataFrame:
    """Paired comparison of every model with those in ``against`` that occur, per mode.

    Columns: mode, metric, model, against; ``mean_difference`` (model - against) over slices;
    ``slices_*``: number, Wilcoxon p, rank-biserial effect size, t interval; ``subjects_*``: the
    same over subject means, their interval by a bootstrap that redraws subjects and traces;
    ``subjects_better``: in how many the model is better, by the metric's direction;
    ``subjects_smallest_p``: what a Wilcoxon of so many subjects can reach at all; ``note`` says
    when that is above 0.05.

    Parameters
    ----------
    rows
        Rows of `mcnet.evaluation.rows.evaluate`.
    against
        Labels to compare with; those that do not occur are left out.
    metric
        The column to compare.
    rng
        Draws the bootstrap's resamples.
    n_resamples
        How many.

    Raises
    ------
    McnetError
        The metric is unknown or not in the table, or a slice occurs twice for one model.
    """
    check_rows(rows)
    higher_is_better = column(metric).metric.higher_is_better
    if metric not in rows.columns:
        raise McnetError(
            f"The table of results has no column {metric!r}; evaluate again to measure it."
        )
    records = []
    for mode in ordered_modes(rows):
        table = one_column_a_model(rows[rows["mode"] == mode], metric)
        models = list(table.columns)
        for model in models[1:]:
            for other in against:
                if other in models and models.index(other) < models.index(model):
                    labels = {"mode": mode, "metric": metric, "model": model, "against": other}
                    difference = (table[model] - table[other]).dropna()
                    if len(difference):
                        numbers = compared(
                            difference, rng, n_resamples, higher_is_better=higher_is_better
                        )
                        records.append(labels | numbers)
    return pd.DataFrame(records)


def rank_biserial(differences: Float[np.ndarray, "n"]) -> float:
    """Matched-pairs rank-biserial correlation (Kerby 2014): 1 if all differences are positive."""
    nonzero = differences[differences != 0]
    if len(nonzero) == 0:
        return 0.0
    ranks = rankdata(np.abs(nonzero))
    return float(np.sum(ranks * np.sign(nonzero)) / np.sum(ranks))


def smallest_p(n: int) -> float:
    """Least two-sided p that an exact Wilcoxon signed-rank test of ``n`` differences can give."""
    return float(min(1.0, 2.0 ** (1 - n)))


def clustered_interval(
    differences: pd.Series,
    rng: np.random.Generator,
    n_resamples: int = N_RESAMPLES,
    trace_groups: Int[np.ndarray, "n"] | Bool[np.ndarray, "n"] | None = None,
) -> tuple[float, float]:
    """95 % interval of the mean by a bootstrap that redraws subjects and traces (Owen 2007).

    A resample draws subjects with replacement and, apart from that, traces; a slice counts as often
    as its subject times as often as its trace was drawn. NaN where there is one of either in all.
    With ``trace_groups``, one of each slice and the same for all slices of a trace, traces are
    redrawn within their groups, so that every resample has as many of each.
    """
    subjects, n_subjects = _codes(differences, "subject")
    traces, n_traces = _codes(differences, "trace")
    if n_subjects == 1 or n_traces == 1:
        return float("nan"), float("nan")
    sums, counts = np.zeros((n_subjects, n_traces)), np.zeros((n_subjects, n_traces))
    np.add.at(sums, (subjects, traces), differences.to_numpy())
    np.add.at(counts, (subjects, traces), 1)
    drawn_subjects = rng.multinomial(n_subjects, np.full(n_subjects, 1 / n_subjects), n_resamples)
    drawn_traces = np.zeros((n_resamples, n_traces))
    groups = np.zeros(len(traces)) if trace_groups is None else trace_groups
    for group in np.unique(groups):
        members = np.unique(traces[groups == group])
        n = len(members)
        drawn_traces[:, members] = rng.multinomial(n, np.full(n, 1 / n), n_resamples)
    total = np.einsum("bp,pt,bt->b", drawn_subjects, sums, drawn_traces, optimize=True)
    weight = np.einsum("bp,pt,bt->b", drawn_subjects, counts, drawn_traces, optimize=True)
    means = total[weight > 0] / weight[weight > 0]
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def one_column_a_model(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    """One row a slice, one column a model, in the paper's order."""
    keys = [*KEYS, "magnitude"]
    if rows.duplicated([*keys, "model"]).any():
        raise McnetError(
            "A slice occurs twice for one model in the table of results; a paired comparison "
            "needs each once: evaluate again into a new file."
        )
    table = rows.pivot(index=keys, columns="model", values=metric)
    return table[ordered_models(rows)]


def compared(
    differences: pd.Series,
    rng: np.random.Generator,
    n_resamples: int,
    trace_groups: Int[np.ndarray, "n"] | Bool[np.ndarray, "n"] | None = None,
    *,
    higher_is_better: bool = True,
) -> dict[str, Any]:
    """Effect, tests and intervals of one pair of models, of which the differences are given.

    Traces are redrawn as `clustered_interval` says. ``subjects_better`` counts by the metric's
    direction; every other number has the sign of the differences.
    """
    slices = differences.to_numpy(dtype=float)
    subjects = differences.groupby("subject").mean().to_numpy(dtype=float)
    low, high = _t_interval(slices)
    subjects_low, subjects_high = clustered_interval(differences, rng, n_resamples, trace_groups)
    return {
        "mean_difference": float(slices.mean()),
        "slices_n": len(slices),
        "slices_p": _wilcoxon_p(slices),
        "slices_rank_biserial": rank_biserial(slices),
        "slices_low": low,
        "slices_high": high,
        "subjects_n": len(subjects),
        "subjects_better": int(np.sum(subjects > 0 if higher_is_better else subjects < 0)),
        "subjects_p": _wilcoxon_p(subjects),
        "subjects_rank_biserial": rank_biserial(subjects),
        "subjects_low": subjects_low,
        "subjects_high": subjects_high,
        "subjects_smallest_p": smallest_p(len(subjects)),
        "note": _note(len(subjects)),
    }


def _note(n_subjects: int) -> str:
    """Say when there are too few subjects to tell."""
    least = smallest_p(n_subjects)
    if least < ALPHA:
        return ""
    who = "1 subject" if n_subjects == 1 else f"{n_subjects} subjects"
    return (
        f"{who}: a Wilcoxon test over subjects cannot fall below p = {least:.3g} whatever the "
        "images are; 6 subjects or more are needed for p < 0.05"
    )


def _wilcoxon_p(differences: Float[np.ndarray, "n"]) -> float:
    """Two-sided p of the signed-rank test; 1 where nothing differs."""
    if not np.any(differences):
        return 1.0
    nonzero = differences[differences != 0]
    return float(wilcoxon(nonzero).pvalue)


def _t_interval(differences: Float[np.ndarray, "n"]) -> tuple[float, float]:
    """95 % interval of the mean as if slices were independent."""
    n = len(differences)
    if n < 2:
        return float("nan"), float("nan")
    half = t.ppf((1 + CONFIDENCE) / 2, n - 1) * differences.std(ddof=1) / np.sqrt(n)
    return float(differences.mean() - half), float(differences.mean() + half)


def _codes(differences: pd.Series, level: str) -> tuple[np.ndarray, int]:
    codes, labels = pd.factorize(differences.index.get_level_values(level))
    return codes, len(labels)
