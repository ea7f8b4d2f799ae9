"""Errors of requests and of the server itself: JSON, the headers, and no traceback."""

import http.client
import json
import logging
import socket
import sqlite3
from contextlib import closing, suppress
from urllib.parse import urlsplit

import pytest
from drawn_studies import drawn_study, served
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mcnet.reader_study import api
from mcnet.reader_study.api import cookie_of, is_answer
from mcnet.reader_study.readings import progress_of
from mcnet.reader_study.schema import opened
from mcnet.reader_study.server import HEADERS, study_app
from mcnet.reader_study.settings import StudySettings
from mcnet.reader_study.signing_in import Throttle, issue_code, sign_in

JSON = {"Content-Type": "application/json"}
NAMES = ("motion artefact", "sharpness", "diagnostic usability")
HOSTILE = (
    b'{"code":"\\ud800"}', b'{"code":"\\udfff\\ud800"}', b'{"\\ud800":1}', b'{"code":NaN}',
    b'{"code":1e999}', b'{"code":-Infinity}', b'{"code":true}', b'{"code":["a"]}', b'{"code":{}}',
    b'{"code":null}', b"{}", b"null", b"[]", b"1", b'""', b"", b"[" * 60_000,
    b'{"a":' * 10_000, b"1" * 6000, b'{"code":' + b"9" * 6000 + b"}", b'{"code":"\xff\xfe"}',
    b"\xff\xfe{\x00}\x00", b"\x00", b'{"code":"a"', b'{"code":"' + b"a" * 201 + b'"}',
    b'{"code":"a","reader":1}',
)  # fmt: skip
NO_SCORES = (True, "3", 3.0, 3.5, None, [3], {"3": 3}, "NaN", 10**400, -(10**400))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return drawn_study(tmp_path_factory.mktemp("hostile") / "study")[0]


def browser(study, **kwargs):
    """Signed in as the first reader."""
    with opened(study.readings) as connection:
        token = sign_in(connection, issue_code(connection, "reader-1"))
    app = study_app(study, **kwargs)
    return TestClient(app, base_url="http://127.0.0.1", cookies={cookie_of(study): token})


def current(study):
    with opened(study.readings) as connection:
        return progress_of(connection, 1).current.id


def n_readings(study):
    with closing(sqlite3.connect(study.readings)) as connection:
        return connection.execute("SELECT count(*) FROM readings").fetchone()[0]


def is_told(response):
    """Whether a refusal is JSON with a sentence alone, under the headers."""
    assert {name: response.headers[name] for name in HEADERS} == HEADERS
    assert response.headers["content-type"] == "application/json"
    return list(response.json()) == ["detail"] and isinstance(response.json()["detail"], str)


@pytest.fixture(scope="module")
def client(study):
    return browser(study, throttle=Throttle(n_free=10**6))


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/api/sign-in", "/api/readings", "/api/undo"])
@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_no_request_is_refused_in_json(client, path, body):
    response = client.post(path, content=body, headers=JSON)
    assert response.status_code in (400, 422)
    assert is_told(response)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(body=st.binary(max_size=60), kind=st.sampled_from(["application/json", "text/plain", ""]))
@example(body=b"--x\r\n", kind="multipart/form-data; boundary=x")
@example(body=b"code=a", kind="application/x-www-form-urlencoded")
@example(body=b"{}", kind="application/json; charset=utf-77")
def test_any_bytes_are_refused_in_json(client, body, kind):
    response = client.post("/api/readings", content=body, headers={"Content-Type": kind})
    assert response.status_code in (400, 422)
    assert is_told(response)


@pytest.mark.parametrize("score", NO_SCORES, ids=lambda score: repr(score)[:9])
def test_what_is_no_whole_number_is_no_score(client, study, score):
    answer = dict.fromkeys(NAMES, 3) | {"sharpness": score}
    body = json.dumps({"showing": current(study), "answer": answer}).replace('"NaN"', "NaN")
    response = client.post("/api/readings", content=body, headers=JSON)
    assert response.status_code in (400, 422)
    assert is_told(response)
    assert n_readings(study) == 0
    if isinstance(score, int):
        assert not is_answer(answer, "scores", StudySettings())
        assert not is_answer({"choice": score}, "choice", StudySettings())


@pytest.mark.parametrize("side", ["1.0", "+1", "01", "1_0", " 1", "true", "١", "2", "-1", "1%0A"])
def test_a_side_is_0_or_1_as_it_is_written(client, study, side):
    response = client.get(f"/api/images/{current(study)}/{side}")
    assert response.status_code == 422
    assert is_told(response)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "PATCH", "X"])
@pytest.mark.parametrize("path", ["/", "/api/progress", "/api/readings", "/static/style.css"])
def test_other_methods_are_refused(client, method, path):
    response = client.request(method, path)
    is_file = method == "HEAD" and path.startswith("/static")
    assert response.status_code == (200 if is_file else 405)
    assert {name: response.headers[name] for name in HEADERS} == HEADERS


@pytest.mark.parametrize("trouble", [RuntimeError("secret\n\x1b[2J"), sqlite3.OperationalError()])
def test_an_error_of_the_server_is_told_with_the_headers_and_logged_in_a_line(
    study, monkeypatch, caplog, trouble
):
    def broken(*_):
        raise trouble

    monkeypatch.setattr(api, "progress_of", broken)
    response = browser(study).get("/api/progress")
    assert response.status_code == 500
    assert is_told(response)
    assert "secret" not in response.text
    (record,) = (record for record in caplog.records if record.levelno >= logging.WARNING)
    assert record.name == "mcnet.reader_study.server"
    assert "GET '/api/progress' failed" in record.getMessage()
    assert not {"\n", "\x1b"} & set(record.getMessage())
    assert record.exc_info is None


def test_a_study_whose_database_goes_is_told_and_comes_back(tmp_path):
    made, codes = drawn_study(tmp_path / "study")
    client = TestClient(study_app(made), base_url="http://127.0.0.1")
    assert client.post("/api/sign-in", json={"code": codes[0]}).status_code == 204
    away = made.readings.rename(tmp_path / "away")
    response = client.get("/api/progress")
    assert response.status_code == 500
    assert is_told(response)
    assert str(tmp_path) not in response.text
    away.rename(made.readings)
    assert client.get("/api/progress").status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[::1", "@", "*"])
def test_another_host_is_refused_with_the_headers(client, host):
    response = client.get("/", headers={"Host": host})
    assert response.status_code == 400
    assert {name: response.headers[name] for name in HEADERS} == HEADERS


def cookies_of(app, code):
    client = TestClient(app, base_url="https://readers.example.org")
    signed_in = client.post("/api/sign-in", json={"code": code})
    assert signed_in.status_code == 204
    assert client.get("/api/progress").status_code == 200
    return [
        response.headers["set-cookie"] for response in (signed_in, client.post("/api/sign-out"))
    ]


@pytest.mark.parametrize("is_behind_tls", [True, False])
def test_behind_tls_cookies_never_go_unencrypted(study, is_behind_tls):
    with opened(study.readings) as connection:
        code = issue_code(connection, "reader-2")
    app = study_app(study, hosts=("readers.example.org",), is_behind_tls=is_behind_tls)
    for cookie in cookies_of(app, code):
        assert ("Secure" in cookie) == is_behind_tls
        assert "HttpOnly; " in cookie
        assert "SameSite=strict" in cookie


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served") / "study"
    drawn_study(folder)
    with served(folder, "--behind-tls", "readers.example.org") as found:
        yield found


def test_behind_tls_the_public_name_is_answered_and_no_header_of_a_proxy_is_believed(server):
    address = urlsplit(server.address)
    statuses = []
    for host, forwarded in (
        ("readers.example.org", {}),
        ("readers.example.org:8443", {}),
        ("evil.example", {}),
        ("evil.example", {"X-Forwarded-Host": "readers.example.org"}),
        ("evil.example", {"Forwarded": "host=readers.example.org"}),
    ):
        with closing(http.client.HTTPConnection(address.netloc, timeout=20)) as connection:
            connection.request("GET", "/", headers={"Host": host, **forwarded})
            statuses.append(connection.getresponse().status)
    assert statuses == [200, 200, 400, 400, 400]


@pytest.mark.slow
def test_nothing_that_is_sent_brings_a_traceback_into_the_terminal(tmp_path):
    drawn_study(tmp_path / "study")
    with served(tmp_path / "study") as found:
        address = urlsplit(found.address)
        for body in HOSTILE:
            with closing(http.client.HTTPConnection(address.netloc, timeout=20)) as connection:
                connection.request("POST", "/api/sign-in", body, JSON)
                assert connection.getresponse().status in (400, 422)
        for sent in (
            b"\x16\x03\x01\x02\x00\x01",  # TLS, which it does not speak
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET /\xff HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: " + b"a=b;" * 12_000 + b"\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: " + b"a" * 200_000 + b"\r\n\r\n",
        ):
            with (
                closing(socket.create_connection((address.hostname, address.port), 20)) as sender,
                suppress(ConnectionError),
            ):
                sender.sendall(sent)
                assert sender.recv(4096).split()[1] in (b"200", b"400")
    assert "Traceback" not in found.said[0]
