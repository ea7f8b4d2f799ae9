"""Which metric agrees with the readers: over all images, and between versions of one case."""

import math

import numpy as np
import pandas as pd
from jaxtyping import Float, Int64
from scipy.stats import rankdata

from mcnet.metrics.registry import higher_is_better
from mcnet.reader_study.clusters import clustered_share, holm, sign_test

N_RESAMPLES = 2000
FEWEST_REDRAWN = 10
"""Cases whose redrawing tells an interval: of fewer, resamples are too much alike."""
_QUANTILES = (0.025, 0.975)
_COLUMNS = (
    *("criterion", "metric", "correlation", "correlation_low", "correlation_high", "n_images"),
    *("concordance", "concordance_low", "concordance_high", "p", "p_holm", "p_against_best"),
    *("n_pairs", "n_cases"),
)


def score_agreement(
    scores: pd.DataFrame, metrics: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Metrics against the readers' mean scores, by criterion.

    Parameters
    ----------
    scores
        Of `mcnet.reader_study.results.scores_table`; repeats are left out.
    metrics
        Of `mcnet.reader_study.results.metrics_table`.
    rng
        Draws the bootstrap, which redraws cases.

    Returns
    -------
    pandas.DataFrame
        Columns criterion, metric; correlation (Spearman's, over images), correlation_low and _high;
        n_images; concordance (of two versions of a case whose mean scores differ, how often the
        metric prefers the one that readers prefer), with concordance_low, _high and p (against
        a half) of `mcnet.reader_study.clusters.clustered_share`; p_holm (over the metrics of the
        criterion); p_against_best (exact sign test of the cases, against the metric of the highest
        concordance; NaN for that one itself); n_pairs and n_cases, of these pairs. A metric
        of which less is better counts with its sign changed.
    """
    tables = []
    better = _better_is_more(metrics)
    for criterion, rows in scores[~scores["is_repeat"]].groupby("criterion", sort=False):
        means = rows.groupby(["case", "version"])["score"].mean()
        means = means[means.index.isin(better.index)]
        values = better.loc[means.index]
        correlations = {
            name: _correlation(means[known], values[name][known], rng)
            for name, known in values.notna().items()
            if known.any()
        }
        found = pd.DataFrame.from_dict(correlations, orient="index")
        of_pairs = _concordances(_pairs_of_scores(means, values))
        tables.append(_labelled(found.join(of_pairs), str(criterion)))
    return pd.concat(tables, ignore_index=True) if tables else _labelled(pd.DataFrame(), "")


def choice_agreement(choices: pd.DataFrame, metrics: pd.DataFrame) -> pd.DataFrame:
    """How often a metric prefers the version that a reader chose; columns as `score_agreement`.

    There is no correlation. Choices against a version that has no metric, such as the reference,
    are left out.
    """
    rows = choices[~choices["is_repeat"]]
    better = _better_is_more(metrics)
    first, second = (
        better.reindex(pd.MultiIndex.from_arrays([rows["case"], rows[side]])).to_numpy(dtype=float)
        for side in ("first", "second")
    )
    prefers_second = (rows["preferred"] == rows["second"]).to_numpy()
    agrees = np.sign(second - first) * np.where(prefers_second, 1, -1)[:, None]
    return _labelled(_concordances(_agreeing(agrees, rows["case"], better.columns)), "choice")


def _better_is_more(metrics: pd.DataFrame) -> pd.DataFrame:
    turned = [str(name) for name in metrics.columns if not higher_is_better(str(name))]
    return metrics.assign(**{name: -metrics[name] for name in turned})


def _labelled(found: pd.DataFrame, criterion: str) -> pd.DataFrame:
    """The table of a criterion, whose index is the metrics, with all columns in their order."""
    table = found.rename_axis("metric").reset_index().assign(criterion=criterion)
    return table.reindex(columns=list(_COLUMNS))


def _pairs_of_scores(means: pd.Series, values: pd.DataFrame) -> pd.DataFrame:
    """One row for every two versions of a case between which readers made a difference."""
    scores, table = means.to_numpy(dtype=float), values.to_numpy(dtype=float)
    cases, agrees = [], [np.zeros((0, values.shape[1]))]
    for case, places in means.groupby(level="case", sort=False).indices.items():
        i, j = (places[of_pair] for of_pair in np.triu_indices(len(places), 1))
        signs = np.sign(scores[i] - scores[j])[:, None] * np.sign(table[i] - table[j])
        agrees.append(signs[scores[i] != scores[j]])
        cases += [case] * len(agrees[-1])
    return _agreeing(np.concatenate(agrees), pd.Series(cases, dtype=object), values.columns)


def _agreeing(
    signs: Float[np.ndarray, "n_pairs n_metrics"], cases: pd.Series, metrics: pd.Index
) -> pd.DataFrame:
    """Whether each metric, a column, prefers what readers prefer: 1 or 0, NaN where it is even."""
    so = np.where(np.isfinite(signs) & (signs != 0), signs > 0, np.nan)
    return pd.DataFrame(so, columns=metrics, index=cases.to_numpy())


def _concordances(pairs: pd.DataFrame) -> pd.DataFrame:
    """By metric how often it agrees, whether more than by chance, and whether less than the best.

    Metrics that order no pair are left out.
    """
    told = {str(name): column.dropna() for name, column in pairs.items()}
    found = {
        name: clustered_share(column.to_numpy(), column.index.to_series())
        for name, column in told.items()
        if len(column)
    }
    table = pd.DataFrame(
        {
            name: {
                "concordance": one.share,
                "concordance_low": one.low,
                "concordance_high": one.high,
                "p": one.p,
                "n_pairs": len(told[name]),
                "n_cases": one.n_clusters,
            }
            for name, one in found.items()
        }
    ).T
    if table.empty:
        return table
    best = str(table["concordance"].idxmax())
    return table.assign(
        p_holm=holm(table["p"]),
        p_against_best=[
            math.nan if name == best else _p_of_two(pairs[best] - pairs[name]) for name in found
        ],
    )


def _p_of_two(differences: pd.Series) -> float:
    """P that two metrics agree with readers alike; 1, where no pair tells them apart."""
    known = differences.dropna()
    p = sign_test(known.to_numpy(), known.index.to_series())
    return 1.0 if math.isnan(p) else p


def _correlation(
    scores: pd.Series, values: pd.Series, rng: np.random.Generator
) -> dict[str, int | float]:
    """Spearman's, with an interval that redraws cases, whose images keep their ranks."""
    first, second = rankdata(scores), rankdata(values)
    products = (np.ones(len(scores)), first, second, first**2, second**2, first * second)
    cases = scores.index.get_level_values("case")
    sums = pd.DataFrame(dict(enumerate(products))).groupby(cases.to_numpy()).sum().to_numpy()
    low, high = _interval(_pearson(_redrawn(len(sums), rng) @ sums))
    return {
        "correlation": float(_pearson(sums.sum(axis=0))),
        "correlation_low": low,
        "correlation_high": high,
        "n_images": len(scores),
    }


def _redrawn(n_cases: int, rng: np.random.Generator) -> Int64[np.ndarray, "n_resamples n_cases"]:
    """How often each case is drawn, with replacement, as many as there are; of few, nothing."""
    if n_cases < FEWEST_REDRAWN:
        return np.zeros((0, n_cases), dtype=np.int64)
    return rng.multinomial(n_cases, np.full(n_cases, 1 / n_cases), N_RESAMPLES)


def _pearson(sums: Float[np.ndarray, "*n 6"]) -> Float[np.ndarray, "*n"]:
    """Correlation of x and y from the sums of 1, x, y, xx, yy, xy; NaN where one is constant."""
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    spread = np.sqrt(np.maximum(xx - x * x / n, 0) * np.maximum(yy - y * y / n, 0))
    is_known = spread > 1e-9 * xx
    return np.where(is_known, (xy - x * y / n) / np.where(is_known, spread, 1), np.nan)


def _interval(resampled: Float[np.ndarray, "n_resamples"]) -> tuple[float, float]:
    known = resampled[np.isfinite(resampled)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, _QUANTILES)
    return float(low), float(high)
