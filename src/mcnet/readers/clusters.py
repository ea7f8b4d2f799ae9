"""Means of answers that are not independent: those to one case, or about one person, go together.

An answer is given by a reader to a case; several readers' answers to one case, and one reader's to
several versions of it, are alike. Standard errors are the cluster-robust ones of statsmodels, with
its correction for few clusters and a t distribution of one degree of freedom less than there are
clusters. Where all cases have equally many answers, this is the t test of the cases' means.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int64
from statsmodels.regression.linear_model import OLS


@dataclass(frozen=True)
class ClusteredMean:
    """A mean with its interval and p against zero; NaN where there are too few clusters."""

    mean: float
    low: float
    high: float
    p: float
    standard_error: float
    n_clusters: int


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
