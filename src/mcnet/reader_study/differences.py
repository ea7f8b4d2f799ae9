"""Scores of versions: how they are distributed, and whether one is better than another."""

from collections.abc import Sequence
from itertools import combinations
from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import wilcoxon

from mcnet.reader_study.clusters import clustered_mean, holm
from mcnet.reader_study.settings import N_POINTS


def distributions(
    scores: pd.DataFrame, versions: Sequence[str], by: str | None = None
) -> pd.DataFrame:
    """Count of each score, mean, standard deviation and median, by criterion and version.

    Parameters
    ----------
    scores
        Of `mcnet.reader_study.results.scores_table`; repeats are left out.
    versions
        In the order of the study, which the table's is.
    by
        A further column to part by, such as stratum.

    Returns
    -------
    pandas.DataFrame
        Columns criterion, version, (by), n_cases, n (readings), n_1 ... n_5, mean, sd, median.
    """
    keys = ["criterion", "version", *([by] if by else [])]
    records = []
    for labels, rows in scores[~scores["is_repeat"]].groupby(keys, sort=False):
        score = rows["score"]
        counts = {f"n_{k}": int((score == k).sum()) for k in range(1, N_POINTS + 1)}
        records.append(
            dict(zip(keys, labels, strict=True))
            | {"n_cases": rows["case"].nunique(), "n": len(rows)}
            | counts
            | {"mean": score.mean(), "sd": score.std(), "median": score.median()}
        )
    names = [*keys, "n_cases", "n", *(f"n_{k}" for k in range(1, N_POINTS + 1))]
    table = pd.DataFrame(records, columns=[*names, "mean", "sd", "median"])
    criteria = list(dict.fromkeys(scores["criterion"]))
    ranks = {"criterion": criteria.index, "version": list(versions).index}
    return table.sort_values(
        keys, key=lambda column: column.map(ranks[column.name]) if column.name in ranks else column
    ).reset_index(drop=True)


def paired_tests(scores: pd.DataFrame, versions: Sequence[str]) -> pd.DataFrame:
    """Every version against every one before it: differences by the same reader of the same case.

    Parameters
    ----------
    scores
        Of `mcnet.reader_study.results.scores_table`; repeats are left out.
    versions
        In the order of the study.

    Returns
    -------
    pandas.DataFrame
        Columns criterion, version, against, n (differences), n_cases, difference (version -
        against), low, high, p (clustered by case), p_holm (over all pairs of the criterion),
        p_wilcoxon (of the cases' means), n_subjects, subjects_low, subjects_high, subjects_p
        (clustered by subject: cases of one subject are alike, too).
    """
    tables = []
    for criterion, rows in scores[~scores["is_repeat"]].groupby("criterion", sort=False):
        wide = rows.pivot(index=["reader", "case", "subject"], columns="version", values="score")
        records = [
            {"criterion": criterion, "version": version, "against": against}
            | _test((wide[version] - wide[against]).dropna())
            for against, version in combinations([v for v in versions if v in wide], 2)
        ]
        tables.append(pd.DataFrame(records, columns=["criterion", "version", "against", *_TESTED]))
        tables[-1].insert(9, "p_holm", holm(tables[-1]["p"]))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


_MOST_EXACT = 9
_TESTED = (
    *("n", "n_cases", "difference", "low", "high", "p", "p_wilcoxon"),
    *("n_subjects", "subjects_low", "subjects_high", "subjects_p"),
)


def _test(differences: pd.Series) -> dict[str, int | float]:
    if differences.empty:
        return {"n": 0, "n_cases": 0, "n_subjects": 0}
    levels = differences.index.to_frame()
    values = differences.to_numpy(dtype=float)
    by_case = clustered_mean(values, levels["case"])
    by_subject = clustered_mean(values, levels["subject"])
    means = differences.groupby("case").mean().to_numpy(dtype=float)
    return {
        "n": len(values),
        "n_cases": by_case.n_clusters,
        "difference": by_case.mean,
        "low": by_case.low,
        "high": by_case.high,
        "p": by_case.p,
        "p_wilcoxon": _wilcoxon_p(means),
        "n_subjects": by_subject.n_clusters,
        "subjects_low": by_subject.low,
        "subjects_high": by_subject.high,
        "subjects_p": by_subject.p,
    }


def _wilcoxon_p(differences: np.ndarray) -> float:
    nonzero = differences[differences != 0]
    if not len(nonzero):
        return 1.0
    # of more differences with ties, scipy would go through every choice of signs, for seconds
    has_ties = len(np.unique(np.abs(nonzero))) < len(nonzero)
    method: Literal["approx", "auto"] = (
        "approx" if has_ties and len(nonzero) > _MOST_EXACT else "auto"
    )
    return float(wilcoxon(nonzero, method=method).pvalue)
