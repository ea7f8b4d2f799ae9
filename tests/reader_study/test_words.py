"""The sentences in front of a report say no more than the numbers do."""

import numpy as np
import pandas as pd
import pytest

from mcnet.reader_study.words import choice_findings, score_findings

NO_METRICS = pd.DataFrame({"criterion": [], "metric": [], "concordance": [], "n_pairs": []})
TWO_READERS = pd.DataFrame({"reader": ["reader-1", "reader-2"]})


def differences_of(*rows, n_cases=12, n_subjects=12):
    names = ["version", "against", "difference", "low", "high", "p_holm"]
    table = pd.DataFrame(rows, columns=names)
    return table.assign(criterion="blur", n_cases=n_cases, n_subjects=n_subjects)


def told_of_scores(tests, readings=TWO_READERS, metrics=NO_METRICS):
    return score_findings({"readings": readings, "differences": tests, "metrics": metrics})


def preferences_of(rate, low, high, p, *, n_cases=20, n_subjects=20):
    row = {"version": "l1", "against": "corrupted", "rate": rate, "low": low, "high": high,
           "p_holm": p, "n": 40, "n_cases": n_cases, "n_subjects": n_subjects}  # fmt: skip
    return pd.DataFrame([row])


def told_of_choices(preferences, readings=TWO_READERS, metrics=NO_METRICS):
    tables = {"readings": readings, "preferences": preferences, "metrics": metrics}
    return choice_findings(tables)


def metrics_of(*rows, n_cases=20):
    names = ["metric", "concordance", "concordance_low", "concordance_high", "p_holm"]
    table = pd.DataFrame(rows, columns=[*names, "p_against_best"])
    return table.assign(criterion="blur", n_pairs=float(2 * n_cases), n_cases=float(n_cases))


def told_of_metrics(metrics):
    (told,) = told_of_scores(differences_of(), metrics=metrics)
    return told


def test_each_version_is_told_beside_the_corrupted_one_with_its_interval():
    tests = differences_of(
        ("l1", "corrupted", -0.25, -0.6, 0.1, 0.2),
        ("reference", "corrupted", 2.0, 1.5, 2.5, 0.0004),
        ("reference", "l1", 2.25, 1, 3, 0.01),
    )
    assert told_of_scores(tests) == [
        "blur, points above corrupted: "
        "l1 −0.25 (95 % interval −0.60 to +0.10, 12 cases, p = 0.200, not shown to differ), "
        "reference +2.00 (95 % interval +1.50 to +2.50, 12 cases, p < 0.001)."
    ]


def test_a_minus_stands_before_numbers_alone():
    (told,) = told_of_scores(differences_of(("tuned-0", "corrupted", -1.25, -2, -1, 0.2)))
    assert "tuned-0 −1.25 (95" in told


def test_what_is_not_read_yet_is_not_told():
    tests = differences_of(("l1", "corrupted", np.nan, np.nan, np.nan, np.nan))
    assert told_of_scores(tests) == []


@pytest.mark.parametrize("n_cases", [1, 2, 4, 5])
def test_of_fewer_than_six_cases_no_p_is_told_however_small(n_cases):
    tests = differences_of(("l1", "corrupted", 1.0, 0.9, 1.1, 1e-6), n_cases=n_cases)
    (told,) = told_of_scores(tests)
    assert told.endswith(
        f"l1 +1.00 (95 % interval +0.90 to +1.10, {n_cases} cases, too few readings to tell)."
    )
    (told,) = told_of_choices(preferences_of(1.0, 0.51, 1, 0.01, n_cases=n_cases))
    assert told.endswith(f"{n_cases} cases, too few readings to tell).")


def test_differences_without_spread_are_told_without_an_interval():
    alike = ("l1", "corrupted", 1.0, np.nan, np.nan, np.nan)
    (told,) = told_of_scores(differences_of(alike))
    assert told.endswith("l1 +1.00 (12 cases, all alike, so without an interval).")
    (told,) = told_of_scores(differences_of(alike, n_cases=3))
    assert told.endswith("l1 +1.00 (3 cases, too few readings to tell).")


def test_few_subjects_are_told_in_both_designs():
    tests = differences_of(("l1", "corrupted", 1.0, 0.5, 1.5, 0.01), n_subjects=2)
    preferences = preferences_of(0.75, 0.6, 0.9, 0.01, n_subjects=2)
    for told in (told_of_scores(tests), told_of_choices(preferences)):
        assert told[-1].startswith("These p count cases; of subjects there are 2, so read")


def test_one_reader_is_said_to_be_one():
    one = pd.DataFrame({"reader": ["reader-2"] * 9})
    told = "reader-2 alone has read: how others would judge is not known."
    assert told_of_scores(differences_of(), one)[0] == told
    assert told_of_choices(preferences_of(0.75, 0.6, 0.9, 0.01), one)[0] == told


@pytest.mark.parametrize(
    ("rate", "low", "high", "p", "verdict"),
    [
        (0.75, 0.6, 0.9, 0.01, "p = 0.010"),
        (0.75, 0.4, 0.9, 0.2, "p = 0.200, not shown to differ"),
        (0.5, 0.3, 0.7, np.nan, "not shown to differ"),
        # by majorities of cases one version, by answers none
        (0.45, 0.3, 0.6, 0.04, "p = 0.040, not shown to differ"),
    ],
)
def test_preferences_are_told_with_their_intervals(rate, low, high, p, verdict):
    assert told_of_choices(preferences_of(rate, low, high, p)) == [
        f"l1 was preferred to corrupted in {100 * rate:.0f} % of 40 choices (95 % interval "
        f"{100 * low:.0f} to {100 * high:.0f} %, 20 cases, {verdict})."
    ]


def test_a_metric_is_most_like_readers_where_it_is_told_from_chance_and_from_all_others():
    metrics = metrics_of(
        ("nmse", 0.6, 0.4, 0.75, 0.3, 0.001), ("ssim", 0.9, 0.7, 0.97, 0.001, np.nan)
    )
    assert told_of_metrics(metrics) == (
        "The metric that orders versions by blur most like readers did: ssim, in 90 % of 40 pairs "
        "(95 % interval 70 to 97 %, 20 cases, p = 0.001)."
    )


def test_a_metric_that_is_not_told_from_another_is_not_the_most_alike():
    metrics = metrics_of(
        ("nmse", 0.8, 0.6, 0.9, 0.01, 0.2),
        ("ssim", 0.9, 0.7, 0.97, 0.001, np.nan),
        ("psnr", 0.3, 0.2, 0.4, 0.01, 0.001),
    )
    told = told_of_metrics(metrics)
    assert told.startswith("A metric that orders versions by blur as readers did more often than")
    assert told.endswith("There are too few readings to tell it from nmse.")
    assert "most like" not in told


@pytest.mark.parametrize(
    ("share", "low", "high", "p"),
    [(0.5, 0.15, 0.85, 1.0), (1.0, 0.51, 1.0, 0.125), (0.9, 0.4, 1.0, 0.01)],
)
def test_of_four_pairs_no_metric_is_most_like_readers(share, low, high, p):
    """Not even where all agree: chance alone does that once in eight times."""
    told = told_of_metrics(metrics_of(("ssim", share, low, high, p, np.nan), n_cases=4))
    assert told == (
        "Too few readings to tell whether any metric orders versions by blur as readers did more "
        f"often than chance would; the highest is ssim, in {100 * share:.0f} % of 8 pairs "
        f"(95 % interval {100 * low:.0f} to {100 * high:.0f} %, 4 cases)."
    )


def test_an_interval_beyond_chance_that_is_not_enough_is_told_with_its_p():
    told = told_of_metrics(metrics_of(("ssim", 0.75, 0.6, 0.86, 0.08, np.nan), n_cases=16))
    assert told.startswith("Too few readings to tell whether any metric orders versions by blur")
    assert told.endswith("(95 % interval 60 to 86 %, 16 cases, p = 0.080).")


def test_metrics_that_order_versions_the_other_way_are_said_to():
    told = told_of_metrics(metrics_of(("ssim", 0.1, 0.03, 0.3, 0.001, np.nan)))
    assert told.startswith("No metric orders versions by blur as readers did more often than")
