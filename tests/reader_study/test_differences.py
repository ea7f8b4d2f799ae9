"""Distributions of scores, and tests of one version against another."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_rel, wilcoxon

from mcnet.reader_study.differences import distributions, paired_tests

VERSIONS = ("corrupted", "l1", "reference")


def scores_of(rng, *, gain=1, n_cases=14, readers=("a", "b"), criteria=("blur",)):
    rows = []
    for case in range(n_cases):
        base = rng.integers(1, 4)
        for reader in readers:
            for k, version in enumerate(VERSIONS):
                for criterion in criteria:
                    score = int(np.clip(base + gain * k + rng.integers(-1, 2), 1, 5))
                    rows.append(
                        {"reader": reader, "case": f"case {case}", "subject": f"p{case % 4}",
                         "stratum": case % 3, "version": version, "criterion": criterion,
                         "score": score, "is_repeat": False}
                    )  # fmt: skip
    return pd.DataFrame(rows).sample(frac=1, random_state=1)  # nothing may hang on the order


def test_distributions_count_every_first_reading(rng):
    scores = scores_of(rng, criteria=("blur", "ghosts"))
    repeats = scores.iloc[:5].assign(is_repeat=True, score=1)
    table = distributions(pd.concat([scores, repeats]), VERSIONS)
    assert table["version"].tolist() == [*VERSIONS, *VERSIONS]
    for row in table.to_dict("records"):
        chosen = scores[
            (scores["version"] == row["version"]) & (scores["criterion"] == row["criterion"])
        ]["score"]
        assert [row[f"n_{k}"] for k in range(1, 6)] == [(chosen == k).sum() for k in range(1, 6)]
        assert (row["n"], row["n_cases"]) == (28, 14)
        assert (row["mean"], row["sd"]) == pytest.approx((chosen.mean(), chosen.std()))


def test_distributions_by_stratum_part_the_readings(rng):
    scores = scores_of(rng)
    table = distributions(scores, VERSIONS, by="stratum")
    assert table["n"].sum() == len(scores)
    assert table[["version", "stratum"]].to_numpy().tolist() == [
        [version, stratum] for version in VERSIONS for stratum in range(3)
    ]


def test_one_readers_test_is_the_paired_t_test_and_the_wilcoxon_test(rng):
    scores = scores_of(rng, readers=("a",), gain=0, n_cases=43)
    wide = scores.pivot(index="case", columns="version", values="score")
    found = paired_tests(scores, VERSIONS).set_index(["version", "against"])
    for version, against in (("l1", "corrupted"), ("reference", "l1")):
        row = found.loc[(version, against)]
        assert row["difference"] == pytest.approx((wide[version] - wide[against]).mean())
        assert row["p"] == pytest.approx(ttest_rel(wide[version], wide[against]).pvalue)
        nonzero = (wide[version] - wide[against])[lambda d: d != 0]
        assert row["p_wilcoxon"] == pytest.approx(wilcoxon(nonzero).pvalue)


def test_more_readers_of_the_same_cases_are_no_more_cases(rng):
    scores = scores_of(rng, readers=("a",), gain=0)
    copies = pd.concat([scores.assign(reader=f"reader {k}") for k in range(9)])
    one, nine = (paired_tests(table, VERSIONS) for table in (scores, copies))
    assert nine["p"].tolist() == pytest.approx(one["p"].tolist(), rel=1e-6)
    assert nine["n_cases"].tolist() == one["n_cases"].tolist() == [14] * 3


def test_cases_of_few_subjects_tell_less(rng):
    found = paired_tests(scores_of(rng), VERSIONS).iloc[0]
    assert (found["n_cases"], found["n_subjects"]) == (14, 4)
    assert np.isfinite([found["subjects_low"], found["subjects_high"], found["subjects_p"]]).all()


def test_p_is_corrected_for_the_number_of_pairs_by_holm(rng):
    found = paired_tests(scores_of(rng, gain=0), VERSIONS)
    p = np.sort(found["p"])
    expected = np.minimum(np.maximum.accumulate(p * [3, 2, 1]), 1)
    assert np.sort(found["p_holm"]) == pytest.approx(expected)


def test_a_version_that_is_not_read_yet_is_left_out(rng):
    scores = scores_of(rng)
    found = paired_tests(scores[scores["version"] != "l1"], VERSIONS)
    assert found[["version", "against"]].to_numpy().tolist() == [["reference", "corrupted"]]


def test_versions_of_which_no_reader_saw_both_are_not_compared(rng):
    scores = scores_of(rng)
    is_read = (scores["version"] == "l1") == (scores["reader"] == "a")
    found = paired_tests(scores[is_read], VERSIONS).set_index(["version", "against"])
    assert found.loc[("l1", "corrupted"), "n"] == 0
    assert np.isnan(found.loc[("l1", "corrupted"), "p_holm"])
    assert found.loc[("reference", "corrupted"), "n"] == 14


def test_few_cases_with_ties_are_tested_exactly(rng):
    scores = scores_of(rng, readers=("a",), gain=0, n_cases=8)
    scores["score"] = 2 + (scores["version"] == "l1") * (1 + (scores["case"] == "case 3"))
    found = paired_tests(scores, VERSIONS).set_index(["version", "against"])
    assert found.loc[("l1", "corrupted"), "p_wilcoxon"] == pytest.approx(2 / 2**8)
