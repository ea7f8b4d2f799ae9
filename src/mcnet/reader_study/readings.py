"""Readings as they come in: each saved once, in a reader's order, whatever the browser does.

A reader's readings are always the first places of the order. Only the first place without one
takes a reading, and only the last reading can be undone; so tabs, key presses and requests that
come twice, late or out of order change nothing.
"""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from mcnet.reader_study.pixels import Form
from mcnet.reader_study.schema import transaction

Outcome = Literal["saved", "undone", "unchanged", "overtaken"]
"""``unchanged``: the request came again. ``overtaken``: another tab was faster."""
Answer = Mapping[str, int]
"""By criterion the score from 1 on; of a choice, ``{"choice": 1}`` for left and 2 for right."""


@dataclass(frozen=True)
class Screen:
    """What a reader is shown, by an id that says nothing."""

    id: str
    n_images: int
    form: Form


@dataclass(frozen=True)
class Progress:
    """Where a reader is."""

    n_done: int
    n_all: int
    current: Screen | None
    """Nothing, where all is read."""
    next: Screen | None
    """To be fetched while the current one is looked at."""
    last: str | None
    """Id of what was read last, which can be undone."""
    last_answer: Answer | None


def progress_of(connection: sqlite3.Connection, reader: int) -> Progress:
    """Where a reader is now."""
    n_done = _n_done(connection, reader)
    n_all = _n_places(connection, "showings", reader)
    last = connection.execute(
        "SELECT showing, answer FROM readings WHERE reader = ? AND place = ?", (reader, n_done - 1)
    ).fetchone()
    return Progress(
        n_done,
        n_all,
        _screen(connection, reader, n_done),
        _screen(connection, reader, n_done + 1),
        last["showing"] if last else None,
        json.loads(last["answer"]) if last else None,
    )


def save_reading(
    connection: sqlite3.Connection, reader: int, showing: str, answer: Answer
) -> Outcome | None:
    """Save a reading, once; of a showing that is not this reader's, nothing."""
    content = json.dumps(answer, sort_keys=True)
    with transaction(connection):
        place = _place(connection, reader, showing)
        if place is None:
            return None
        known = connection.execute(
            "SELECT answer FROM readings WHERE showing = ?", (showing,)
        ).fetchone()
        if known is not None:
            return "unchanged" if known["answer"] == content else "overtaken"
        if place != _n_done(connection, reader):
            return "overtaken"
        connection.execute(
            "INSERT INTO readings VALUES (?, ?, ?, ?, ?)",
            (showing, reader, place, content, _now()),
        )
    return "saved"


def undo_reading(connection: sqlite3.Connection, reader: int, showing: str) -> Outcome | None:
    """Take back the last reading; of a showing that is not this reader's, nothing."""
    with transaction(connection):
        place, n_done = _place(connection, reader, showing), _n_done(connection, reader)
        if place is None:
            return None
        if place != n_done - 1:
            return "unchanged" if place == n_done else "overtaken"
        connection.execute(
            "INSERT INTO withdrawn SELECT showing, answer, saved_at, ? FROM readings "
            "WHERE showing = ?",
            (_now(), showing),
        )
        connection.execute("DELETE FROM readings WHERE showing = ?", (showing,))
    return "undone"


def image_of(connection: sqlite3.Connection, reader: int, showing: str, side: int) -> int | None:
    """Number of the image on a side, 0 for left, of a showing that this reader is at or past.

    Nothing, if it is another reader's, there is no such side, or it lies further ahead than the
    next one.
    """
    found = connection.execute(
        "SELECT place, is_mirrored, first, second FROM showings "
        "JOIN items ON items.number = showings.item WHERE id = ? AND reader = ?",
        (showing, reader),
    ).fetchone()
    if found is None or found["place"] > _n_done(connection, reader) + 1:
        return None
    sides = [found["first"]] + ([] if found["second"] is None else [found["second"]])
    if found["is_mirrored"]:
        sides.reverse()
    return int(sides[side]) if 0 <= side < len(sides) else None


def _n_done(connection: sqlite3.Connection, reader: int) -> int:
    return _n_places(connection, "readings", reader)


def _n_places(
    connection: sqlite3.Connection, table: Literal["readings", "showings"], reader: int
) -> int:
    """How many of a reader's places a table has: the first ones, so the last tells their number."""
    query = f"SELECT max(place) FROM {table} WHERE reader = ?"  # noqa: S608 (a literal)
    last = connection.execute(query, (reader,)).fetchone()[0]
    return 0 if last is None else int(last) + 1


def _place(connection: sqlite3.Connection, reader: int, showing: str) -> int | None:
    found = connection.execute(
        "SELECT place FROM showings WHERE id = ? AND reader = ?", (showing, reader)
    ).fetchone()
    return None if found is None else int(found["place"])


def _screen(connection: sqlite3.Connection, reader: int, place: int) -> Screen | None:
    found: Any = connection.execute(
        "SELECT id, second, n_frames, rows, columns, row_mm, column_mm FROM showings "
        "JOIN items ON items.number = showings.item JOIN images ON images.number = items.first "
        "JOIN cases ON cases.number = images.case_number WHERE reader = ? AND place = ?",
        (reader, place),
    ).fetchone()
    if found is None:
        return None
    form = Form(*(found[name] for name in ("n_frames", "rows", "columns", "row_mm", "column_mm")))
    return Screen(found["id"], 1 if found["second"] is None else 2, form)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
