"""Which metric agrees with the readers: over all images, and between versions of one case."""

from itertools import combinations

import numpy as np
import pandas as pd
from jaxtyping import Float, Int64
from scipy.stats import rankdata

N_RESAMPLES = 2000
_LOWER_IS_BETTER = ("nmse", "nmse_head")
_QUANTILES = (0.025, 0.975)
_FEWEST = 2
"""Cases whose redrawing says anything."""
_COLUMNS = (
    *("criterion", "metric", "correlation", "correlation_low", "correlation_high", "n_images"),
    *("concordance", "concordance_low", "concordance_high", "n_pairs"),
)


def score_agreement(
    scores: pd.DataFrame, metrics: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Metrics against the readers' mean scores, by criterion.

    Parameters
    ----------
    scores
        Of `mcnet.readers.results.scores_table`; repeats are left out.
    metrics
        Of `mcnet.readers.results.metrics_table`.
    rng
        Draws the bootstrap, which redraws cases.

    Returns
    -------
    pandas.DataFrame
        Columns criterion, metric; correlation (Spearman's, over images), correlation_low and _high;
        n_images; concordance (of two versions of a case whose mean scores differ, how often the
        metric prefers the one that readers prefer), concordance_low and _high, n_pairs. NMSE counts
        with its sign turned, so that more is always better.
    """
    records = []
    for criterion, rows in scores[~scores["is_repeat"]].groupby("criterion", sort=False):
        means = rows.groupby(["case", "version"])["score"].mean()
        for metric in metrics.columns:
            values = _better_is_more(metrics, str(metric))
            table = pd.concat({"score": means, "metric": values}, axis=1).dropna().reset_index()
            if len(table):
                about = {"criterion": criterion, "metric": metric, "n_images": len(table)}
                agrees = _agrees_within_cases(table)
                records.append(
                    about | _correlation(table, rng) | _share(agrees["agrees"], agrees["case"], rng)
                )
    return pd.DataFrame(records, columns=list(_COLUMNS))


def choice_agreement(
    choices: pd.DataFrame, metrics: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """How often a metric prefers the version that a reader chose; columns as `score_agreement`.

    There is no correlation. Choices against a version that has no metric, such as the reference,
    are left out.
    """
    records = []
    first_time = choices[~choices["is_repeat"]]
    cases = first_time["case"]
    for metric in metrics.columns:
        values = _better_is_more(metrics, str(metric)).to_dict()
        first, second = (
            np.array(
                [values.get(key, np.nan) for key in zip(cases, first_time[side], strict=True)],
                dtype=float,
            )
            for side in ("first", "second")
        )
        is_told = np.isfinite(first) & np.isfinite(second) & (first != second)
        prefers_second = (first_time["preferred"] == first_time["second"]).to_numpy()
        agrees = pd.Series((second > first) == prefers_second, index=first_time.index)[is_told]
        if len(agrees):
            about = {"criterion": "choice", "metric": metric}
            records.append(about | _share(agrees, cases[is_told], rng))
    return pd.DataFrame(records, columns=list(_COLUMNS))


def _better_is_more(metrics: pd.DataFrame, metric: str) -> pd.Series:
    return -metrics[metric] if metric in _LOWER_IS_BETTER else metrics[metric]


def _agrees_within_cases(table: pd.DataFrame) -> pd.DataFrame:
    """One row for every two versions of a case that both readers and metric tell apart."""
    rows = []
    for case, group in table.groupby("case", sort=False):
        scores, values = group["score"].to_numpy(), group["metric"].to_numpy()
        for i, j in combinations(range(len(group)), 2):
            sign = np.sign(scores[i] - scores[j]) * np.sign(values[i] - values[j])
            if sign:
                rows.append((case, sign > 0))
    return pd.DataFrame(rows, columns=["case", "agrees"])


def _correlation(table: pd.DataFrame, rng: np.random.Generator) -> dict[str, int | float]:
    """Spearman's, with an interval that redraws cases, whose images keep their ranks."""
    first, second = rankdata(table["score"]), rankdata(table["metric"])
    ones = np.ones(len(table))
    products = (ones, first, second, first**2, second**2, first * second)
    sums = pd.DataFrame(dict(enumerate(products))).groupby(table["case"]).sum().to_numpy()
    low, high = _interval(_pearson(_redrawn(len(sums), rng) @ sums))
    return {
        "correlation": float(_pearson(sums.sum(axis=0))),
        "correlation_low": low,
        "correlation_high": high,
    }


def _redrawn(n_cases: int, rng: np.random.Generator) -> Int64[np.ndarray, "n_resamples n_cases"]:
    """How often each case is drawn, with replacement, as many as there are; of one, nothing."""
    if n_cases < _FEWEST:
        return np.zeros((0, n_cases), dtype=np.int64)
    return rng.multinomial(n_cases, np.full(n_cases, 1 / n_cases), N_RESAMPLES)


def _pearson(sums: Float[np.ndarray, "*n 6"]) -> Float[np.ndarray, "*n"]:
    """Correlation of x and y from the sums of 1, x, y, xx, yy, xy; NaN where one is constant."""
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    spread = np.sqrt(np.maximum(xx - x * x / n, 0) * np.maximum(yy - y * y / n, 0))
    is_known = spread > 1e-9 * xx
    return np.where(is_known, (xy - x * y / n) / np.where(is_known, spread, 1), np.nan)


def _share(agrees: pd.Series, cases: pd.Series, rng: np.random.Generator) -> dict[str, int | float]:
    """Share of true ones, with an interval that redraws cases."""
    if not len(agrees):
        return {"n_pairs": 0}
    by_case = agrees.astype(float).groupby(cases.to_numpy()).agg(["sum", "count"])
    sums, counts = by_case["sum"].to_numpy(), by_case["count"].to_numpy()
    drawn = _redrawn(len(sums), rng)
    low, high = _interval((drawn @ sums) / (drawn @ counts))
    return {
        "concordance": float(agrees.mean()),
        "concordance_low": low,
        "concordance_high": high,
        "n_pairs": len(agrees),
    }


def _interval(resampled: Float[np.ndarray, "n_resamples"]) -> tuple[float, float]:
    known = resampled[np.isfinite(resampled)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, _QUANTILES)
    return float(low), float(high)
