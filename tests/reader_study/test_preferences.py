"""How often one version is preferred, with intervals that know of cases."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from mcnet.reader_study.preferences import left_share, preferences


def choices_of(*, preferred, n_readers=1, first="corrupted", second="l1"):
    """Whether each case's readers prefer the second."""
    rows = [
        {"reader": f"reader {reader}", "case": f"case {case}", "subject": f"subject {case % 5}",
         "first": first, "second": second, "preferred": second if is_second else first,
         "is_repeat": False, "was_left": case % 4 == 0}
        for case, is_second in enumerate(preferred)
        for reader in range(n_readers)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def only(table):
    (row,) = table.to_dict("records")
    return row


def test_one_answer_a_case_gives_wilsons_interval():
    found = only(preferences(choices_of(preferred=[True] * 13 + [False] * 6), ["corrupted", "l1"]))
    interval = binomtest(13, 19).proportion_ci(method="wilson")
    assert (found["rate"], found["n_effective"]) == pytest.approx((13 / 19, 19))
    assert (found["low"], found["high"]) == pytest.approx((interval.low, interval.high))
    assert found["p"] == pytest.approx(binomtest(13, 19).pvalue)


def test_readers_who_always_agree_are_as_good_as_one():
    preferred = [True] * 13 + [False] * 6
    one, five = (
        only(preferences(choices_of(preferred=preferred, n_readers=n), ["corrupted", "l1"]))
        for n in (1, 5)
    )
    assert five["n"] == 95
    assert five["n_effective"] == pytest.approx(19, rel=0.06)
    assert five["p"] == one["p"]


def test_all_of_one_mind_leave_an_interval_of_as_many_cases():
    found = only(preferences(choices_of(preferred=[True] * 8, n_readers=3), ["corrupted", "l1"]))
    assert (found["rate"], found["n_effective"]) == (1, 8)
    assert 0.6 < found["low"] < 0.75
    assert found["high"] == pytest.approx(1)
    assert found["p"] == pytest.approx(2 / 2**8)


def test_the_interval_covers_the_truth_where_cases_differ(rng, monkeypatch):
    # of one p there is nothing to correct, and the correction collects garbage each time
    monkeypatch.setattr("mcnet.reader_study.preferences.holm", lambda p: p)
    covers = []
    for _ in range(50):
        of_case = rng.beta(2, 1, size=25)  # mean 2/3
        table = choices_of(preferred=[True] * 25, n_readers=4)
        is_second = rng.random(100) < np.repeat(of_case, 4)
        table["preferred"] = np.where(is_second, "l1", "corrupted")
        found = only(preferences(table, ["corrupted", "l1"]))
        covers.append(found["low"] < 2 / 3 < found["high"])
    assert np.mean(covers) == pytest.approx(0.95, abs=0.05)


def test_every_two_versions_have_a_line_and_repeats_none():
    table = pd.concat(
        [
            choices_of(preferred=[True] * 5, first="l1", second="reference"),
            choices_of(preferred=[True] * 5),
            choices_of(preferred=[False] * 5).assign(is_repeat=True),
        ]
    )
    found = preferences(table, ["corrupted", "l1", "reference"])
    assert found[["version", "against", "rate"]].to_numpy().tolist() == [
        ["l1", "corrupted", 1.0],
        ["reference", "l1", 1.0],
    ]


def test_cases_that_are_split_evenly_do_not_tell():
    table = choices_of(preferred=[True] * 6, n_readers=2)
    table["preferred"] = ["l1", "corrupted"] * 6
    found = only(preferences(table, ["corrupted", "l1"]))
    assert found["rate"] == 0.5
    assert np.isnan(found["p"])


def test_the_share_of_left_ones_is_told_with_its_interval():
    found = left_share(choices_of(preferred=[True] * 8))
    interval = binomtest(2, 8).proportion_ci(method="wilson")
    assert (found["left_share"], found["n"]) == (0.25, 8)
    assert (found["left_low"], found["left_high"]) == pytest.approx((interval.low, interval.high))


def test_p_is_corrected_for_the_number_of_pairs_of_versions():
    """Of 9 to nothing it is 2 / 2^9, of 8 to 1 it is 20 / 2^9; the smaller one counts twice."""
    table = pd.concat(
        [
            choices_of(preferred=[True] * 9),
            choices_of(preferred=[True] * 8 + [False], second="l2"),
        ]
    )
    found = preferences(table, ["corrupted", "l1", "l2"])
    assert found["p_holm"].tolist() == pytest.approx([4 / 2**9, 20 / 2**9])


def test_subjects_are_counted():
    assert (
        only(preferences(choices_of(preferred=[True] * 9), ["corrupted", "l1"]))["n_subjects"] == 5
    )
