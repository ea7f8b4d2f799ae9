"""Choices between two versions: how often each is preferred."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from mcnet.reader_study.clusters import clustered_share, holm

_COLUMNS = (
    *("version", "against", "n", "n_cases", "n_subjects", "rate", "low", "high", "n_effective"),
    *("p", "p_holm", "subjects_low", "subjects_high", "subjects_p"),
)


def preferences(choices: pd.DataFrame, versions: Sequence[str]) -> pd.DataFrame:
    """How often the second of two versions is preferred to the first, with its interval.

    Parameters
    ----------
    choices
        Of `mcnet.reader_study.results.choices_table`; repeats are left out.
    versions
        In the order of the study, which the table's is.

    Returns
    -------
    pandas.DataFrame
        Columns version (the second), against (the first), n (answers), n_cases, n_subjects; rate,
        low, high, n_effective and p of `mcnet.reader_study.clusters.clustered_share`; p_holm (over
        all pairs of versions); subjects_low, subjects_high, subjects_p (clustered by subject: cases
        of one subject are alike, too).
    """
    records = []
    first_time = choices[~choices["is_repeat"]]
    for against, version in combinations(versions, 2):
        rows = first_time[(first_time["first"] == against) & (first_time["second"] == version)]
        if rows.empty:
            continue
        is_preferred = (rows["preferred"] == version).to_numpy(dtype=float)
        found = clustered_share(is_preferred, rows["case"])
        by_subject = clustered_share(is_preferred, rows["subject"])
        records.append(
            {
                "version": version,
                "against": against,
                "n": len(rows),
                "n_cases": found.n_clusters,
                "n_subjects": by_subject.n_clusters,
                "rate": found.share,
                "low": found.low,
                "high": found.high,
                "n_effective": found.n_effective,
                "p": found.p,
                "subjects_low": by_subject.low,
                "subjects_high": by_subject.high,
                "subjects_p": by_subject.p,
            }
        )
    table = pd.DataFrame(records, columns=list(_COLUMNS))
    return table.assign(p_holm=holm(table["p"].astype(float)))


def left_share(choices: pd.DataFrame) -> dict[str, int | float]:
    """How often the left image was chosen, with Wilson's interval.

    Sides are drawn at random, so it should be about half, and choices count one by one.
    """
    n_left, n = int(np.sum(choices["was_left"])), len(choices)
    low, high = proportion_confint(n_left, n, method="wilson")
    return {"left_share": n_left / n, "left_low": float(low), "left_high": float(high), "n": n}
