"""The web application of a study: what a browser can ask for, and nothing else.

Every answer about images and readings goes by the session's reader; what belongs to another reader
does not exist for it.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from fastapi import Body, Cookie, Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field
from starlette.middleware.trustedhost import TrustedHostMiddleware

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
from mcnet.report.templates import page_template

COOKIE = "mcnet_reader"
STATIC = Path(__file__).parent / "static"
LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
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


def study_app(
    study: Study, *, hosts: Sequence[str] = LOCAL_HOSTS, throttle: Throttle | None = None
) -> FastAPI:
    """The application of a study.

    Parameters
    ----------
    study
        What is read.
    hosts
        Names by which browsers may address the server; others are a trick (DNS rebinding).
    throttle
        The brake on wrong codes.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    app.middleware("http")(_with_headers)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    signed_in = _signed_in(study)
    _add_signing_in(app, study, throttle or Throttle())
    _add_reading(app, study, signed_in)
    return app


async def _with_headers(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    response = await call_next(request)
    response.headers.update(HEADERS)
    # when a file was written or what it hashes to is nobody's business
    for name in ("etag", "last-modified"):
        if name in response.headers:
            del response.headers[name]
    return response


def _signed_in(study: Study) -> Callable[[str | None], int]:
    """What gives an endpoint the number of the reader who asks."""

    def reader(token: Annotated[str | None, Cookie(alias=COOKIE)] = None) -> int:
        with opened(study.readings) as connection:
            number = reader_of(connection, token or "")
        if number is None:
            raise HTTPException(401, "sign in first")
        return number

    return reader


def _add_signing_in(app: FastAPI, study: Study, throttle: Throttle) -> None:
    """Add the first page, and the way in and out."""
    page = page_template("reading.html.jinja", package="readers")
    html = page.render(settings=study.settings, design=study.design)

    @app.get("/")
    def first_page() -> HTMLResponse:
        return HTMLResponse(html)

    @app.post("/api/sign-in", status_code=204)
    def enter(request: Request, response: Response, body: Annotated[Code, Body()]) -> None:
        address = request.client.host if request.client else ""
        wait_s = throttle.seconds_to_wait(address)
        if wait_s > 0:
            after = {"Retry-After": f"{wait_s:.0f}"}
            raise HTTPException(429, f"wait {wait_s:.0f} s after wrong codes", headers=after)
        with opened(study.readings) as connection:
            token = sign_in(connection, body.code)
        if token is None:
            throttle.wrong_code(address)
            raise HTTPException(403, "this code is wrong or was used")
        throttle.right_code(address)
        response.set_cookie(
            COOKIE, token, max_age=int(SESSION_SECONDS), httponly=True, samesite="strict"
        )

    @app.post("/api/sign-out", status_code=204)
    def leave(
        response: Response, token: Annotated[str | None, Cookie(alias=COOKIE)] = None
    ) -> None:
        with opened(study.readings) as connection:
            sign_out(connection, token or "")
        response.delete_cookie(COOKIE, httponly=True, samesite="strict")


def _add_reading(app: FastAPI, study: Study, signed_in: Callable[[str | None], int]) -> None:
    """Add what a reader who has signed in can do."""

    @app.get("/api/progress")
    def progress(reader: Annotated[int, Depends(signed_in)]) -> dict[str, Any]:
        return _progress(study, reader)

    @app.get("/api/images/{showing}/{side}")
    def image(showing: str, side: int, reader: Annotated[int, Depends(signed_in)]) -> Response:
        with opened(study.readings) as connection:
            number = image_of(connection, reader, showing, side)
        if number is None:
            raise HTTPException(404, "there is no such image")
        with opened(study.pixels) as connection:
            stored = connection.execute(
                "SELECT samples FROM pixels WHERE image = ?", (number,)
            ).fetchone()
        return Response(unpacked(stored["samples"]), media_type="application/octet-stream")

    @app.post("/api/readings")
    def read(
        body: Annotated[Reading, Body()], reader: Annotated[int, Depends(signed_in)]
    ) -> dict[str, Any]:
        if not is_answer(body.answer, study.design, study.settings):
            raise HTTPException(422, "this is no answer to the question")
        with opened(study.readings) as connection:
            outcome = save_reading(connection, reader, body.showing, body.answer)
        return _after(study, reader, outcome)

    @app.post("/api/undo")
    def undo(
        body: Annotated[Undo, Body()], reader: Annotated[int, Depends(signed_in)]
    ) -> dict[str, Any]:
        with opened(study.readings) as connection:
            outcome = undo_reading(connection, reader, body.showing)
        return _after(study, reader, outcome)


def is_answer(answer: Answer, design: Design, settings: StudySettings) -> bool:
    """Whether every question of the study, and no other, has an answer that is on its scale."""
    if design == "choice":
        names, n_answers = {"choice"}, 2
    else:
        names, n_answers = {criterion.name for criterion in settings.criteria}, N_POINTS
    return set(answer) == names and all(1 <= score <= n_answers for score in answer.values())


def _after(study: Study, reader: int, outcome: Outcome | None) -> dict[str, Any]:
    if outcome is None:
        raise HTTPException(404, "there is nothing of this id to read")
    return _progress(study, reader) | {"outcome": outcome}


def _progress(study: Study, reader: int) -> dict[str, Any]:
    with opened(study.readings) as connection:
        return asdict(progress_of(connection, reader)) | {"white": WHITE}
