"""What was read, unblinded: one row an answer, and the scores of images against their reference."""

from collections.abc import Iterable, Sequence

import pandas as pd

from mcnet.core.documents import parse_json
from mcnet.core.errors import McnetError
from mcnet.reader_study.schema import opened
from mcnet.reader_study.settings import N_POINTS
from mcnet.reader_study.study import Study

_READINGS = """
SELECT readers.name AS reader, showings.place, showings.is_repeat, showings.is_mirrored,
    readings.saved_at, cases.name AS "case", cases.subject, cases.severity, cases.stratum,
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
_ABOUT = ["reader", "place", "is_repeat", "saved_at", "case", "subject", "severity", "stratum"]
"""What every reading has, in either design."""


def scores_table(study: Study) -> pd.DataFrame:
    """One row a reading and criterion of a study of scores.

    Columns: reader, place (in the reader's order, from 0), is_repeat, saved_at, case, subject,
    severity, stratum, version, criterion, score (1 the worst, 5 the best).
    """
    readings = _queried(study, _READINGS)
    names = study.record["criteria"]
    answers = _answers(study, readings.pop("answer"), names, N_POINTS)
    rows = [
        {**about, "version": about["first"], "criterion": criterion, "score": answer[criterion]}
        for about, answer in zip(readings.to_dict("records"), answers, strict=True)
        for criterion in names
    ]
    table = pd.DataFrame(rows, columns=[*_ABOUT, "version", "criterion", "score"])
    return table.astype({"is_repeat": bool, "score": int})


def choices_table(study: Study) -> pd.DataFrame:
    """One row a reading of a study of choices.

    Columns: reader, place, is_repeat, saved_at, case, subject, severity, stratum, first and second
    (the versions, in the order of the study), preferred (one of them), was_left (whether the
    preferred one was shown on the left).
    """
    readings = _queried(study, _READINGS)
    answers = _answers(study, readings.pop("answer"), ("choice",), 2)
    is_left = pd.Series([answer["choice"] == 1 for answer in answers])
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


def _answers(
    study: Study, texts: Iterable[object], names: Sequence[str], most: int
) -> list[dict[str, int]]:
    """Answers of readings, each of which has a whole number from 1 on for every name."""
    answers = []
    for text in texts:
        answer = parse_json(str(text), f"an answer in {study.readings}")
        if not isinstance(answer, dict) or not all(
            type(answer.get(name)) is int and 1 <= answer[name] <= most for name in names
        ):
            raise McnetError(
                f"{study.readings} holds the answer {str(text)[:60]}; expected a whole number from "
                f"1 to {most} for {', '.join(names)}: put the file back from a backup of the study."
            )
        answers.append(answer)
    return answers


_KINDS: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("reader", "case", "subject", "version", "first", "name", "saved_at"), str),
    **dict.fromkeys(("place", "is_repeat", "is_mirrored", "stratum", "n_done", "n_all"), int),
    "severity": (float, int, type(None)),
    "value": (float, int),
    "second": (str, type(None)),
}
"""What columns hold; SQLite takes anything."""


def _queried(study: Study, query: str) -> pd.DataFrame:
    with opened(study.readings) as connection:
        cursor = connection.execute(query)
        names = [column[0] for column in cursor.description]
        rows = [tuple(row) for row in cursor]
    for row in rows:
        for name, value in zip(names, row, strict=True):
            if name in _KINDS and not isinstance(value, _KINDS[name]):
                raise McnetError(
                    f"{study.readings} has {str(value)[:60]!r} for {name}, which is of another "
                    "kind; put the file back from a backup of the study."
                )
    return pd.DataFrame(rows, columns=names)
