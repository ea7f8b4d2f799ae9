"""The sentences in front of a report say no more than the numbers do."""

import numpy as np
import pandas as pd

from mcnet.readers.words import choice_findings, score_findings

NO_METRICS = pd.DataFrame({"criterion": [], "metric": [], "concordance": [], "n_pairs": []})


def differences_of(*rows, n_persons=5):
    table = pd.DataFrame(rows, columns=["version", "against", "difference", "p_holm"])
    return table.assign(criterion="blur", n_cases=5, n_persons=n_persons)


def test_each_version_is_told_beside_the_corrupted_one():
    tests = differences_of(
        ("l1", "corrupted", -0.25, 0.2), ("reference", "corrupted", 2.0, 0.0004),
        ("reference", "l1", 2.25, 0.01),
    )  # fmt: skip
    assert score_findings({"differences": tests, "metrics": NO_METRICS}) == [
        "blur, points above corrupted: l1 −0.25 (p = 0.200, not shown to differ), reference +2.00 "
        "(p < 0.001)."
    ]


def test_a_minus_stands_before_numbers_alone():
    tests = differences_of(("tuned-0", "corrupted", -1.25, 0.2))
    (told,) = score_findings({"differences": tests, "metrics": NO_METRICS})
    assert "tuned-0 −1.25 (p" in told


def test_what_is_not_read_yet_is_not_told():
    tests = differences_of(("l1", "corrupted", np.nan, np.nan))
    assert score_findings({"differences": tests, "metrics": NO_METRICS}) == []


def test_few_persons_are_told():
    tests = differences_of(("l1", "corrupted", 1.0, 0.01), n_persons=2)
    told = score_findings({"differences": tests, "metrics": NO_METRICS})
    assert told[-1].startswith("These p count cases; of persons there are 2")


def test_preferences_and_the_metric_nearest_to_readers_are_told():
    preferences = pd.DataFrame(
        [{"version": "l1", "against": "corrupted", "rate": 0.75, "n": 40, "p": np.nan}]
    )
    metrics = pd.DataFrame(
        {"criterion": "choice", "metric": ["ssim", "nmse"], "concordance": [0.6, 0.8],
         "n_pairs": [10, 10]}
    )  # fmt: skip
    assert choice_findings({"preferences": preferences, "metrics": metrics}) == [
        "l1 was preferred to corrupted in 75 % of 40 choices (too little to tell).",
        "Of the metrics, nmse orders versions most like readers did by choice: in 80 % of 10 "
        "pairs.",
    ]
