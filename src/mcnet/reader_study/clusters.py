"""Means and shares of answers that are not independent: those to one case go together.

An answer is given by a reader to a case; several readers' answers to one case, and one reader's to
several versions of it, are alike. Standard errors are the cluster-robust ones of statsmodels, with
its correction for few clusters and a t distribution of one degree of freedom less than there are
clusters. Where all cases have equally many answers, this is the t test of the cases' means.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int64
from scipy.stats import binomtest
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint


@dataclass(frozen=True)
class ClusteredMean:
    """A mean with its interval and p against zero; NaN where there are too few clusters."""

    mean: float
    low: float
    high: float
    p: float
    standard_error: float
    n_clusters: int


@dataclass(frozen=True)
class ClusteredShare:
    """A share of answers with its interval; p is against a half, of an exact test of clusters."""

    share: float
    low: float
    high: float
    p: float
    """NaN where no cluster has more answers of one kind than of the other."""
    n_effective: float
    n_clusters: int


def clustered_share(is_so: Float[np.ndarray, "n"], clusters: pd.Series) -> ClusteredShare:
    """Share of ones among zeros and ones.

    The interval is Wilson's for an effective number of answers: theirs, divided by how much more
    their mean varies than that of independent ones (Korn and Graubard 1998), which the
    cluster-robust standard error tells. Where all answers are the same it is the number of
    clusters, so that no interval is without a width. The p is that of an exact sign test of the
    clusters, each by the majority of its answers.
    """
    clustered = clustered_mean(is_so, clusters)
    share, n = clustered.mean, len(is_so)
    n_effective = float(clustered.n_clusters)
    if clustered.standard_error > 0:
        of_independent = share * (1 - share) / (n - 1)
        n_effective = min(float(n), n * of_independent / clustered.standard_error**2)
    low, high = proportion_confint(share * n_effective, n_effective, method="wilson")
    return ClusteredShare(
        share,
        float(low),
        float(high),
        sign_test(is_so - 0.5, clusters),
        n_effective,
        clustered.n_clusters,
    )


def sign_test(values: Float[np.ndarray, "n"], clusters: pd.Series) -> float:
    """Two-sided p of an exact test of the signs of the clusters' sums; NaN where all are zero."""
    sums = np.bincount(pd.factorize(clusters)[0], weights=values)
    n_above, n_below = int(np.sum(sums > 0)), int(np.sum(sums < 0))
    return float(binomtest(n_above, n_above + n_below).pvalue) if n_above + n_below else math.nan


def holm(p: pd.Series) -> pd.Series:
    """P values corrected for their number by Holm's steps; NaN stays."""
    corrected = pd.Series(np.nan, index=p.index)
    known = p.dropna()
    if len(known):
        corrected[known.index] = multipletests(known, method="holm")[1]
    return corrected


def clustered_mean(values: Float[np.ndarray, "n"], clusters: pd.Series) -> ClusteredMean:
    """Mean, 95 % interval and two-sided p against zero.

    Parameters
    ----------
    values
        One an answer.
    clusters
        What each answer belongs to, such as the name of its case.
    """
    codes, labels = pd.factorize(clusters)
    mean, nan = float(np.mean(values)), float("nan")
    if len(labels) < 2:
        return ClusteredMean(mean, nan, nan, nan, nan, len(labels))
    if _is_even(values - mean, codes):  # nothing tells how sure the mean is
        return ClusteredMean(mean, nan, nan, 1.0 if mean == 0 else nan, 0.0, len(labels))
    fit = OLS(values, np.ones(len(values))).fit(
        cov_type="cluster", cov_kwds={"groups": codes}, use_t=True
    )
    low, high = fit.conf_int()[0]
    return ClusteredMean(
        mean, float(low), float(high), float(fit.pvalues[0]), float(fit.bse[0]), len(labels)
    )


def _is_even(residuals: Float[np.ndarray, "n"], codes: Int64[np.ndarray, "n"]) -> bool:
    """Whether the answers of every cluster come out at the mean, save for rounding."""
    sums = np.bincount(codes, weights=residuals)
    return bool(np.allclose(sums, 0, atol=1e-9 * (1 + np.abs(residuals).sum())))
