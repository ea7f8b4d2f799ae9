"""Whole studies by simulated readers whose agreement and preferences are known beforehand.

Everything goes the way that real readings go: through the database of a drawn study, blinded,
shuffled and mirrored, and comes back by the CSV files of the report.
"""

import numpy as np
import pandas as pd
import pytest
from drawn_studies import DrawnSource, drawn_study, read_by

from mcnet.reader_study.report import write_study_report
from mcnet.reader_study.settings import Criterion, StudySettings

CRITERION = Criterion("sharpness", "How sharp?", ("1", "2", "3", "4", "5"))
ONE = StudySettings(criteria=(CRITERION,))

PLANNED = np.diag([12] * 5) + np.diag([5] * 4, k=1)
"""How often the first reader gives the row's score where the second gives the column's: 80 images.

Squared distances, by hand: 20 of 80 answers lie one apart, .25 on average. By chance it would be
var(rows) + var(columns) + (difference of means)^2 = 1.859375 + 1.859375 + .0625 = 3.78125. So the
weighted kappa is 1 - .25 / 3.78125 = .93388.
"""
KAPPA = 1 - 0.25 / 3.78125


def read_csv(folder, name):
    return pd.read_csv(folder / f"{name}.csv")


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    """Two readers who score 80 images as `PLANNED` says; the first repeats itself, the second
    answers one better when an image comes again, where that is possible."""
    folder = tmp_path_factory.mktemp("planned")
    source = DrawnSource(n_cases=40, versions=("corrupted", "l1"), shape=(1, 11, 13))
    study, _ = drawn_study(
        folder / "study", source=source, settings=ONE, n_cases=40, repeat_share=0.25
    )
    answers = [(i, j) for (i, j), n in np.ndenumerate(PLANNED + 0) for _ in range(n)]

    def answer_of(shown):
        score = 1 + answers[shown["item"]][shown["reader"] - 1]
        if shown["is_repeat"] and shown["reader"] == 2:
            score = min(5, score + 1)
        return {"sharpness": score}

    read_by(study, answer_of)
    return write_study_report(folder / "report", study).parent


def coefficient(folder, kind, readers, statistic):
    table = read_csv(folder, "agreement").set_index(["kind", "readers", "statistic"])
    return table.loc[(kind, readers, statistic)]


@pytest.mark.slow
def test_kappa_between_readers_is_the_planned_one(planned):
    found = coefficient(planned, "between", "reader-1, reader-2", "kappa")
    assert found["value"] == pytest.approx(KAPPA, abs=1e-5)
    assert found["n"] == 80
    assert found["low"] < KAPPA < found["high"]
    assert coefficient(planned, "between", "reader-1, reader-2", "same answer")[
        "value"
    ] == pytest.approx(0.75)


def test_icc_between_readers_is_that_computed_from_the_plan(planned):
    """With n images and two readers ICC(A,1) is 2 cov / (var + var + d^2 - var(d) / n), where
    variances are the sample's and d is the mean difference."""
    pairs = np.array([(i, j) for (i, j), n in np.ndenumerate(PLANNED) for _ in range(n)], float)
    (v1, c), (_, v2) = np.cov(pairs.T)
    d = pairs[:, 1] - pairs[:, 0]
    expected = 2 * c / (v1 + v2 + d.mean() ** 2 - d.var(ddof=1) / len(d))
    found = coefficient(planned, "between", "reader-1, reader-2", "ICC")
    assert found["value"] == pytest.approx(expected, abs=1e-5)


def test_who_repeats_itself_agrees_with_itself_and_who_drifts_does_not(planned):
    assert coefficient(planned, "within", "reader-1", "kappa")["value"] == 1
    assert coefficient(planned, "within", "reader-1", "ICC")["value"] == 1
    drifting = coefficient(planned, "within", "reader-2", "kappa")
    assert drifting["n"] == 20
    assert drifting["value"] < 0.9


def test_scores_of_versions_are_those_given_and_repeats_do_not_count(planned):
    scores = read_csv(planned, "scores")
    assert scores["n"].tolist() == [80, 80]
    counts = scores[[f"n_{k}" for k in range(1, 6)]].to_numpy().sum(axis=0)
    assert counts.tolist() == (PLANNED.sum(axis=0) + PLANNED.sum(axis=1)).tolist()


@pytest.fixture(scope="module")
def gaining(tmp_path_factory):
    """Three readers; in every fourth case l1 is two points better than corrupted, else none."""
    folder = tmp_path_factory.mktemp("gaining")
    source = DrawnSource(n_cases=20, versions=("corrupted", "l1"), shape=(1, 11, 13))
    study, _ = drawn_study(
        folder / "study", source=source, n_readers=3, settings=ONE, repeat_share=0.0
    )
    read_by(
        study,
        lambda shown: {"sharpness": 2 + 2 * (shown["version"] == "l1" and shown["case"] % 4 == 0)},
    )
    return write_study_report(folder / "report", study).parent


@pytest.mark.slow
def test_a_planned_gain_is_found_with_the_error_of_the_cases_and_not_of_the_readings(gaining):
    (found,) = read_csv(gaining, "differences").to_dict("records")
    assert found["difference"] == pytest.approx(0.5)
    # of 20 cases 5 differ by 2: standard error sqrt(.75 / 19), t(19) at .975 = 2.0930
    half = 2.0930 * np.sqrt(0.75 / 19)
    assert (found["low"], found["high"]) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-3)
    assert (found["n"], found["n_cases"], found["n_subjects"]) == (60, 20, 3)


def test_a_metric_that_prefers_what_readers_prefer_is_told(gaining):
    metrics = read_csv(gaining, "metrics").set_index("metric")
    assert metrics.loc["ssim", "concordance"] == metrics.loc["nmse", "concordance"] == 1
    assert metrics.loc["ssim", "n_pairs"] == 5


@pytest.fixture(scope="module")
def choosing(tmp_path_factory):
    """Two readers prefer the second of two versions in every case but each fourth one."""
    folder = tmp_path_factory.mktemp("choosing")
    source = DrawnSource(n_cases=20, versions=("corrupted", "l1"), shape=(1, 11, 13))
    study, _ = drawn_study(folder / "study", source=source, design="choice", repeat_share=0.2)

    def answer_of(shown):
        prefers_second = shown["case"] % 4 != 0
        is_second_left = bool(shown["is_mirrored"])
        return {"choice": 1 if prefers_second == is_second_left else 2}

    read_by(study, answer_of)
    return write_study_report(folder / "report", study).parent


@pytest.mark.slow
def test_a_planned_preference_is_found_whichever_side_it_was_shown_on(choosing):
    (found,) = read_csv(choosing, "preferences").to_dict("records")
    assert (found["version"], found["against"]) == ("l1", "corrupted")
    assert found["rate"] == pytest.approx(0.75)
    assert found["n"] == 40
    # both readers always agree: 20 cases, not 40 choices. Wilson's interval of 15 of 20:
    assert (found["low"], found["high"]) == pytest.approx((0.531, 0.888), abs=0.01)
    assert found["p"] == pytest.approx(0.0414, abs=1e-4)  # exact sign test of 15 against 5


def test_readers_who_choose_alike_have_kappa_one_within_and_between(choosing):
    for kind, readers in (("between", "reader-1, reader-2"), ("within", "reader-1")):
        found = coefficient(choosing, kind, readers, "same answer")
        assert found["value"] == 1
    assert coefficient(choosing, "between", "reader-1, reader-2", "kappa")["value"] == 1


def test_sides_are_told_as_they_were_chosen(choosing):
    """Of 48 choices, repeats included, as many left ones as the mirroring of the orders makes."""
    readings = read_csv(choosing, "readings")
    (sides,) = read_csv(choosing, "sides").to_dict("records")
    assert sides["n"] == len(readings) == 48
    assert sides["left_share"] == pytest.approx(readings["was_left"].mean(), abs=1e-6)
    assert 0.2 < sides["left_share"] < 0.8
