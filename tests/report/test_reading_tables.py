"""Tables of a reader study to be read: rounded, with a dash where nothing is known."""

import numpy as np
import pandas as pd

from mcnet.report.reading_tables import (
    agreement_tables,
    metric_tables,
    preference_tables,
    progress_tables,
)


def test_progress_has_a_line_a_reader():
    progress = pd.DataFrame({"reader": ["a", "b"], "n_done": [3, 0], "n_all": [7, 7]})
    (table,) = progress_tables(progress)
    assert table.lines == [["a", "3 of 7"], ["b", "0 of 7"]]


def test_agreement_within_and_between_readers_has_a_table_each():
    rows = [
        ("within", "blur", "a", "same answer", 0.5, np.nan, np.nan, 4),
        ("within", "blur", "a", "kappa", np.nan, np.nan, np.nan, 4),
        ("between", "blur", "a, b", "same answer", 0.75, np.nan, np.nan, 9),
        ("between", "blur", "a, b", "kappa", -0.125, -0.5, 0.25, 9),
    ]
    names = ["kind", "criterion", "readers", "statistic", "value", "low", "high", "n"]
    within, between = agreement_tables(pd.DataFrame(rows, columns=names))
    assert within.lines == [["blur", "a", "0.50", "–", "4"]]
    assert between.lines == [["blur", "a, b", "0.75", "−0.12 (−0.50 to 0.25)", "9"]]


def test_a_preference_without_a_p_has_a_dash():
    rows = pd.DataFrame(
        [{"version": "l1", "against": "corrupted", "rate": 0.5, "low": 0.25, "high": 0.75,
          "p": np.nan, "p_holm": np.nan, "n": 12, "n_cases": 6, "n_subjects": 1,
          "subjects_low": 0.1, "subjects_high": 0.9, "subjects_p": np.nan}]
    )  # fmt: skip
    (table,) = preference_tables(rows)
    assert table.lines == [
        [*("l1", "corrupted", "50 %", "25 to 75 %", "–", "–", "12", "6", "1", "10 to 90 %", "–")]
    ]
    assert preference_tables(rows.iloc[:0]) == []


def test_metrics_are_ordered_by_their_concordance_and_choices_have_no_correlation():
    row = {"criterion": "choice", "concordance_low": 0.4, "concordance_high": 1.0, "n_pairs": 5,
           "n_cases": 4, "p_holm": 0.25,
           "correlation": np.nan, "correlation_low": np.nan, "correlation_high": np.nan,
           "n_images": np.nan}  # fmt: skip
    rows = [
        row | {"metric": "ssim", "concordance": 0.6, "p_against_best": 0.5},
        row | {"metric": "psnr", "concordance": 0.8, "p_against_best": np.nan},
    ]
    (table,) = metric_tables(pd.DataFrame(rows))
    assert table.lines == [
        ["psnr", "80 %", "40 to 100 %", "0.250", "–", "5", "4"],
        ["ssim", "60 %", "40 to 100 %", "0.250", "0.500", "5", "4"],
    ]
    assert "correlation over images" not in table.header
