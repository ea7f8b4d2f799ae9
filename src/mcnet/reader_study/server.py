"""The web application of a study: its page, what the page can ask for, and nothing else."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcnet.reader_study.api import API
from mcnet.reader_study.bodies import LimitedBodies
from mcnet.reader_study.signing_in import Throttle
from mcnet.reader_study.study import Study
from mcnet.report.templates import page_template

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
_OTHER_SITES = ("cross-site", "same-site")
"""What browsers say of other pages' requests; another port of this machine is of the same site."""
_LOG = logging.getLogger(__name__)


def study_app(
    study: Study,
    *,
    hosts: Sequence[str] = LOCAL_HOSTS,
    throttle: Throttle | None = None,
    is_behind_tls: bool = False,
) -> ASGIApp:
    """The application of a study, with everything that guards it.

    Parameters
    ----------
    study
        What is read.
    hosts
        Names by which browsers may address the server; others are a trick (DNS rebinding).
    throttle
        The brake on wrong codes.
    is_behind_tls
        Whether browsers come by a proxy that encrypts: their cookies never go unencrypted then.
    """
    api = study_api(study, throttle=throttle, is_behind_tls=is_behind_tls)
    limited = LimitedBodies(api)
    return Guarded(TrustedHostMiddleware(limited, allowed_hosts=list(hosts), www_redirect=False))


def study_api(
    study: Study, *, throttle: Throttle | None = None, is_behind_tls: bool = False
) -> FastAPI:
    """What answers the requests of a study, unguarded; parameters as `study_app`."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    for kind in (HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, _refusal)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.state.study = study
    app.state.throttle = throttle or Throttle()
    app.state.is_behind_tls = is_behind_tls
    page = page_template("reading.html.jinja", package="reader_study")
    html = page.render(settings=study.settings, design=study.design)
    app.get("/", include_in_schema=False)(lambda: HTMLResponse(html))
    app.include_router(API, prefix="/api")
    return app


class Guarded:
    """An application all of whose answers have the headers, and that no error leaves.

    It stands outside of what turns errors into answers, so that these have the headers, too. An
    error of ours is told in one line of the log; its traceback is there at level DEBUG.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        has_begun = False

        async def send_guarded(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                _set_headers(message)
            await send(message)

        site = Headers(scope=scope).get("sec-fetch-site", "none")
        if site in _OTHER_SITES and scope["method"] != "GET":
            refusal = JSONResponse({"detail": "this came from another site"}, 403)
            await refusal(scope, receive, send_guarded)
            return
        try:
            await self.app(scope, receive, send_guarded)
        except Exception as error:
            asked = f"{scope['method']} {scope['path']!r}"
            _LOG.error("%s failed: %s: %r", asked, type(error).__name__, str(error))
            _LOG.debug("%s failed", asked, exc_info=error)
            if not has_begun:
                await _trouble()(scope, receive, send_guarded)


def _set_headers(message: Message) -> None:
    headers = MutableHeaders(raw=message["headers"])
    headers.update(HEADERS)
    # when a file was written or what it hashes to is nobody's business
    for name in ("etag", "last-modified"):
        del headers[name]


async def _refusal(_: Request, error: Exception) -> JSONResponse:
    """The answer to any error: why, in words that repeat nothing of what was sent."""
    if isinstance(error, HTTPException):
        return _told(error.status_code, error.detail, error.headers)
    if isinstance(error, RequestValidationError):
        return _told(422, "the request has a value of another kind than is expected")
    return _trouble()


def _trouble() -> JSONResponse:
    return _told(500, "the server is in trouble")


def _told(status: int, why: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"detail": why}, status, headers)
