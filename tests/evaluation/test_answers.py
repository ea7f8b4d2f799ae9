"""An answer is what the clustered interval says, in all and by severity."""

import numpy as np
import pandas as pd
import pytest

from mcnet.evaluation.answers import ALL, Question, answers
from mcnet.evaluation.comparisons import comparisons
from mcnet.metrics.registry import COLUMN_NAMES


def rows_by(scores_of) -> pd.DataFrame:
    """Rows of 7 subjects and 8 traces; ``scores_of(trace, rng)`` has the score of each model."""
    rng = np.random.default_rng(4)
    records = []
    for subject in range(7):
        for trace in range(8):
            for position_mm in (0.0, 5.0):
                labels = {"subject": f"p{subject}", "trace": f"t{trace}", "mode": "rotation"}
                labels |= {"position_mm": position_mm, "magnitude": float(trace)}
                for model, value in scores_of(trace, rng).items():
                    records.append(labels | {"model": model} | dict.fromkeys(COLUMN_NAMES, value))
    return pd.DataFrame(records)


def rows_of(gain) -> pd.DataFrame:
    """Rows of corrupted, l1 and mine; ``gain(magnitude, rng)`` is what mine has above l1."""

    def scores(trace, rng):
        score = rng.uniform(0.4, 0.7)
        return {"corrupted": score - 0.1, "l1": score, "mine": score + gain(trace, rng)}

    return rows_by(scores)


def answer(rows: pd.DataFrame, severity: str = ALL, model: str = "mine") -> pd.Series:
    question = Question("Is it better?", model, "l1")
    table = answers(rows, [question], rng=np.random.default_rng(0), n_resamples=300)
    chosen = table[(table["severity"] == severity) & (table["metric"] == "ssim")]
    assert len(chosen) == 1
    return chosen.iloc[0]


@pytest.mark.parametrize(
    ("gain", "expected"), [(0.02, "yes"), (-0.02, "the reverse"), (0.0, "undecided")]
)
def test_the_answer_follows_the_interval(gain, expected):
    found = answer(rows_of(lambda _, rng: gain + rng.normal(0, 0.01)))
    assert found["answer"] == expected
    assert found["mean_difference"] == pytest.approx(gain, abs=0.002)


def test_its_numbers_are_those_of_the_comparisons():
    rows = rows_of(lambda _, rng: rng.normal(0.005, 0.02))
    table = comparisons(
        rows, against=("l1",), metric="ssim", rng=np.random.default_rng(1), n_resamples=300
    )
    expected, found = table[table["model"] == "mine"].iloc[0], answer(rows)
    for name in ("mean_difference", "subjects_p", "subjects_rank_biserial", "subjects_n"):
        assert found[name] == pytest.approx(expected[name])


def test_what_helps_severe_motion_alone_is_told_so():
    rows = rows_of(lambda trace, rng: (0.05 if trace >= 6 else -0.03) + rng.normal(0, 0.005))
    table = answers(rows, [Question("Is it?", "mine", "l1")], rng=np.random.default_rng(0))
    classes = list(dict.fromkeys(table["severity"]))
    assert classes == [ALL, "1: 0.0 to 1.8", "2: 1.8 to 3.5", "3: 3.5 to 5.2", "4: 5.2 to 7.0"]
    assert answer(rows, classes[1])["answer"] == "the reverse"
    assert answer(rows, classes[4])["answer"] == "yes"
    whole = table[(table["severity"] != ALL) & (table["metric"] == "ssim")]["slices_n"].sum()
    assert whole == 7 * 8 * 2


def test_a_model_that_was_not_trained_gives_no_answer():
    rows = rows_of(lambda *_: 0.0)
    assert answers(rows, [Question("?", "yours", "l1")], rng=np.random.default_rng(0)).empty


def crossed_rows(learned: float, offset: float) -> pd.DataFrame:
    """Rows of two networks, of which the even one is better by ``offset`` everywhere, and each by
    ``learned`` on the traces that it learned from; an odd trace gains half as much."""

    def scores(trace, rng):
        even, score = trace % 2 == 0, rng.uniform(0.4, 0.7)
        return {
            "even": score + offset + learned * even + rng.normal(0, 0.002),
            "odd": score + 0.5 * learned * (not even) + rng.normal(0, 0.002),
        }

    return rows_by(scores)


def test_a_crossed_question_tells_what_was_learned_from_a_trace_however_good_the_networks_are():
    question = Question("?", "even", "odd", crossed=True)
    table = answers(crossed_rows(0.02, 0.3), [question], rng=np.random.default_rng(0))
    assert set(table["severity"]) == {ALL}
    found = table.iloc[0]
    assert found["mean_difference"] == pytest.approx((0.02 + 0.01) / 2, abs=0.001)
    assert found["of_model"] - found["of_against"] == pytest.approx(found["mean_difference"])
    assert found["answer"] == "yes"
    # were traces not redrawn within even and odd ones, an offset of .3 would drown it
    assert 0.009 < found["subjects_low"] < found["subjects_high"] < 0.021

    found = answers(crossed_rows(0.0, 0.3), [question], rng=np.random.default_rng(0)).iloc[0]
    assert abs(found["mean_difference"]) < 0.001
    assert found["subjects_high"] < 0.002


def test_both_means_stand_beside_their_difference():
    found = answer(rows_of(lambda *_: 0.125))
    assert found["of_model"] - found["of_against"] == pytest.approx(0.125)
    assert 0.4 < found["of_against"] < 0.7
