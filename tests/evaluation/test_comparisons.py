"""Paired tests are scipy's; the clustered interval knows that slices are no subjects."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import wilcoxon

from mcnet.core.errors import McnetError
from mcnet.evaluation.comparisons import (
    clustered_interval,
    comparisons,
    rank_biserial,
    smallest_p,
)
from mcnet.metrics.registry import COLUMN_NAMES


def rows_of(n_subjects: int, n_traces: int, gain, seed: int = 4) -> pd.DataFrame:
    """Rows of corrupted and l1; ``gain(subject, rng)`` is what l1 adds to each slice."""
    rng = np.random.default_rng(seed)
    records = []
    for subject in range(n_subjects):
        for trace in range(n_traces):
            for position_mm in (0.0, 5.0, 10.0):
                labels = {"subject": f"p{subject}", "trace": f"t{trace}", "mode": "rotation"}
                labels |= {"position_mm": position_mm, "magnitude": float(trace)}
                before = rng.uniform(0.4, 0.7)
                for model, score in (("corrupted", before), ("l1", before + gain(subject, rng))):
                    records.append(labels | {"model": model} | dict.fromkeys(COLUMN_NAMES, score))
    return pd.DataFrame(records)


def only(rows: pd.DataFrame, **options) -> pd.Series:
    table = comparisons(rows, rng=np.random.default_rng(0), **options)
    assert len(table) == 1
    return table.iloc[0]


def test_p_is_that_of_scipy_over_slices_and_over_subject_means():
    rows = rows_of(7, 4, lambda _, rng: rng.normal(0.01, 0.02))
    result = only(rows.sample(frac=1, random_state=2), metric="ssim_head")
    wide = rows.pivot_table(
        index=["subject", "trace", "position_mm"], columns="model", values="ssim_head"
    )
    difference = wide["l1"] - wide["corrupted"]
    subjects = difference.groupby("subject").mean()
    assert result["mean_difference"] == pytest.approx(difference.mean())
    assert result["slices_p"] == pytest.approx(wilcoxon(difference).pvalue)
    assert result["subjects_p"] == pytest.approx(wilcoxon(subjects).pvalue)
    assert (result["slices_n"], result["subjects_n"]) == (84, 7)
    assert result["subjects_low"] < result["mean_difference"] < result["subjects_high"]
    assert result["note"] == ""


def test_rank_biserial_by_hand():
    assert rank_biserial(np.array([1.0, 2.0, 3.0])) == 1
    assert rank_biserial(np.array([-1.0, 2.0, 3.0])) == pytest.approx((2 + 3 - 1) / 6)
    assert rank_biserial(np.array([-3.0, 2.0, 0.0])) == pytest.approx((1 - 2) / 3)
    assert rank_biserial(np.zeros(4)) == 0


@pytest.mark.parametrize("n", [3, 5, 6, 9])
def test_the_smallest_p_is_reached_when_all_subjects_gain(n):
    rows = rows_of(n, 3, lambda subject, rng: 0.05 + 0.01 * subject + rng.uniform(0, 0.001))
    result = only(rows)
    assert result["subjects_p"] == pytest.approx(smallest_p(n))
    assert result["subjects_rank_biserial"] == 1
    assert result["subjects_better"] == n
    assert (result["note"] == "") == (n >= 6)
    if n < 6:
        assert result["note"].startswith(f"{n} subjects")


def test_the_clustered_interval_is_wider_where_subjects_differ():
    rows = rows_of(6, 10, lambda subject, rng: 0.03 * (subject - 2) + rng.normal(0, 0.005))
    result = only(rows)
    clustered = result["subjects_high"] - result["subjects_low"]
    assert clustered > 2 * (result["slices_high"] - result["slices_low"])


def test_the_clustered_interval_holds_the_truth_as_often_as_it_says():
    """Subjects and traces both vary: a bootstrap over slices would hold it half as often."""
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(100):
        subjects, traces = rng.normal(0, 1, 15), rng.normal(0, 1, 15)
        grid = subjects[:, None] + traces + rng.normal(0, 0.5, (15, 15))
        index = pd.MultiIndex.from_product([range(15), range(15)], names=["subject", "trace"])
        low, high = clustered_interval(pd.Series(grid.ravel(), index=index), rng, 400)
        hits += low < 0 < high
    assert 86 <= hits <= 100


def test_traces_redrawn_within_groups_leave_out_what_the_groups_differ_by():
    rng = np.random.default_rng(6)
    index = pd.MultiIndex.from_product([range(9), range(8)], names=["subject", "trace"])
    odd = index.get_level_values("trace").to_numpy() % 2
    differences = pd.Series(0.01 + np.where(odd, 1.0, -1.0) + rng.normal(0, 0.01, 72), index=index)
    low, high = clustered_interval(differences, rng, 400, odd)
    assert 0 < low < 0.01 < high < 0.02
    low, high = clustered_interval(differences, rng, 400)
    assert high - low > 1


def test_one_seed_gives_one_table():
    rows = rows_of(4, 3, lambda _, rng: rng.normal(0.01, 0.02))
    first, second, other = (
        comparisons(rows, rng=np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(first, second)
    assert first["subjects_low"].iloc[0] != other["subjects_low"].iloc[0]


def test_equal_models_do_not_differ():
    result = only(rows_of(3, 2, lambda *_: 0.0))
    assert result["mean_difference"] == 0
    assert result["slices_p"] == result["subjects_p"] == 1


def test_one_subject_gives_no_interval_and_says_so():
    result = only(rows_of(1, 5, lambda _, rng: rng.normal(0.1, 0.02)))
    assert np.isnan(result["subjects_low"])
    assert result["note"].startswith("1 subject")


def test_each_pair_of_models_is_compared_once_and_absent_ones_not_at_all():
    rows = rows_of(3, 2, lambda _, rng: rng.normal(0.1, 0.02))
    more = pd.concat([rows, rows[rows["model"] == "l1"].assign(model="l1+tv")])
    table = comparisons(more, rng=np.random.default_rng(0), n_resamples=50)
    assert list(zip(table["model"], table["against"], strict=True)) == [
        ("l1", "corrupted"),
        ("l1+tv", "corrupted"),
        ("l1+tv", "l1"),
    ]


def test_what_cannot_be_compared_is_refused():
    rows = rows_of(2, 2, lambda *_: 0.1)
    with pytest.raises(McnetError, match="unknown"):
        comparisons(rows, metric="beauty", rng=np.random.default_rng(0))
    with pytest.raises(McnetError, match="twice"):
        comparisons(pd.concat([rows, rows]), rng=np.random.default_rng(0))
