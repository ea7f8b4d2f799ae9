"""Questions that an experiment asks, answered by paired comparisons: in all, and by severity."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from mcnet.evaluation.comparisons import N_RESAMPLES, compared, one_column_a_model
from mcnet.evaluation.question import Question
from mcnet.evaluation.statistics import ordered_modes, quartiles
from mcnet.metrics.registry import PRIMARY

METRICS_ASKED: tuple[str, ...] = (PRIMARY, "ssim")
SIDES = ["of_model", "of_against"]
ALL = "all"
"""Of every severity."""


def answers(
    rows: pd.DataFrame,
    questions: Sequence[Question],
    *,
    rng: np.random.Generator,
    n_resamples: int = N_RESAMPLES,
) -> pd.DataFrame:
    """One row per mode, question, metric and class of severity: all, then quarters of magnitude.

    Columns: mode, ask, model, against, crossed, metric, severity, ``answer``, the means
    ``of_model`` and ``of_against``, and those of `mcnet.evaluation.comparisons.comparisons`. The
    answer follows from the interval that redraws subjects and traces: "yes" if it is
    above zero, "the reverse" if below, else "undecided". A mode in which one of the two models was
    not trained gives no row. A crossed question is answered for all severities alone, since a
    quarter has not as many even traces as odd ones, and its traces are redrawn within both.

    Parameters
    ----------
    rows
        Rows of `mcnet.evaluation.rows.evaluate`.
    questions
        What is asked.
    rng
        Draws the bootstrap's resamples.
    n_resamples
        How many.
    """
    records = []
    for mode in ordered_modes(rows):
        of_mode = rows[rows["mode"] == mode]
        for metric in METRICS_ASKED:
            table = one_column_a_model(of_mode, metric)
            magnitude = table.index.get_level_values("magnitude").to_numpy()
            for question in questions:
                if not {question.model, question.against} <= set(table.columns):
                    continue
                sides = table[[question.model, question.against]].set_axis(SIDES, axis="columns")
                odd, classes = None, _classes(magnitude, quartiles(of_mode))
                if question.crossed:
                    odd, classes = _is_odd(sides.index), classes[:1]
                    sides[odd] = sides.loc[odd, SIDES[::-1]].to_numpy()
                for severity, inside in classes:
                    of_class = sides[inside]
                    means: dict[str, float] = {side: float(of_class[side].mean()) for side in SIDES}
                    difference = of_class["of_model"] - of_class["of_against"]
                    numbers = compared(difference, rng, n_resamples, trace_groups=odd)
                    records.append(
                        {
                            "mode": mode,
                            "ask": question.ask,
                            "model": question.model,
                            "against": question.against,
                            "crossed": question.crossed,
                            "metric": metric,
                            "severity": severity,
                            "answer": _answer(numbers["subjects_low"], numbers["subjects_high"]),
                            **means,
                            **numbers,
                        }
                    )
    return pd.DataFrame(records)


def _is_odd(slices: pd.Index) -> np.ndarray:
    """Which slices moved by an odd trace, counted from 0 by name."""
    traces = slices.get_level_values("trace")
    return np.asarray(traces.isin(sorted(set(traces))[1::2]))


def _classes(magnitude: np.ndarray, limits: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Names of the classes of severity, and which slices are in each."""
    classes = [(ALL, np.ones(len(magnitude), bool))]
    for number, (low, high) in enumerate(pairwise(limits), start=1):
        last = high == limits[-1]
        inside = (magnitude >= low) & ((magnitude <= high) if last else (magnitude < high))
        if inside.any():
            classes.append((f"{number}: {low:.1f} to {high:.1f}", inside))
    return classes


def _answer(low: float, high: float) -> str:
    if low > 0:
        return "yes"
    return "the reverse" if high < 0 else "undecided"
