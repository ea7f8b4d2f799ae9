"""The report of a study, as far as it is read: a page, and every number as CSV."""

from pathlib import Path

import numpy as np
import pandas as pd

from mcnet.core.errors import McnetError
from mcnet.core.outputs import Given, check_outputs
from mcnet.core.provenance import provenance, sha256_of_json
from mcnet.core.records import digests_of
from mcnet.core.writing import write_json, write_text, written_whole
from mcnet.reader_study.against_metrics import choice_agreement, score_agreement
from mcnet.reader_study.agreement import agreement
from mcnet.reader_study.differences import distributions, paired_tests
from mcnet.reader_study.preferences import left_share, preferences
from mcnet.reader_study.results import choices_table, metrics_table, progress_table, scores_table
from mcnet.reader_study.settings import N_POINTS
from mcnet.reader_study.study import RECORD, REPORT, REPORT_RECORD, SETTINGS, STUDY, Study
from mcnet.reader_study.words import (
    choice_findings,
    choice_sections,
    score_findings,
    score_sections,
)
from mcnet.report.reading_page import write_reading_page

Tables = dict[str, pd.DataFrame]
"""By the name of its CSV file: a table."""


def write_study_report(folder: Path, study: Study) -> Path:
    """Write report.html, figures, CSV files and report.json (provenance); return the page's path.

    Parameters
    ----------
    folder
        Where to; a report that stands there is replaced.
    study
        What was read; it may go on being read.

    Raises
    ------
    McnetError
        Nothing is read yet, or `mcnet.core.outputs.check_outputs` refuses the folder.
    """
    check_outputs([Given("", folder, REPORT)], [Given("", study.folder, STUDY)])
    # the database's file changes with its log, and not only with what is in it: readings are hashed
    inputs = {name: study.folder / name for name in (RECORD, SETTINGS)}
    tables = score_tables(study) if study.design == "scores" else choice_tables(study)
    about = provenance(seed=study.record["seed"], inputs=inputs)
    about["readings_sha256"] = sha256_of_json(tables["readings"].to_dict("records"))
    progress = progress_table(study)
    findings, sections = (
        (score_findings(tables), score_sections(tables, progress, study.record["versions"]))
        if study.design == "scores"
        else (choice_findings(tables), choice_sections(tables, progress))
    )
    with written_whole(folder) as room:
        room.mkdir()
        for name, table in tables.items():
            write_text(room / f"{name}.csv", table.to_csv(index=False, float_format="%.6g"))
        write_reading_page(
            room,
            title=study.settings.title,
            findings=findings,
            sections=sections,
            provenance=about | {"study": study.record},
        )
        record = {"kind": "reader study report", **about, **digests_of(room)}
        write_json(room / REPORT_RECORD, record)
    return folder / "report.html"


def score_tables(study: Study) -> Tables:
    """Every table of a study of scores: readings and their statistics."""
    scores = scores_table(study)
    _check_has_readings(study, scores)
    versions = study.record["versions"]
    answers = scores.assign(image=scores["case"] + " / " + scores["version"], n_points=N_POINTS)
    return {
        "readings": scores,
        "scores": distributions(scores, versions),
        "severity": distributions(scores, versions, by="stratum"),
        "differences": paired_tests(scores, versions),
        "agreement": agreement(answers),
        "metrics": score_agreement(
            scores, metrics_table(study), np.random.default_rng(study.record["seed"])
        ),
    }


def choice_tables(study: Study) -> Tables:
    """Every table of a study of choices: readings and their statistics."""
    choices = choices_table(study)
    _check_has_readings(study, choices)
    answers = choices.assign(
        image=choices["case"] + " / " + choices["first"] + " / " + choices["second"],
        criterion="choice",
        score=1 + (choices["preferred"] == choices["second"]).astype(int),
        n_points=2,
    )
    return {
        "readings": choices,
        "preferences": preferences(choices, study.record["versions"]),
        "sides": pd.DataFrame([left_share(choices)]),
        "agreement": agreement(answers),
        "metrics": choice_agreement(choices, metrics_table(study)),
    }


def _check_has_readings(study: Study, readings: pd.DataFrame) -> None:
    if readings.empty:
        raise McnetError(
            f"{study.folder} has no readings yet; let readers read with mcnet readers serve "
            f"{study.folder} first."
        )
