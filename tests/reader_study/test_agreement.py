"""Kappa and ICC against published values, other libraries, hand computation, and simulation."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy.stats import binomtest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.anova import anova_lm

from mcnet.reader_study.agreement import (
    _mean_squares,
    agreement,
    intraclass_correlation,
    weighted_kappa,
)

SHROUT_AND_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]],
    dtype=float,
)
"""Shrout and Fleiss 1979, table 2: six targets, four judges."""


def answers_of(table):
    """Two columns of answers from 1 on, as often as the table says."""
    pairs = [(i, j) for (i, j), n in np.ndenumerate(table) for _ in range(n)]
    return np.array(pairs, dtype=float) + 1


def test_kappa_of_two_points_is_that_computed_by_hand():
    # 45 of 60 agree; by chance (35 x 30 + 25 x 30) / 60^2 = 1/2
    found = weighted_kappa(answers_of(np.array([[25, 10], [5, 20]])), 2)
    assert found.value == pytest.approx((0.75 - 0.5) / (1 - 0.5))
    assert found.low < found.value < found.high < 1


def test_weighted_kappa_is_that_of_scikit_learn(rng):
    first = rng.integers(1, 6, 83)
    second = np.clip(first + rng.integers(-2, 3, 83), 1, 5)
    expected = cohen_kappa_score(first, second, labels=[1, 2, 3, 4, 5], weights="quadratic")
    found = weighted_kappa(np.column_stack([first, second]).astype(float), 5)
    assert found.value == pytest.approx(expected)


def test_a_score_further_away_weighs_more():
    near, far = np.diag([9] * 5), np.diag([9] * 5)
    near[0, 1] = far[0, 4] = 3
    assert (
        weighted_kappa(answers_of(far), 5).value < weighted_kappa(answers_of(near), 5).value - 0.1
    )


def test_kappa_of_one_answer_alone_is_not_defined():
    assert np.isnan(weighted_kappa(np.full((9, 2), 4.0), 5).value)
    assert np.isnan(weighted_kappa(np.ones((2, 2)), 5).value)
    assert np.isnan(weighted_kappa(np.array([[1.0, 2.0], [1, 3]] * 9), 5).value)


@pytest.mark.parametrize("scores", [[1, 1, 2, 2, 3, 4], [5, 1, 3], [1, 2] * 9])
def test_answers_that_all_agree_tell_no_interval(scores):
    columns = np.repeat(np.array(scores, dtype=float)[:, None], 2, axis=1)
    for found in (weighted_kappa(columns, 5), intraclass_correlation(columns)):
        assert found.value == pytest.approx(1)
        assert np.isnan([found.low, found.high]).all()


@pytest.mark.slow
def test_kappa_of_few_images_has_no_interval_and_of_more_one_within_its_range(rng):
    for n in (3, 9, 10, 30):
        for _ in range(100):
            found = weighted_kappa(rng.integers(1, 4, (n, 2)).astype(float), 5)
            if n < 10:
                assert np.isnan([found.low, found.high]).all()
            elif not np.isnan(found.low):
                assert -1 <= found.low <= found.value <= found.high <= 1


def test_a_reader_who_is_stricter_by_the_same_on_every_image_has_an_icc_without_an_interval():
    """Mean squares are 5 of the 5 images, 2.5 of the 2 readers, and nothing is left.

    So ICC(A,1) is 5 / (5 + 2 x 2.5 / 5).
    """
    scores = np.array([[1.0, 2], [2, 3], [3, 4], [4, 5], [5, 6]])
    found = intraclass_correlation(scores)
    assert found.value == pytest.approx(5 / 6)
    assert np.isnan([found.low, found.high]).all()
    assert intraclass_correlation(np.array([[1.0, 2]] * 3)).value == 0


def test_scores_that_go_round_have_no_interval_and_none_is_below_minus_one():
    """Images and readers are alike in the mean: -2 / (2 - 4 / 3) is no correlation."""
    assert np.isnan(intraclass_correlation(np.array([[1.0, 3], [3, 1], [2, 2]])).value)
    found = intraclass_correlation(np.array([[1.0, 2, 3], [2, 3, 1], [3, 1, 2]]))
    assert found.value == pytest.approx(-1)
    assert np.isnan([found.low, found.high]).all()


def test_an_interval_of_the_icc_holds_the_icc(rng):
    for _ in range(500):
        n, k = rng.integers(3, 9), rng.integers(2, 5)
        found = intraclass_correlation(rng.integers(1, 6, (n, k)).astype(float))
        assert np.isnan(found.low) or found.low <= found.value <= found.high


def test_the_share_of_same_answers_has_an_interval():
    table = agreement(table_of({"a": [1, 2, 3, 4], "b": [1, 2, 3, 5]}, {}))
    same = table[table["statistic"] == "same answer"].iloc[0]
    interval = binomtest(3, 4).proportion_ci(method="wilson")
    assert same["value"] == 0.75
    assert (same["low"], same["high"]) == pytest.approx((interval.low, interval.high))


def test_icc_is_the_published_one_with_its_interval():
    found = intraclass_correlation(SHROUT_AND_FLEISS)
    assert found.value == pytest.approx(0.29, abs=0.005)  # Shrout and Fleiss 1979, table 4
    # as R's psych::ICC and irr::icc print it
    assert (found.low, found.high) == pytest.approx((0.019, 0.761), abs=0.001)


def test_mean_squares_are_those_of_an_analysis_of_variance(rng):
    scores = rng.integers(1, 6, (17, 3)).astype(float)
    long = pd.DataFrame(
        [{"image": i, "reader": j, "score": score} for (i, j), score in np.ndenumerate(scores)]
    )
    table = anova_lm(smf.ols("score ~ C(image) + C(reader)", long).fit())
    assert _mean_squares(scores) == pytest.approx(table["mean_sq"].tolist())


def test_icc_counts_a_reader_who_is_stricter_as_disagreement():
    scores = np.array([[1.0, 2], [2, 3], [3, 4], [4, 5], [1, 2], [3, 4]])
    assert intraclass_correlation(scores).value < 0.8
    assert intraclass_correlation(np.repeat(scores[:, :1], 2, axis=1)).value == 1


def simulated(rng, icc, n_images=60, n_readers=3):
    images = rng.normal(size=(n_images, 1)) * np.sqrt(icc)
    return images + rng.normal(size=(n_images, n_readers)) * np.sqrt(1 - icc)


def test_simulated_readers_get_back_their_icc_and_its_interval_covers_it(rng):
    found = [intraclass_correlation(simulated(rng, 0.6)) for _ in range(300)]
    assert np.mean([one.value for one in found]) == pytest.approx(0.6, abs=0.02)
    assert np.mean([one.low < 0.6 < one.high for one in found]) == pytest.approx(0.95, abs=0.04)


def test_simulated_readers_get_back_their_kappa_and_its_interval_covers_it(rng):
    joint = np.full((5, 5), 0.01) + np.diag([0.15] * 5)
    # margins are even: by chance squares differ by 4, and here by .01 x 100
    truth = 1 - 1 / 4
    cells = [rng.multinomial(400, joint.ravel()).reshape(5, 5) for _ in range(200)]
    found = [weighted_kappa(answers_of(table), 5) for table in cells]
    assert np.mean([one.value for one in found]) == pytest.approx(truth, abs=0.01)
    assert np.mean([one.low < truth < one.high for one in found]) == pytest.approx(0.95, abs=0.05)


def table_of(scores, repeats):
    """Answers by reader: scores of images in order, and again of the first ones."""
    rows = [
        {"reader": reader, "is_repeat": is_repeat, "image": f"image {k}", "criterion": "blur",
         "score": score, "n_points": 5}
        for is_repeat, given in ((False, scores), (True, repeats))
        for reader, column in given.items()
        for k, score in enumerate(column)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_readers_are_compared_with_themselves_in_twos_and_all_together():
    scores = {"a": [1, 2, 3, 4, 5, 1, 2], "b": [1, 2, 3, 4, 5, 2, 2], "c": [2, 2, 3, 4, 4, 1]}
    found = agreement(table_of(scores, {"a": [1, 2, 3, 4], "b": [2, 2, 3, 5]}))
    value = found.set_index(["kind", "readers", "statistic"])["value"]
    n = found.set_index(["kind", "readers", "statistic"])["n"]
    assert value["within", "a", "kappa"] == value["within", "a", "ICC"] == 1
    assert value["within", "b", "same answer"] == 0.5
    assert value["between", "a, b", "same answer"] == pytest.approx(6 / 7)
    assert n["between", "a, c", "kappa"] == 6  # what one has not read does not count
    assert n["between", "all", "ICC"] == 6
    assert {row[1] for row in value.index} == {"a", "b", "a, b", "a, c", "b, c", "all"}


def test_one_reader_without_repeats_agrees_with_nobody():
    assert agreement(table_of({"a": [1, 2, 3]}, {})).empty
