"""Means of answers that are alike within a case."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp

from mcnet.reader_study.clusters import clustered_mean


def cases(n_cases, n_each):
    return pd.Series(np.repeat([f"case {k}" for k in range(n_cases)], n_each))


def test_with_equally_many_answers_it_is_the_t_test_of_the_cases_means(rng):
    values = rng.normal(0.4, 1, 33)
    expected = ttest_1samp(values.reshape(11, 3).mean(axis=1), 0)
    found = clustered_mean(values, cases(11, 3))
    assert found.mean == pytest.approx(values.mean())
    assert found.p == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval()
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.n_clusters == 11


def test_the_order_of_answers_does_not_matter(rng):
    values, labels = rng.normal(size=30), cases(10, 3)
    order = rng.permutation(30)
    one, other = (
        clustered_mean(values[k], labels.iloc[k].reset_index(drop=True))
        for k in (order, np.arange(30))
    )
    assert [one.mean, one.low, one.p] == pytest.approx([other.mean, other.low, other.p])


def test_answers_that_repeat_one_another_add_nothing(rng):
    values = rng.normal(0.4, 1, 9)
    once = clustered_mean(values, cases(9, 1))
    fivefold = clustered_mean(np.repeat(values, 5), cases(9, 5))
    assert fivefold.standard_error == pytest.approx(once.standard_error, rel=0.02)
    assert fivefold.p == pytest.approx(once.p, rel=0.05)


def test_the_interval_covers_the_truth_where_cases_differ_and_readers_are_alike(rng):
    covers = []
    for _ in range(300):
        effect = rng.normal(size=(15, 1)) + 0.3 * rng.normal(size=(15, 4))
        found = clustered_mean((0.2 + effect).ravel(), cases(15, 4))
        covers.append(found.low < 0.2 < found.high)
    assert np.mean(covers) == pytest.approx(0.95, abs=0.04)


def test_too_few_cases_and_equal_answers_do_not_tell():
    one = clustered_mean(np.array([1.0, 2.0]), cases(1, 2))
    assert one.mean == 1.5
    assert np.isnan([one.low, one.high, one.p]).all()
    assert clustered_mean(np.zeros(6), cases(3, 2)).p == 1
    assert np.isnan(clustered_mean(np.ones(6), cases(3, 2)).p)


def test_cases_whose_means_are_the_same_say_nothing_of_how_sure_it_is():
    """One reader always one point up, the other never: no spread of cases, and so no p of 0."""
    answers, labels = np.array([0.0, 1.0] * 7), pd.Series(np.repeat(np.arange(7), 2))
    found = clustered_mean(answers, labels)
    assert (found.mean, found.standard_error, found.n_clusters) == (0.5, 0.0, 7)
    assert np.isnan([found.low, found.high, found.p]).all()
    uneven = clustered_mean(np.array([0, 1, 1] * 3) / 1.0, pd.Series(np.repeat(np.arange(3), 3)))
    assert np.isnan(uneven.p)
    assert clustered_mean(answers - 0.5, labels).p == 1
