"""Bodies of requests: of so many bytes and within so long, before anything of them is parsed."""

import asyncio

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 64 * 1024
"""Many times the longest answer to all questions of a study."""
LONGEST_S = 20.0


class LimitedBodies:
    """An application whose requests come whole, or are refused: 413 too long, 408 too slow.

    What a request says of its length is not relied on; bytes are counted as they arrive, and no
    more than the limit is held. Who has not signed in is held to it as well.

    Parameters
    ----------
    app
        What answers requests that are within the limits.
    most_bytes
        How long a body may be.
    longest_s
        How long it may take to arrive.
    """

    def __init__(
        self, app: ASGIApp, *, most_bytes: int = MOST_BYTES, longest_s: float = LONGEST_S
    ) -> None:
        self.app = app
        self.most_bytes = most_bytes
        self.longest_s = longest_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        too_long = f"a request may have {self.most_bytes} bytes"
        if _said_length(scope) > self.most_bytes:
            await self._refuse(413, too_long, receive, send, is_more_coming=True)
            return
        body, is_more_coming = bytearray(), True
        try:
            async with asyncio.timeout(self.longest_s):
                while is_more_coming:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return
                    body += message.get("body", b"")
                    is_more_coming = message.get("more_body", False)
                    if len(body) > self.most_bytes:
                        break
        except TimeoutError:
            too_slow = f"a request may take {self.longest_s:g} s to arrive"
            await self._refuse(408, too_slow, receive, send, is_more_coming=False)
            return
        if len(body) > self.most_bytes:
            body.clear()
            await self._refuse(413, too_long, receive, send, is_more_coming=is_more_coming)
            return
        await self.app(scope, _once(bytes(body), receive), send)

    async def _refuse(
        self, status: int, why: str, receive: Receive, send: Send, *, is_more_coming: bool
    ) -> None:
        """Answer, let go what is still sent, and close.

        Who sends reads the answer afterwards; a connection that is closed before would lose it.
        """
        response = JSONResponse({"detail": why}, status, {"Connection": "close"})
        await send(
            {"type": "http.response.start", "status": status, "headers": response.raw_headers}
        )
        await send({"type": "http.response.body", "body": response.body, "more_body": True})
        try:
            async with asyncio.timeout(self.longest_s):
                while is_more_coming:
                    is_more_coming = (await receive()).get("more_body", False)
        except TimeoutError:
            pass
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _said_length(scope: Scope) -> int:
    """The length that a request says it has; 0, if it says none that is a number."""
    said = Headers(scope=scope).get("content-length", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 20 else 0


def _once(body: bytes, receive: Receive) -> Receive:
    """What gives the body that has come, and after that what else comes."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def given() -> Message:
        return waiting.pop() if waiting else await receive()

    return given
