"""Which metric agrees with the readers: over all images, and between versions of one case."""

from itertools import combinations

import numpy as np
import pandas as pd
from jaxtyping import Float, Int64
from scipy.stats import spearmanr

N_RESAMPLES = 500
_LOWER_IS_BETTER = ("nmse", "nmse_head")
_QUANTILES = (0.025, 0.975)
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
    for metric in metrics.columns:
        values = _better_is_more(metrics, str(metric)).to_dict()
        keys = [
            [(case, version) for case, version in zip(first_time["case"], first_time[side])]
            for side in ("first", "second")
        ]
        first, second = (
            np.array([values.get(key, np.nan) for key in side], dtype=float) for side in keys
        )
        is_told = np.isfinite(first) & np.isfinite(second) & (first != second)
        prefers_second = (first_time["preferred"] == first_time["second"]).to_numpy()
        agrees = pd.Series((second > first) == prefers_second, index=first_time.index)[is_told]
        if len(agrees):
            about = {"criterion": "choice", "metric": metric}
            records.append(about | _share(agrees, first_time["case"][is_told], rng))
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


def _correlation(table: pd.DataFrame, rng: np.random.Generator) -> dict[str, float]:
    scores, values = table["score"].to_numpy(), table["metric"].to_numpy()
    members = [np.asarray(rows) for rows in table.groupby("case", sort=False).indices.values()]
    resampled = [
        _spearman(scores[rows], values[rows])
        for rows in (_redrawn(members, rng) for _ in range(N_RESAMPLES))
    ]
    low, high = _interval(np.array(resampled))
    return {
        "correlation": _spearman(scores, values),
        "correlation_low": low,
        "correlation_high": high,
    }


def _redrawn(
    members: list[Int64[np.ndarray, "_"]], rng: np.random.Generator
) -> Int64[np.ndarray, "n"]:
    """Rows of as many cases as there are, drawn with replacement."""
    drawn = rng.integers(len(members), size=len(members))
    return np.concatenate([members[k] for k in drawn])


def _spearman(first: Float[np.ndarray, "n"], second: Float[np.ndarray, "n"]) -> float:
    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(spearmanr(first, second).statistic)


def _share(agrees: pd.Series, cases: pd.Series, rng: np.random.Generator) -> dict[str, float]:
    """Share of true ones, with an interval that redraws cases."""
    if not len(agrees):
        return {"n_pairs": 0}
    by_case = agrees.astype(float).groupby(cases.to_numpy()).agg(["sum", "count"])
    sums, counts = by_case["sum"].to_numpy(), by_case["count"].to_numpy()
    drawn = rng.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), N_RESAMPLES)
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
