"""What was read, unblinded: one row an answer, and the scores of images against their reference."""

import json

import pandas as pd

from mcnet.readers.schema import opened
from mcnet.readers.study import Study

_READINGS = """
SELECT readers.name AS reader, showings.place, showings.is_repeat, showings.is_mirrored,
    readings.saved_at, cases.name AS "case", cases.person, cases.severity, cases.stratum,
    first.version AS first, second.version AS second, readings.answer
FROM readings
JOIN showings ON showings.id = readings.showing
JOIN readers ON readers.number = showings.reader
JOIN items ON items.number = showings.item
JOIN images AS first ON first.number = items.first
LEFT JOIN images AS second ON second.number = items.second
JOIN cases ON cases.number = first.case_number
ORDER BY showings.reader, showings.place
"""
_METRICS = """
SELECT cases.name AS "case", images.version, metrics.name, metrics.value FROM metrics
JOIN images ON images.number = metrics.image JOIN cases ON cases.number = images.case_number
"""
_PROGRESS = """
SELECT readers.name AS reader, count(readings.showing) AS n_done, count(*) AS n_all
FROM showings JOIN readers ON readers.number = showings.reader
LEFT JOIN readings ON readings.showing = showings.id GROUP BY showings.reader
"""
_ABOUT = ["reader", "place", "is_repeat", "saved_at", "case", "person", "severity", "stratum"]
"""What every reading has, in either design."""


def scores_table(study: Study) -> pd.DataFrame:
    """One row a reading and criterion of a study of scores.

    Columns: reader, place (in the reader's order, from 0), is_repeat, saved_at, case, person,
    severity, stratum, version, criterion, score (1 the worst, 5 the best).
    """
    readings = _queried(study, _READINGS)
    answers = [json.loads(answer) for answer in readings.pop("answer")]
    rows = [
        {**about, "version": about["first"], "criterion": criterion, "score": answer[criterion]}
        for about, answer in zip(readings.to_dict("records"), answers, strict=True)
        for criterion in study.record["criteria"]
    ]
    table = pd.DataFrame(rows, columns=[*_ABOUT, "version", "criterion", "score"])
    return table.astype({"is_repeat": bool, "score": int})


def choices_table(study: Study) -> pd.DataFrame:
    """One row a reading of a study of choices.

    Columns: reader, place, is_repeat, saved_at, case, person, severity, stratum, first and second
    (the versions, in the order of the study), preferred (one of them), was_left (whether the
    preferred one was shown on the left).
    """
    readings = _queried(study, _READINGS)
    is_left = pd.Series([json.loads(answer)["choice"] == 1 for answer in readings.pop("answer")])
    is_first = is_left.astype(bool) != readings["is_mirrored"].astype(bool)
    table = readings.assign(
        preferred=readings["first"].where(is_first, readings["second"]), was_left=is_left
    )
    columns = [*_ABOUT, "first", "second", "preferred", "was_left"]
    return table[columns].astype({"is_repeat": bool, "was_left": bool})


def metrics_table(study: Study) -> pd.DataFrame:
    """One row a case and version, one column a metric; no column, where nothing was measured."""
    found = _queried(study, _METRICS)
    return found.pivot(index=["case", "version"], columns="name", values="value")


def progress_table(study: Study) -> pd.DataFrame:
    """One row a reader: how many readings are done, of how many."""
    return _queried(study, _PROGRESS)


def _queried(study: Study, query: str) -> pd.DataFrame:
    with opened(study.readings) as connection:
        cursor = connection.execute(query)
        names = [column[0] for column in cursor.description]
        return pd.DataFrame([tuple(row) for row in cursor], columns=names)
