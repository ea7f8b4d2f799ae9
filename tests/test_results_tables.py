"""Tables in docs/results are what today's code makes from the results beside them.

Nothing is run anew: rows of slices and scans (or their summaries, where rows are too many to be
kept) are read from the committed files, by today's names of their columns.
"""

import json
from pathlib import Path

import pandas as pd
import pytest

from mcnet.core.renamed import new_names, with_new_names
from mcnet.evaluation.raw_trial_results import RawTrial
from mcnet.evaluation.statistics import by_severity, check_rows, summary
from mcnet.evaluation.trial import Trial
from mcnet.metrics.registry import COLUMN_NAMES, columns_in
from mcnet.report.page import run_text
from mcnet.report.raw_trial_page import raw_trial_text
from mcnet.report.trial_page import trial_summary, trial_text

RESULTS = Path(__file__).parents[1] / "docs" / "results"


def table_of(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path)
    return table.rename(columns=new_names(table.columns))


def folders(pattern: str) -> list[Path]:
    found = sorted(path.parent for path in RESULTS.glob(pattern))
    assert found
    return found


def name_of(folder: Path) -> str:
    return str(folder.relative_to(RESULTS))


def trial_in(folder: Path) -> Trial:
    rows, severities, still = (table_of(folder / f"{n}.csv") for n in ("rows", "severity", "still"))
    return Trial(rows, severities, still, {})


@pytest.mark.parametrize("folder", folders("correction/*/rows.csv"), ids=name_of)
def test_the_tables_of_a_corrector(folder):
    assert (folder / "table.md").read_text("utf-8") == trial_text(trial_in(folder), folder.name)


@pytest.mark.parametrize("folder", folders("correction/*/rows.csv"), ids=name_of)
def test_the_summary_of_a_corrector(folder):
    """Rounding of the rows to six digits may show in the last of four."""
    committed = json.loads((folder / "summary.json").read_text("utf-8"))
    found = trial_summary(trial_in(folder), folder.name)
    for name, value in with_new_names(committed).items():
        of_factor = with_new_names(value) if isinstance(value, dict) else value
        assert found[name] == pytest.approx(of_factor, abs=1.01e-4)


@pytest.mark.parametrize("folder", folders("kspace/*/rows.csv"), ids=name_of)
def test_the_tables_of_a_reconstruction(folder):
    trial = RawTrial(table_of(folder / "rows.csv"), table_of(folder / "scans.csv"))
    assert (folder / "table.md").read_text("utf-8") == raw_trial_text(trial)


@pytest.mark.parametrize("folder", folders("**/table.csv"), ids=name_of)
def test_the_tables_of_a_run(folder):
    asked = folder / "answers.csv"
    answers = table_of(asked) if asked.is_file() else pd.DataFrame()
    found = run_text(table_of(folder / "table.csv"), answers)
    assert (folder / "table.md").read_text("utf-8") == found


@pytest.mark.parametrize("folder", folders("*/*/rows.csv"), ids=name_of)
def test_rows_from_before_a_metric_existed_are_read(folder):
    rows = table_of(folder / "rows.csv")
    assert "vif_head_registered" not in rows.columns
    check_rows(rows)
    present = [one.name for one in columns_in(rows.columns)]
    assert present == [name for name in COLUMN_NAMES if name in rows.columns]
    table = summary(rows)
    assert {f"{name}_mean" for name in present} == {n for n in table if n.endswith("_mean")}
    assert len(by_severity(rows))
