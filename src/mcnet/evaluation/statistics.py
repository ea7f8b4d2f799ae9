"""Tables from rows: means, gains, and gains by severity of the motion."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from mcnet.core.errors import McnetError
from mcnet.evaluation.rows import KEYS
from mcnet.metrics.registry import COLUMNS, METRICS, PRIMARY, Column, columns_in

MODEL_ORDER: tuple[str, ...] = (
    "corrupted",
    "registered",
    "smoothed",
    "l1",
    "l1-long",
    "l1+tv",
    "l1+tv-ft",
    "mcnet",
)
"""The paper's order, our baselines, control and recipe among them; others follow as they come."""
WITH_DEFICIT: tuple[Column, ...] = tuple(one for one in COLUMNS if one.metric.perfect is not None)
"""Columns with gains over the corrupted images, and the recovered share of the deficit."""


def ordered_models(rows: pd.DataFrame) -> list[str]:
    """Return the model labels that occur, in the paper's order."""
    return _ordered(rows["model"], MODEL_ORDER)


def ordered_modes(rows: pd.DataFrame) -> list[str]:
    """Return the modes of motion that occur, the paper's two first."""
    return _ordered(rows["mode"], ("rotation", "rotation+translation", "six-dof"))


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard deviation of every metric per mode and model, as the paper's Figure 4.

    Columns: mode, model, n (slices), n_subjects, n_traces; ``<metric>_mean`` and ``<metric>_sd``
    (of the sample); for each SSIM ``<metric>_gain`` over the corrupted images and
    ``<metric>_recovered``, the share of their SSIM deficit that is recovered: the gain over 1 minus
    the corrupted images' mean. Metrics that the rows lack are left out.
    """
    check_rows(rows)
    records = []
    for mode in ordered_modes(rows):
        of_mode = rows[rows["mode"] == mode]
        baseline = of_mode[of_mode["model"] == "corrupted"]
        for model in ordered_models(of_mode):
            chosen = of_mode[of_mode["model"] == model]
            record = {"mode": mode, "model": model, **_counts(chosen)}
            records.append(record | _moments(chosen) | _gains(chosen, baseline))
    return pd.DataFrame(records)


def by_severity(rows: pd.DataFrame, edges: Sequence[float] | None = None) -> pd.DataFrame:
    """Mean of each SSIM, and gain over corrupted, per mode, class of motion magnitude and model.

    Parameters
    ----------
    rows
        Rows of `mcnet.evaluation.rows.evaluate`.
    edges
        Increasing limits of the classes; the last class holds its upper limit. Each mode's own
        quartiles if absent.

    Raises
    ------
    McnetError
        The edges do not increase, or hold none of the rows.
    """
    check_rows(rows)
    if edges is not None and (len(edges) < 2 or not np.all(np.diff(edges) > 0)):
        raise McnetError(
            f"The severity edges are {list(edges)}; two or more increasing numbers are expected."
        )
    records = []
    for mode in ordered_modes(rows):
        of_mode = rows[rows["mode"] == mode]
        limits = quartiles(of_mode) if edges is None else np.asarray(edges, dtype=float)
        for low, high in pairwise(limits):
            last = high == limits[-1]
            magnitude = of_mode["magnitude"]
            inside = (magnitude >= low) & ((magnitude <= high) if last else (magnitude < high))
            records += _severity_class(of_mode[inside], mode, float(low), float(high))
    if not records:
        raise McnetError("No row's motion magnitude lies within the severity edges; widen them.")
    return pd.DataFrame(records)


def check_rows(rows: pd.DataFrame) -> None:
    """Refuse a table that is not one of rows.

    A metric may be absent, since tables of earlier versions lack later ones, but not SSIM, nor some
    of a metric's columns.

    Raises
    ------
    McnetError
        A column is absent, or there is no row.
    """
    needed = [*KEYS, "model", "magnitude", PRIMARY]
    for metric in METRICS:
        names = [one.name for one in COLUMNS if one.metric is metric]
        needed += names if any(name in rows.columns for name in names) else []
    absent = [name for name in needed if name not in rows.columns]
    if absent or rows.empty:
        what = f"lacks the column {absent[0]!r}" if absent else "has no rows"
        raise McnetError(
            f"The table of results {what}; one row per slice and model is expected, as an "
            "evaluation writes it."
        )


def _ordered(labels: pd.Series, order: Sequence[str]) -> list[str]:
    found = [str(label) for label in labels.unique()]
    return sorted(found, key=lambda label: order.index(label) if label in order else len(order))


def _counts(rows: pd.DataFrame) -> dict[str, int]:
    return {
        "n": len(rows),
        "n_subjects": rows["subject"].nunique(),
        "n_traces": rows["trace"].nunique(),
    }


def _moments(rows: pd.DataFrame) -> dict[str, float]:
    moments = {}
    for one in columns_in(rows.columns):
        values = rows[one.name]
        moments[f"{one.name}_mean"] = float(values.mean())
        # An infinite PSNR (an image equal to its reference) has a mean, but no deviation.
        finite = bool(np.all(np.isfinite(values)))
        moments[f"{one.name}_sd"] = float(values.std()) if finite else float("nan")
    return moments


def _gains(rows: pd.DataFrame, baseline: pd.DataFrame) -> dict[str, float]:
    """Gain over the corrupted images; NaN where there are none."""
    gains = {}
    for one in WITH_DEFICIT:
        before = float(baseline[one.name].mean())
        gain = float(rows[one.name].mean()) - before
        gains[f"{one.name}_gain"] = gain
        deficit = (one.metric.perfect or 0.0) - before
        gains[f"{one.name}_recovered"] = gain / deficit if deficit else float("nan")
    return gains


def quartiles(rows: pd.DataFrame) -> np.ndarray:
    """Limits of the quarters of the motion magnitudes, each pair counted once."""
    one_model = rows[rows["model"] == rows["model"].iloc[0]]
    limits = np.unique(np.quantile(one_model["magnitude"], [0, 0.25, 0.5, 0.75, 1]))
    return limits if len(limits) > 1 else np.repeat(limits, 2)


def _severity_class(
    rows: pd.DataFrame, mode: str, low: float, high: float
) -> list[dict[str, object]]:
    baseline = rows[rows["model"] == "corrupted"]
    records = []
    for model in ordered_models(rows):
        chosen = rows[rows["model"] == model]
        record: dict[str, object] = {
            "mode": mode,
            "magnitude_from": low,
            "magnitude_to": high,
            "model": model,
            **_counts(chosen),
            "magnitude_mean": float(chosen["magnitude"].mean()),
        }
        means = {f"{one.name}_mean": float(chosen[one.name].mean()) for one in WITH_DEFICIT}
        records.append(record | means | _gains(chosen, baseline))
    return records
