"""Choices between two versions: how often each is preferred."""

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import binomtest
from statsmodels.stats.proportion import proportion_confint

from mcnet.readers.clusters import clustered_mean


def preferences(choices: pd.DataFrame, versions: Sequence[str]) -> pd.DataFrame:
    """How often the second of two versions is preferred to the first, with its interval.

    The interval is Wilson's for an effective number of answers: theirs, divided by how much more
    their mean varies than that of independent ones (Korn and Graubard 1998), which the
    cluster-robust standard error tells. Where all answers are the same it is the number of cases.
    The p is that of an exact sign test of the cases, each by the majority of its answers.

    Parameters
    ----------
    choices
        Of `mcnet.readers.results.choices_table`; repeats are left out.
    versions
        In the order of the study, which the table's is.

    Returns
    -------
    pandas.DataFrame
        Columns version (the second), against (the first), n (answers), n_cases, rate, low, high,
        n_effective, p.
    """
    records = []
    first_time = choices[~choices["is_repeat"]]
    for against, version in combinations(versions, 2):
        rows = first_time[(first_time["first"] == against) & (first_time["second"] == version)]
        if rows.empty:
            continue
        is_preferred = (rows["preferred"] == version).to_numpy(dtype=float)
        records.append(
            {"version": version, "against": against, "n": len(rows)} | _rate(is_preferred, rows)
        )
    names = ("version", "against", "n", "n_cases", "rate", "low", "high", "n_effective", "p")
    return pd.DataFrame(records, columns=list(names))


def _rate(is_preferred: np.ndarray, rows: pd.DataFrame) -> dict[str, int | float]:
    clustered = clustered_mean(is_preferred, rows["case"])
    rate, n, n_cases = clustered.mean, len(rows), clustered.n_clusters
    n_effective = float(n_cases)
    if clustered.standard_error > 0:
        of_independent = rate * (1 - rate) / (n - 1)
        n_effective = min(float(n), n * of_independent / clustered.standard_error**2)
    low, high = proportion_confint(rate * n_effective, n_effective, method="wilson")
    share = pd.Series(is_preferred).groupby(rows["case"].to_numpy()).mean()
    n_for, n_against = int((share > 0.5).sum()), int((share < 0.5).sum())
    p = binomtest(n_for, n_for + n_against).pvalue if n_for + n_against else math.nan
    return {
        "n_cases": n_cases,
        "rate": rate,
        "low": float(low),
        "high": float(high),
        "n_effective": n_effective,
        "p": float(p),
    }


def left_share(choices: pd.DataFrame) -> float:
    """How often the left image was chosen; of sides drawn at random it should be about half."""
    return float(choices["was_left"].mean())
