"""Requests side by side, and a server killed among them: nothing is lost, nothing double."""

import http.client
import json
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from drawn_studies import DrawnSource, drawn_study, served

from mcnet.reader_study.api import cookie_of
from mcnet.reader_study.schema import opened
from mcnet.reader_study.signing_in import sign_in

NAMES = ("motion artefact", "sharpness", "diagnostic usability")
AT_ONCE = 12


@pytest.fixture
def made(tmp_path):
    source = DrawnSource(n_cases=30, shape=(1, 11, 13))
    return drawn_study(tmp_path / "study", source=source, n_cases=30, n_readers=3)


def asked(server, method, path, body=None, cookie=""):
    """Status and answer of one request by a connection of its own."""
    headers = {"Cookie": cookie, "Content-Type": "application/json"}
    netloc = urlsplit(server.address).netloc
    with closing(http.client.HTTPConnection(netloc, timeout=60)) as connection:
        connection.request(method, path, body and json.dumps(body), headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read() or "null")


def cookies(study, codes):
    with opened(study.readings) as connection:
        return [f"{cookie_of(study)}={sign_in(connection, code)}" for code in codes]


def at_once(task, given):
    with ThreadPoolExecutor(AT_ONCE) as desks:
        return list(desks.map(task, given))


def saved_rows(study):
    with closing(sqlite3.connect(study.readings)) as connection:
        return connection.execute(
            "SELECT reader, place, showing, answer FROM readings ORDER BY reader, place"
        ).fetchall()


@pytest.mark.slow
def test_of_requests_side_by_side_one_uses_a_code(made):
    study, codes = made
    with served(study.folder) as server:
        found = at_once(
            lambda _: asked(server, "POST", "/api/sign-in", {"code": codes[0]})[0], range(AT_ONCE)
        )
        assert found.count(204) == 1
        assert set(found) <= {204, 403, 429}
    with closing(sqlite3.connect(study.readings)) as connection:
        assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (1,)


@pytest.mark.slow
def test_wrong_codes_side_by_side_are_looked_at_as_often_as_one_after_another(made):
    with served(made[0].folder) as server:
        found = at_once(
            lambda _: asked(server, "POST", "/api/sign-in", {"code": "AAAA"})[0], range(40)
        )
    assert sorted(found) == [403] * 5 + [429] * 35


@pytest.mark.slow
def test_of_tabs_side_by_side_one_answers_each_image(made):
    study, codes = made
    with served(study.folder) as server:
        (cookie,) = cookies(study, codes[:1])
        for n_done in range(4):
            _, found = asked(server, "GET", "/api/progress", cookie=cookie)
            showing = found["current"]["id"]

            def answer(score, showing=showing):
                body = {"showing": showing, "answer": dict.fromkeys(NAMES, 1 + score % 5)}
                return asked(server, "POST", "/api/readings", body, cookie)[1]["outcome"]

            outcomes = at_once(answer, range(10))
            assert outcomes.count("saved") == 1
            assert outcomes.count("unchanged") == 1
            assert outcomes.count("overtaken") == 8
            assert len(saved_rows(study)) == n_done + 1


@pytest.mark.slow
def test_what_was_told_to_be_saved_is_there_after_a_server_is_killed(made):
    """Three readers read as fast as they can; the server is killed, twice, and goes on."""
    study, codes = made
    held = cookies(study, codes)
    saved = [[] for _ in held]

    def read(server, reader, enough):
        try:
            _, found = asked(server, "GET", "/api/progress", cookie=held[reader])
            while found["current"]:
                showing, score = found["current"]["id"], 1 + found["n_done"] % 5
                body = {"showing": showing, "answer": dict.fromkeys(NAMES, score)}
                _, found = asked(server, "POST", "/api/readings", body, held[reader])
                assert found["outcome"] == "saved"
                saved[reader].append((reader + 1, showing, score))
                if sum(map(len, saved)) >= enough:
                    return_early.set()
        except (OSError, http.client.HTTPException):
            pass  # killed

    for enough in (25, 70, 10_000):
        return_early = threading.Event()
        with served(study.folder) as server:
            desks = [
                threading.Thread(target=read, args=(server, reader, enough))
                for reader in range(len(held))
            ]
            for desk in desks:
                desk.start()
            while not return_early.wait(0.01) and any(desk.is_alive() for desk in desks):
                pass
            if enough < 10_000:
                server.kill()
            for desk in desks:
                desk.join()
        rows = saved_rows(study)
        found = {(reader, showing, json.loads(a)["sharpness"]) for reader, _, showing, a in rows}
        assert found >= {one for of_reader in saved for one in of_reader}
        assert len(rows) - sum(map(len, saved)) <= 2 * len(held)  # saved, and killed before telling
    for reader in range(len(held)):
        places = [place for number, place, *_ in rows if number == reader + 1]
        assert places == list(range(99))  # 90 images, a tenth of them twice
