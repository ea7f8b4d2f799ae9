"""Which metric agrees with readers."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, spearmanr

from mcnet.reader_study.against_metrics import choice_agreement, score_agreement

VERSIONS = ("corrupted", "l1", "l1+tv")


def study_of(rng, n_cases=30):
    """Scores by two readers, and metrics: one that sees what they see, one turned, one blind."""
    rows, scores = [], []
    for case in range(n_cases):
        for version in VERSIONS:
            quality = rng.normal()
            rows.append({"case": f"c{case}", "version": version, "ssim": quality,
                         "nmse": np.exp(-quality), "blind": rng.normal()})  # fmt: skip
            scores += [
                {"reader": reader, "case": f"c{case}", "version": version, "criterion": "blur",
                 "is_repeat": False, "score": int(np.clip(round(3 + 1.5 * quality), 1, 5))}
                for reader in "ab"
            ]  # fmt: skip
    metrics = pd.DataFrame(rows).set_index(["case", "version"])
    return pd.DataFrame(scores), metrics


def test_a_metric_that_sees_what_readers_see_agrees_and_a_blind_one_does_not(rng):
    found = score_agreement(*study_of(rng), rng).set_index("metric")
    assert found.loc["ssim", "concordance"] == found.loc["nmse", "concordance"] == 1
    assert found.loc["ssim", "correlation"] > 0.95
    blind = found.loc["blind"]
    assert blind["concordance_low"] < 0.5 < blind["concordance_high"]
    assert blind["correlation_low"] < 0 < blind["correlation_high"]


def test_the_correlation_is_spearmans_and_nmse_is_turned(rng):
    scores, metrics = study_of(rng)
    means = scores.groupby(["case", "version"])["score"].mean()
    found = score_agreement(scores, metrics, rng).set_index("metric")["correlation"]
    for metric, sign in (("ssim", 1), ("blind", 1), ("nmse", -1)):
        expected = sign * spearmanr(means, metrics[metric].loc[means.index]).statistic
        assert found[metric] == pytest.approx(expected)


def test_the_interval_of_the_correlation_is_about_that_of_resampled_cases(rng):
    scores, metrics = study_of(rng, n_cases=60)
    means = scores.groupby(["case", "version"])["score"].mean()
    table = pd.concat([means, metrics["blind"]], axis=1)
    names = table.index.get_level_values("case").unique()
    resampled = [
        spearmanr(*table.loc[list(rng.choice(names, len(names)))].to_numpy().T).statistic
        for _ in range(200)
    ]
    found = score_agreement(scores, metrics[["blind"]], rng).iloc[0]
    expected = np.quantile(resampled, [0.025, 0.975])
    assert [found["correlation_low"], found["correlation_high"]] == pytest.approx(
        expected.tolist(), abs=0.06
    )


def test_versions_without_a_metric_and_repeats_are_left_out(rng):
    scores, metrics = study_of(rng)
    more = scores[scores["version"] == "l1"].assign(version="reference", score=5)
    again = scores.assign(is_repeat=True, score=1)
    found = score_agreement(pd.concat([scores, more, again]), metrics, np.random.default_rng(1))
    pd.testing.assert_frame_equal(found, score_agreement(scores, metrics, np.random.default_rng(1)))


def test_without_metrics_there_is_nothing_to_tell(rng):
    scores, metrics = study_of(rng)
    assert score_agreement(scores, metrics[[]], rng).empty


def test_choices_agree_with_a_metric_as_often_as_they_do(rng):
    _, metrics = study_of(rng, n_cases=20)
    cases = [f"c{k}" for k in range(20)]
    first, second = (metrics["ssim"].xs(version, level="version") for version in VERSIONS[:2])
    better = np.where(second[cases] > first[cases], VERSIONS[1], VERSIONS[0])
    worse = np.where(second[cases] > first[cases], VERSIONS[0], VERSIONS[1])
    choices = pd.DataFrame(
        {"case": cases, "first": VERSIONS[0], "second": VERSIONS[1],
         "preferred": np.where(np.arange(20) < 15, better, worse), "is_repeat": False}
    )  # fmt: skip
    unknown = choices.assign(second="reference", preferred="reference")
    found = choice_agreement(pd.concat([choices, unknown]), metrics).set_index("metric")
    assert found.loc["ssim", "concordance"] == found.loc["nmse", "concordance"] == 0.75
    assert found.loc["ssim", "n_pairs"] == 20
    assert found.loc["ssim", "concordance_low"] < 0.75 < found.loc["ssim", "concordance_high"]


@pytest.mark.parametrize("n_cases", [1, 4, 9])
def test_few_cases_give_a_wide_interval_of_the_share_and_none_of_the_correlation(rng, n_cases):
    found = score_agreement(*study_of(rng, n_cases=n_cases), rng).set_index("metric").loc["ssim"]
    assert found["concordance"] == 1
    # all pairs agree, and those of one case count as one
    interval = binomtest(n_cases, n_cases).proportion_ci(method="wilson")
    assert (found["concordance_low"], found["concordance_high"]) == pytest.approx((interval.low, 1))
    assert found["p"] == pytest.approx(2 / 2**n_cases)
    assert np.isnan([found["correlation_low"], found["correlation_high"]]).all()


def chosen(n_for, n_against, metrics=("ssim",)):
    """Choices between two versions in as many cases; all metrics prefer the second in each."""
    cases = [f"c{k}" for k in range(n_for + n_against)]
    choices = pd.DataFrame(
        {"case": cases, "first": "corrupted", "second": "l1", "is_repeat": False,
         "preferred": ["l1"] * n_for + ["corrupted"] * n_against}
    )  # fmt: skip
    index = pd.MultiIndex.from_product([cases, ["corrupted", "l1"]], names=["case", "version"])
    values = np.tile([0.0, 1.0], len(cases))
    return choices, pd.DataFrame(dict.fromkeys(metrics, values), index=index)


def test_half_of_four_pairs_agree_and_the_interval_says_how_little_that_is():
    (found,) = choice_agreement(*chosen(2, 2)).to_dict("records")
    interval = binomtest(2, 4).proportion_ci(method="wilson")  # 15 to 85 %
    assert (found["concordance"], found["n_pairs"], found["n_cases"]) == (0.5, 4, 4)
    assert (found["concordance_low"], found["concordance_high"]) == pytest.approx(
        (interval.low, interval.high), abs=0.03
    )
    assert found["p"] == 1


def test_metrics_are_compared_with_the_best_on_the_same_pairs():
    """The second prefers the other version in 7 of 20 cases, and is right in none of them."""
    choices, metrics = chosen(20, 0, ("ssim", "psnr", "copy"))
    metrics.iloc[:14, 1] = np.tile([1.0, 0.0], 7)
    found = choice_agreement(choices, metrics).set_index("metric")
    assert np.isnan(found.loc["ssim", "p_against_best"])
    assert found.loc["psnr", "p_against_best"] == pytest.approx(2 / 2**7)
    assert found.loc["copy", "p_against_best"] == 1
    assert found.loc["ssim", "p_holm"] == pytest.approx(3 * 2 / 2**20)


def test_a_metric_that_orders_no_pair_is_left_out():
    choices, metrics = chosen(8, 0, ("ssim", "blind"))
    metrics["blind"] = 1.0
    assert choice_agreement(choices, metrics)["metric"].tolist() == ["ssim"]
