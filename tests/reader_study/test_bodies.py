"""Bodies of requests are limited as they arrive: in bytes, in time, and in what they take up."""

import asyncio
import http.client
import json
import re
import socket
import time
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from drawn_studies import drawn_study, served

from mcnet.reader_study.bodies import MOST_BYTES, LimitedBodies
from mcnet.reader_study.server import HEADERS

MB = 2**20
JSON = {"Content-Type": "application/json"}
TOO_LONG = {"detail": f"a request may have {MOST_BYTES} bytes"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served") / "study"
    drawn_study(folder)
    with served(folder) as found:
        yield found


@pytest.fixture
def connection(server):
    address = urlsplit(server.address)
    with closing(http.client.HTTPConnection(address.netloc, timeout=60)) as found:
        yield found


def most_mb(server):
    """The most that the process has ever held in memory."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def pieces(n_mb):
    for _ in range(n_mb):
        yield b"x" * MB


@pytest.mark.parametrize("said", ["chunked", "truth"])
def test_400_mb_before_sign_in_take_up_no_memory(server, connection, said):
    connection.request("GET", "/")
    connection.getresponse().read()
    before = most_mb(server)
    headers = JSON if said == "chunked" else {**JSON, "Content-Length": str(400 * MB)}
    with suppress(BrokenPipeError, ConnectionResetError):  # it need not listen for ever
        connection.request(
            "POST", "/api/sign-in", pieces(400), headers, encode_chunked=said == "chunked"
        )
    response = connection.getresponse()
    assert (response.status, json.loads(response.read())) == (413, TOO_LONG)
    assert {name: response.headers[name] for name in HEADERS} == HEADERS
    assert most_mb(server) < before + 4


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/api/progress", "/static/reading.js", "/nowhere"])
def test_every_path_and_method_is_held_to_the_limit(connection, method, path):
    connection.request(method, path, b"x" * (MOST_BYTES + 1))
    response = connection.getresponse()
    assert (response.status, json.loads(response.read())) == (413, TOO_LONG)


def test_a_body_of_the_longest_length_is_taken(connection):
    code = json.dumps({"code": "A"}).encode()
    connection.request("POST", "/api/sign-in", code.ljust(MOST_BYTES), JSON)
    assert connection.getresponse().status == 403


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("Content-Length: 5\r\nContent-Length: 900000000", 400),
        ("Content-Length: -1", 400),
        ("Content-Length: 1e9", 400),
        (f"Content-Length: {'9' * 19}", 413),
        (f"Content-Length: {'9' * 300}", 400),
        ("Transfer-Encoding: gzip, chunked", 400),
        ("X-Long: " + "x" * 200_000, 400),
    ],
)
def test_what_a_request_says_of_its_length_is_checked(server, said, status):
    address = urlsplit(server.address)
    with closing(socket.create_connection((address.hostname, address.port), 20)) as sent:
        head = f"POST /api/sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\n{said}\r\n\r\n"
        with suppress(ConnectionError):
            sent.sendall(head.encode())
        assert int(sent.recv(4096).split()[1]) == status


def test_a_length_that_is_less_than_what_comes_ends_the_request_there(server):
    """The rest is another request, as HTTP has it, and no valid one."""
    address = urlsplit(server.address)
    with closing(socket.create_connection((address.hostname, address.port), 20)) as sent:
        head = b"POST /api/sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n"
        sent.sendall(head + b"{}" + b"x" * 100 + b"\r\n\r\n")
        answers = b"".join(iter(lambda: sent.recv(65536), b""))
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"422", b"400"]


class Asked:
    """An exchange with `LimitedBodies` about an application that gives its body back."""

    def __init__(self, *messages, pause_s=0.0, longest_s=5.0, headers=()):
        self.messages, self.pause_s = list(messages), pause_s
        self.sent, self.bodies = [], []
        app = LimitedBodies(self.app, most_bytes=10, longest_s=longest_s)
        scope = {"type": "http", "headers": list(headers)}
        asyncio.run(app(scope, self.receive, self.send))

    async def app(self, scope, receive, send):  # noqa: ARG002
        self.bodies.append((await receive())["body"])
        assert (await receive())["type"] == "http.disconnect"

    async def receive(self):
        await asyncio.sleep(self.pause_s)
        return self.messages.pop(0) if self.messages else {"type": "http.disconnect"}

    async def send(self, message):
        self.sent.append(message)

    @property
    def status(self):
        return self.sent[0]["status"]


def piece(body, more=True):
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_in_pieces_comes_whole_and_then_what_else_comes():
    asked = Asked(piece(b"abc"), piece(b""), piece(b"defg", more=False))
    assert asked.bodies == [b"abcdefg"]


def test_a_body_that_is_too_long_is_let_go_of_and_never_reaches_the_application():
    asked = Asked(piece(b"abcdef"), piece(b"ghijk"), piece(b"l"), piece(b"m", more=False))
    assert (asked.bodies, asked.status, asked.messages) == ([], 413, [])


def test_a_length_that_is_too_long_is_refused_before_the_body_is_asked_for():
    asked = Asked(headers=[(b"content-length", b"11")])
    assert (asked.bodies, asked.status) == ([], 413)
    assert asked.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


def test_a_body_that_comes_too_slowly_is_refused():
    began = time.monotonic()
    asked = Asked(*[piece(b"")] * 1000, pause_s=0.02, longest_s=0.1)
    assert (asked.bodies, asked.status) == ([], 408)
    assert time.monotonic() - began < 5


def test_who_goes_on_sending_too_much_is_not_listened_to_for_ever():
    asked = Asked(*[piece(b"x" * 11)] * 1000, pause_s=0.02, longest_s=0.1)
    assert asked.status == 413
    assert len(asked.messages) > 900


def test_nobody_who_has_gone_is_answered():
    asked = Asked(piece(b"abc"))
    assert (asked.bodies, asked.sent) == ([], [])


@pytest.mark.slow
def test_a_slow_body_holds_no_other_reader_up(server, connection):
    address = urlsplit(server.address)
    with closing(socket.create_connection((address.hostname, address.port), 20)) as slow:
        head = "POST /api/sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{"
        slow.sendall(head.encode())
        connection.request("GET", "/api/progress")
        assert connection.getresponse().status == 401
