"""What a browser can ask of a study.

Every answer about images and readings goes by the session's reader; what belongs to another reader
does not exist for it.
"""

import math
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any, Literal, TypedDict

from fastapi import APIRouter, Depends, HTTPException, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from mcnet.reader_study.pixels import WHITE, unpacked
from mcnet.reader_study.readings import (
    Answer,
    Outcome,
    image_of,
    progress_of,
    save_reading,
    undo_reading,
)
from mcnet.reader_study.schema import opened
from mcnet.reader_study.settings import N_POINTS, Design, StudySettings
from mcnet.reader_study.signing_in import SESSION_SECONDS, Throttle, reader_of, sign_in, sign_out
from mcnet.reader_study.study import Study

_LONGEST_TEXT = 200


class _CookieAttributes(TypedDict):
    httponly: bool
    samesite: Literal["strict"]
    secure: bool


class Sent(BaseModel):
    """What a browser sends: of the very types that are named, and nothing else beside it."""

    model_config = ConfigDict(strict=True, extra="forbid")


class Code(Sent):
    """What somebody types who wants to sign in."""

    code: str = Field(max_length=_LONGEST_TEXT)


class Reading(Sent):
    """An answer to what was shown."""

    showing: str = Field(max_length=_LONGEST_TEXT)
    answer: dict[str, int] = Field(max_length=_LONGEST_TEXT)


class Undo(Sent):
    """What is to be taken back: the id, so that a request that comes twice undoes once."""

    showing: str = Field(max_length=_LONGEST_TEXT)


class Refusal(BaseModel):
    """What comes back in place of an answer, whatever the reason."""

    detail: str


_REFUSALS = (400, 401, 403, 404, 408, 413, 422, 429, 500)
_SAMPLES = "application/octet-stream"
API = APIRouter(responses={status: {"model": Refusal} for status in _REFUSALS})


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
    wait_s = throttle.begin(address)
    if wait_s > 0:
        after = {"Retry-After": f"{math.ceil(wait_s)}"}
        raise HTTPException(429, f"wait {math.ceil(wait_s)} s after wrong codes", headers=after)
    token = sign_in(connection, body.code)
    if token is None:
        raise HTTPException(403, "this code is wrong or was used")
    throttle.right_code(address)
    response.set_cookie(
        cookie_of(study), token, max_age=int(SESSION_SECONDS), **_cookie_attributes(request)
    )


@API.post("/sign-out", status_code=204)
def leave(
    request: Request, response: Response, study: AnyStudy, connection: Readings, token: Token
) -> None:
    """End the session."""
    sign_out(connection, token)
    response.delete_cookie(cookie_of(study), **_cookie_attributes(request))


@API.get("/progress")
def progress(connection: Readings, reader: Reader) -> dict[str, Any]:
    """Where the reader is."""
    return _progress(connection, reader)


@API.get(
    "/images/{showing}/{side}",
    response_class=Response,
    responses={200: {"content": {_SAMPLES: {"schema": {"type": "string", "format": "binary"}}}}},
)
def image(
    showing: Annotated[str, Path(max_length=_LONGEST_TEXT)],
    side: Annotated[str, Path(pattern="^[01]$")],
    study: AnyStudy,
    connection: Readings,
    reader: Reader,
) -> Response:
    """Samples of an image that the reader is at, or comes to next."""
    number = image_of(connection, reader, showing, int(side))
    if number is None:
        raise HTTPException(404, "there is no such image")
    with opened(study.pixels) as pixels:
        stored = pixels.execute("SELECT samples FROM pixels WHERE image = ?", (number,)).fetchone()
    return Response(unpacked(stored["samples"]), media_type=_SAMPLES)


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
    """Whether every question of the study, and no other, has a whole number on its scale.

    True and 2.0 are equal to such numbers, and are none.
    """
    if design == "choice":
        names, n_answers = {"choice"}, 2
    else:
        names, n_answers = {criterion.name for criterion in settings.criteria}, N_POINTS
    return set(answer) == names and all(
        type(score) is int and 1 <= score <= n_answers for score in answer.values()
    )


def _cookie_attributes(request: Request) -> _CookieAttributes:
    """How the session's cookie is kept from scripts, other sites and, behind TLS, plain HTTP."""
    return {"httponly": True, "samesite": "strict", "secure": request.app.state.is_behind_tls}


def _after(outcome: Outcome | None, connection: sqlite3.Connection, reader: int) -> dict[str, Any]:
    if outcome is None:
        raise HTTPException(404, "there is nothing of this id to read")
    return _progress(connection, reader) | {"outcome": outcome}


def _progress(connection: sqlite3.Connection, reader: int) -> dict[str, Any]:
    return asdict(progress_of(connection, reader)) | {"white": WHITE}
