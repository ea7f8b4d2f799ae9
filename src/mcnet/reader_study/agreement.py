"""How far readers agree: with themselves, when an image comes again, and with one another.

Weighted kappa is statsmodels'. The intraclass correlation is ICC(A,1) of McGraw and Wong (1996),
which Shrout and Fleiss (1979) call ICC(2,1): one reader's score, absolute agreement, readers and
images drawn at random. No library under a licence like mcnet's has it with its interval, so it is
computed here from the mean squares; tests hold it to published values and to statsmodels' anova.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy.stats import f as f_distribution
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.proportion import proportion_confint

CONFIDENCE = 0.95
_FEWEST = 3
"""Images that two columns of answers must share for a coefficient."""
_FEWEST_FOR_KAPPAS_INTERVAL = 10
"""It is asymptotic: of fewer images it says nothing."""
_NO_SPREAD = 1e-9
"""Share of all mean squares below which one is rounding."""


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval; NaN where the answers do not tell."""

    value: float
    low: float
    high: float


_UNKNOWN = Estimate(float("nan"), float("nan"), float("nan"))


def weighted_kappa(answers: Float[np.ndarray, "n_images 2"], n_points: int) -> Estimate:
    """Cohen's kappa of two columns of scores from 1 to ``n_points``, with quadratic weights.

    Of two points, as in a choice, weights make no difference. The interval is the asymptotic one.
    """
    table = np.zeros((n_points, n_points))
    np.add.at(table, tuple(answers.astype(int).T - 1), 1)
    # who always gives one answer agrees by chance alone, or no kappa is defined
    if len(answers) < _FEWEST or np.any(np.ptp(answers, axis=0) == 0):
        return _UNKNOWN
    with np.errstate(invalid="ignore"):  # of so few that the variance comes out below zero
        result = cohens_kappa(table, wt="quadratic")
    # where all agree the variance is zero: that tells nothing of how sure kappa is
    is_known = len(answers) >= _FEWEST_FOR_KAPPAS_INTERVAL and not np.array_equal(*answers.T)
    low, high = (result.kappa_low, result.kappa_upp) if is_known else (np.nan, np.nan)
    return Estimate(float(result.kappa), *(float(np.clip(end, -1, 1)) for end in (low, high)))


def intraclass_correlation(scores: Float[np.ndarray, "n_images n_readers"]) -> Estimate:
    """ICC(A,1) and its interval, McGraw and Wong 1996, table 4 and table 7.

    There is no interval where readers differ by the same on every image, as where all agree: what
    is left, from which it is computed, is zero then.
    """
    n, k = scores.shape
    if n < _FEWEST or k < 2 or np.ptp(scores) == 0:
        return _UNKNOWN
    of_images, of_readers, of_rest = _mean_squares(scores)
    value = (of_images - of_rest) / (of_images + (k - 1) * of_rest + k * (of_readers - of_rest) / n)
    if value < -1 - _NO_SPREAD:  # of few images the formula leaves the range of a correlation
        return _UNKNOWN
    if of_rest <= _NO_SPREAD * (of_images + of_readers):
        return Estimate(float(value), float("nan"), float("nan"))
    a = k * value / (n * (1 - value))
    b = 1 + k * value * (n - 1) / (n * (1 - value))
    spread = (a * of_readers) ** 2 / (k - 1) + (b * of_rest) ** 2 / ((n - 1) * (k - 1))
    freedom = (a * of_readers + b * of_rest) ** 2 / spread if spread > 0 else float("nan")
    tail = (1 + CONFIDENCE) / 2
    lower = float(f_distribution.ppf(tail, n - 1, freedom))
    upper = float(f_distribution.ppf(tail, freedom, n - 1))
    others = k * of_readers + (k * n - k - n) * of_rest
    low = n * (of_images - lower * of_rest) / (lower * others + n * of_images)
    high = n * (upper * of_images - of_rest) / (others + n * upper * of_images)
    if not low <= value <= high:  # far below zero the approximation fails
        return Estimate(float(value), float("nan"), float("nan"))
    return Estimate(float(value), float(low), float(high))


def _mean_squares(
    scores: Float[np.ndarray, "n_images n_readers"],
) -> tuple[float, float, float]:
    """Mean squares of images, of readers, and of what is left: two-way, one score a cell."""
    n, k = scores.shape
    images = scores.mean(axis=1, keepdims=True) - scores.mean()
    readers = scores.mean(axis=0, keepdims=True) - scores.mean()
    rest = scores - scores.mean() - images - readers
    return (
        float(k * np.sum(images**2) / (n - 1)),
        float(n * np.sum(readers**2) / (k - 1)),
        float(np.sum(rest**2) / ((n - 1) * (k - 1))),
    )


def agreement(answers: pd.DataFrame) -> pd.DataFrame:
    """Every coefficient within and between readers, by criterion.

    Parameters
    ----------
    answers
        Columns reader, is_repeat, image (what was shown), criterion, score, n_points.

    Returns
    -------
    pandas.DataFrame
        Columns kind (within, between), criterion, readers, statistic (kappa, ICC, same answer),
        value, low, high, n (images).
    """
    records: list[dict[str, object]] = []
    for criterion, of_criterion in answers.groupby("criterion", sort=False):
        n_points = int(of_criterion["n_points"].iloc[0])
        for kind, readers, columns in _compared(of_criterion):
            about = {"kind": kind, "criterion": criterion, "readers": readers}
            for statistic, estimate in _coefficients(columns, n_points):
                records.append(
                    about | {"statistic": statistic} | asdict(estimate) | {"n": len(columns)}
                )
    names = ["kind", "criterion", "readers", "statistic", "value", "low", "high", "n"]
    return pd.DataFrame(records, columns=names)


def _compared(answers: pd.DataFrame) -> Iterator[tuple[str, str, np.ndarray]]:
    """Columns of scores of the same images: each reader's twice, every two readers', all's."""
    first = answers[~answers["is_repeat"]].pivot(index="image", columns="reader", values="score")
    again = answers[answers["is_repeat"]].pivot(index="image", columns="reader", values="score")
    for reader in again.columns:
        twice = pd.concat([first[reader], again[reader]], axis=1).dropna()
        yield "within", str(reader), twice.to_numpy(dtype=float)
    pairs = list(combinations(first.columns, 2))
    for pair in pairs:
        yield "between", ", ".join(pair), first[list(pair)].dropna().to_numpy(dtype=float)
    if len(pairs) > 1:
        yield "between", "all", first.dropna().to_numpy(dtype=float)


def _share_of_same(columns: Float[np.ndarray, "n_images 2"]) -> Estimate:
    """How often two columns have one answer, with Wilson's interval."""
    if not len(columns):
        return _UNKNOWN
    n_same, n = int(np.sum(columns[:, 0] == columns[:, 1])), len(columns)
    low, high = proportion_confint(n_same, n, method="wilson")
    return Estimate(n_same / n, float(low), float(high))


def _coefficients(
    columns: Float[np.ndarray, "n_images n_readers"], n_points: int
) -> Iterator[tuple[str, Estimate]]:
    if columns.shape[1] == 2:
        yield "same answer", _share_of_same(columns)
        yield "kappa", weighted_kappa(columns, n_points)
    if n_points > 2:
        yield "ICC", intraclass_correlation(columns)
