"""The web application of a study: its page, what the page can ask for, and nothing else."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.trustedhost import TrustedHostMiddleware

from mcnet.readers.api import API
from mcnet.readers.signing_in import Throttle
from mcnet.readers.study import Study
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
    app.middleware("http")(_guarded)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.state.study = study
    app.state.throttle = throttle or Throttle()
    page = page_template("reading.html.jinja", package="readers")
    html = page.render(settings=study.settings, design=study.design)
    app.get("/")(lambda: HTMLResponse(html))
    app.include_router(API, prefix="/api")
    return app


async def _guarded(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    if request.headers.get("sec-fetch-site", "none") in _OTHER_SITES and request.method != "GET":
        response: Response = JSONResponse({"detail": "this came from another site"}, 403)
    else:
        response = await call_next(request)
    response.headers.update(HEADERS)
    # when a file was written or what it hashes to is nobody's business
    for name in ("etag", "last-modified"):
        if name in response.headers:
            del response.headers[name]
    return response
