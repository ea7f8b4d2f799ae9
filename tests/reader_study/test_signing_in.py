"""Codes work once, sessions end, and guessing is slowed down."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from drawn_studies import drawn_study

from mcnet.core.errors import McnetError
from mcnet.reader_study import signing_in
from mcnet.reader_study.schema import opened
from mcnet.reader_study.signing_in import (
    Throttle,
    issue_code,
    new_code,
    reader_of,
    sign_in,
    sign_out,
)


@pytest.fixture
def made(tmp_path):
    return drawn_study(tmp_path / "study")


@pytest.fixture
def connection(made):
    with opened(made[0].readings) as found:
        yield found


def test_codes_are_long_and_differ():
    codes = {new_code() for _ in range(200)}
    assert len(codes) == 200
    assert all(len(code.replace("-", "")) == 16 for code in codes)
    assert not set("".join(codes)) & set("IO01")


def test_a_code_opens_its_readers_session_once(made, connection):
    for reader, code in enumerate(made[1], start=1):
        token = sign_in(connection, f" {code.lower()} ")  # as subjects type
        assert reader_of(connection, token) == reader
        assert sign_in(connection, code) is None


def test_neither_codes_nor_tokens_are_in_the_database(made, connection):
    token = sign_in(connection, made[1][0])
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    stored = made[0].readings.read_bytes()
    for secret in (token, made[1][1], made[1][1].replace("-", "")):
        assert secret.encode() not in stored


def test_a_session_ends_by_signing_out_and_after_its_time(made, connection, monkeypatch):
    first, second = (sign_in(connection, code) for code in made[1])
    sign_out(connection, first)
    assert reader_of(connection, first) is None
    assert reader_of(connection, second) == 2
    later = signing_in.time.time() + signing_in.SESSION_SECONDS + 1
    monkeypatch.setattr(signing_in.time, "time", lambda: later)
    assert reader_of(connection, second) is None


def test_a_new_code_ends_the_old_one_and_the_readers_sessions(made, connection):
    token = sign_in(connection, made[1][0])
    code = issue_code(connection, "reader-1")
    assert reader_of(connection, token) is None
    assert reader_of(connection, sign_in(connection, code)) == 1
    other = issue_code(connection, "reader-2")
    assert sign_in(connection, made[1][1]) is None
    assert sign_in(connection, other) is not None
    with pytest.raises(McnetError, match="no reader 'reader-9'; the readers are reader-1, reader"):
        issue_code(connection, "reader-9")


@pytest.mark.parametrize("token", ["", "x", "' OR 1=1 --", "0" * 64])
def test_a_made_up_token_opens_nothing(connection, token):
    assert reader_of(connection, token) is None


def waits(throttle, now, n_tries):
    """How long each of so many wrong codes makes their address wait, which it does."""
    found = []
    for _ in range(n_tries):
        assert throttle.begin("a") == 0
        found.append(throttle._tries["a"][1] - now[0])
        now[0] += found[-1]
    return found


def test_each_wrong_code_beyond_the_free_ones_doubles_the_wait():
    now = [100.0]
    throttle = Throttle(n_free=3, longest_s=10.0, clock=lambda: now[0])
    assert waits(throttle, now, 7) == [0, 0, 2, 4, 8, 10, 10]
    assert throttle.begin("a") == 0
    now[0] += 9
    assert throttle.begin("a") == 1  # a second before its wait is over
    assert throttle.begin("b") == 0
    throttle.right_code("a")
    assert throttle.begin("a") == 0


def test_thousands_of_wrong_codes_do_not_end_the_wait():
    now = [0.0]
    throttle = Throttle(clock=lambda: now[0])
    assert waits(throttle, now, 2000)[-1] == throttle.longest_s


def test_tries_side_by_side_are_no_more_than_tries_one_after_another():
    """Each counts before its code is looked at, which takes a while."""
    throttle = Throttle(n_free=5, clock=lambda: 0.0)
    with ThreadPoolExecutor(32) as desks:
        found = list(desks.map(throttle.begin, ["10.0.0.1"] * 200))
    assert found.count(0) == 5
    assert throttle.begin("10.0.0.2") == 0


def test_addresses_are_remembered_up_to_a_number_and_the_last_ones_go_on_waiting():
    throttle = Throttle(n_free=1, clock=lambda: 0.0, n_addresses=3)
    for k in range(9):
        throttle.begin(f"10.0.0.{k}")
    assert len(throttle._tries) == 3
    assert throttle.begin("10.0.0.8") > 0
