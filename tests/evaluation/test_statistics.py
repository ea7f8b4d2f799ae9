"""Means, gains and severity classes are pandas' own."""

import numpy as np
import pandas as pd
import pytest

from mcnet.core.errors import McnetError
from mcnet.evaluation.statistics import by_severity, ordered_models, summary
from mcnet.metrics.registry import COLUMN_NAMES

MODELS = ("l1+tv-ft", "other", "corrupted", "l1", "registered")


@pytest.fixture
def rows(rng) -> pd.DataFrame:
    records = []
    for mode in ("rotation+translation", "rotation"):
        for k in range(23):
            for model in MODELS:
                labels = {"subject": f"p{k % 5}", "trace": f"t{k % 3}", "position_mm": 5.0 * k}
                scores = dict(
                    zip(COLUMN_NAMES, rng.uniform(0.4, 0.9, len(COLUMN_NAMES)), strict=True)
                )
                extra = {"mode": mode, "model": model, "magnitude": float(k)}
                records.append(labels | extra | scores)
    return pd.DataFrame(records).sample(frac=1, random_state=1)


def test_models_keep_the_papers_order_and_new_ones_follow(rows):
    assert ordered_models(rows) == ["corrupted", "registered", "l1", "l1+tv-ft", "other"]
    assert list(summary(rows)["mode"].unique()) == ["rotation", "rotation+translation"]


def test_the_summary_is_pandas_own_mean_and_standard_deviation(rows):
    table = summary(rows).set_index(["mode", "model"])
    grouped = rows.groupby(["mode", "model"])
    for metric in COLUMN_NAMES:
        for key, mean in grouped[metric].mean().items():
            assert table.loc[key, f"{metric}_mean"] == pytest.approx(mean)
            assert table.loc[key, f"{metric}_sd"] == pytest.approx(grouped[metric].std()[key])
    assert set(table["n"]) == {23}
    assert set(table["n_subjects"]) == {5}
    assert set(table["n_traces"]) == {3}


def test_gain_and_share_recovered_are_measured_from_the_corrupted_images_of_the_mode(rows):
    table = summary(rows).set_index(["mode", "model"])
    row, base = table.loc[("rotation", "l1")], table.loc[("rotation", "corrupted")]
    gain = row["ssim_head_mean"] - base["ssim_head_mean"]
    assert row["ssim_head_gain"] == pytest.approx(gain)
    assert row["ssim_head_recovered"] == pytest.approx(gain / (1 - base["ssim_head_mean"]))
    assert base["ssim_gain"] == 0


def test_without_corrupted_rows_there_is_no_gain(rows):
    table = summary(rows[rows["model"] != "corrupted"])
    assert table["ssim_gain"].isna().all()
    assert table["ssim_mean"].notna().all()


def test_severity_classes_hold_every_slice_once(rows):
    quartiles = by_severity(rows)
    assert (quartiles.groupby(["mode", "model"])["n"].sum() == 23).all()
    assert len(quartiles) == 2 * 4 * len(MODELS)
    edges = by_severity(rows, edges=(0.0, 5.0, 22.0))
    mild = edges[(edges["mode"] == "rotation") & (edges["magnitude_from"] == 0)]
    chosen = rows[(rows["mode"] == "rotation") & (rows["magnitude"] < 5)]
    expected = chosen.groupby("model")["ssim"].mean()
    assert mild.set_index("model")["ssim_mean"].to_dict() == pytest.approx(expected.to_dict())
    assert set(mild["n"]) == {5}


def test_one_magnitude_makes_one_class(rows):
    table = by_severity(rows.assign(magnitude=2.0))
    assert (table["n"] == 23).all()
    assert len(table) == 2 * len(MODELS)


def test_what_is_no_table_of_rows_is_refused(rows):
    with pytest.raises(McnetError, match="'ssim_head'"):
        summary(rows.drop(columns="ssim_head"))
    with pytest.raises(McnetError, match="no rows"):
        summary(rows.iloc[:0])
    with pytest.raises(McnetError, match="increasing"):
        by_severity(rows, edges=(3.0, 1.0))
    with pytest.raises(McnetError, match="widen"):
        by_severity(rows, edges=(100.0, 101.0))


def test_infinite_scores_do_not_break_the_summary(rows):
    rows.loc[rows["model"] == "l1", "psnr"] = np.inf
    assert np.isinf(summary(rows).set_index(["mode", "model"]).loc[("rotation", "l1"), "psnr_mean"])
