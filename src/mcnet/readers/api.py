"""What a browser can ask of a study.

Every answer about images and readings goes by the session's reader; what belongs to another reader
does not exist for it.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from pydantic import BaseModel, Field

from mcnet.readers.pixels import WHITE, unpacked
from mcnet.readers.readings import (
    Answer,
    Outcome,
    image_of,
    progress_of,
    save_reading,
    undo_reading,
)
from mcnet.readers.schema import opened
from mcnet.readers.settings import N_POINTS, Design, StudySettings
from mcnet.readers.signing_in import SESSION_SECONDS, Throttle, reader_of, sign_in, sign_out
from mcnet.readers.study import Study

_LONGEST_TEXT = 200


class Code(BaseModel):
    """What somebody types who wants to sign in."""

    code: str = Field(max_length=_LONGEST_TEXT)


class Reading(BaseModel):
    """An answer to what was shown."""

    showing: str = Field(max_length=_LONGEST_TEXT)
    answer: dict[str, int] = Field(max_length=_LONGEST_TEXT)


class Undo(BaseModel):
    """What is to be taken back: the id, so that a request that comes twice undoes once."""

    showing: str = Field(max_length=_LONGEST_TEXT)


API = APIRouter()


def _study(request: Request) -> Study:
    study: Study = request.app.state.study
    return study


AnyStudy = Annotated[Study, Depends(_study)]


def _connection(study: AnyStudy) -> Iterator[sqlite3.Connection]:
    with opened(study.readings) as connection:
        yield connection


Readings = Annotated[sqlite3.Connection, Depends(_connection)]


def cookie_of(study: Study) -> str:
    """Name of the cookie of a session: browsers mix up the cookies of one machine's ports."""
    return f"mcnet_reader_{study.record['id']}"


def _token(request: Request, study: AnyStudy) -> str:
    return request.cookies.get(cookie_of(study), "")


Token = Annotated[str, Depends(_token)]


def _signed_in(connection: Readings, token: Token) -> int:
    number = reader_of(connection, token)
    if number is None:
        raise HTTPException(401, "sign in first")
    return number


Reader = Annotated[int, Depends(_signed_in)]
"""Number of the reader who asks; who has not signed in gets no further."""


@API.post("/sign-in", status_code=204)
def enter(
    request: Request, response: Response, body: Code, study: AnyStudy, connection: Readings
) -> None:
    """Take a code, and give a session for it."""
    throttle: Throttle = request.app.state.throttle
    address = request.client.host if request.client else ""
    wait_s = throttle.seconds_to_wait(address)
    if wait_s > 0:
        after = {"Retry-After": f"{wait_s:.0f}"}
        raise HTTPException(429, f"wait {wait_s:.0f} s after wrong codes", headers=after)
    token = sign_in(connection, body.code)
    if token is None:
        throttle.wrong_code(address)
        raise HTTPException(403, "this code is wrong or was used")
    throttle.right_code(address)
    response.set_cookie(
        cookie_of(study), token, max_age=int(SESSION_SECONDS), httponly=True, samesite="strict"
    )


@API.post("/sign-out", status_code=204)
def leave(response: Response, study: AnyStudy, connection: Readings, token: Token) -> None:
    """End the session."""
    sign_out(connection, token)
    response.delete_cookie(cookie_of(study), httponly=True, samesite="strict")


@API.get("/progress")
def progress(connection: Readings, reader: Reader) -> dict[str, Any]:
    """Where the reader is."""
    return _progress(connection, reader)


@API.get("/images/{showing}/{side}")
def image(
    showing: str, side: int, study: AnyStudy, connection: Readings, reader: Reader
) -> Response:
    """Samples of an image that the reader is at, or comes to next."""
    number = image_of(connection, reader, showing, side)
    if number is None:
        raise HTTPException(404, "there is no such image")
    with opened(study.pixels) as pixels:
        stored = pixels.execute("SELECT samples FROM pixels WHERE image = ?", (number,)).fetchone()
    return Response(unpacked(stored["samples"]), media_type="application/octet-stream")


@API.post("/readings")
def read(body: Reading, study: AnyStudy, connection: Readings, reader: Reader) -> dict[str, Any]:
    """Save a reading, and tell what comes next."""
    if not is_answer(body.answer, study.design, study.settings):
        raise HTTPException(422, "this is no answer to the question")
    outcome = save_reading(connection, reader, body.showing, body.answer)
    return _after(outcome, connection, reader)


@API.post("/undo")
def undo(body: Undo, connection: Readings, reader: Reader) -> dict[str, Any]:
    """Take back the last reading, and tell where that leads."""
    outcome = undo_reading(connection, reader, body.showing)
    return _after(outcome, connection, reader)


def is_answer(answer: Answer, design: Design, settings: StudySettings) -> bool:
    """Whether every question of the study, and no other, has an answer that is on its scale."""
    if design == "choice":
        names, n_answers = {"choice"}, 2
    else:
        names, n_answers = {criterion.name for criterion in settings.criteria}, N_POINTS
    return set(answer) == names and all(1 <= score <= n_answers for score in answer.values())


def _after(outcome: Outcome | None, connection: sqlite3.Connection, reader: int) -> dict[str, Any]:
    if outcome is None:
        raise HTTPException(404, "there is nothing of this id to read")
    return _progress(connection, reader) | {"outcome": outcome}


def _progress(connection: sqlite3.Connection, reader: int) -> dict[str, Any]:
    return asdict(progress_of(connection, reader)) | {"white": WHITE}
