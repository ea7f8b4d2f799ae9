"""Who is reading: one-time codes, sessions, and a brake on guessing."""

import hashlib
import secrets
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from mcnet.core.errors import McnetError
from mcnet.reader_study.schema import transaction

_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""32 letters and digits that are not taken for one another: no I, O, 0, 1."""
_N_GROUPS, _GROUP = 4, 4
SESSION_SECONDS = 90 * 24 * 3600.0
_MOST_DOUBLED = 60
"""Doublings of a wait; more of them would leave the range of numbers."""


def new_code() -> str:
    """A random code of 80 bits, as ``ABCD-EFGH-JKLM-NPQR``; from no seed, which others may know."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_N_GROUPS))
    return "-".join(groups)


def sha256_of_secret(secret: str) -> str:
    """What is kept of a code or a session; so long a random one needs no slower hash."""
    plain = "".join(letter for letter in secret.upper() if letter.isalnum())
    return hashlib.sha256(plain.encode()).hexdigest()


def issue_code(connection: sqlite3.Connection, reader: str) -> str:
    """A new one-time code for a reader, whose older code and sessions end.

    Raises
    ------
    McnetError
        There is no such reader.
    """
    code = new_code()
    with transaction(connection):
        changed = connection.execute(
            "UPDATE readers SET code_sha256 = ? WHERE name = ?", (sha256_of_secret(code), reader)
        ).rowcount
        connection.execute(
            "DELETE FROM sessions WHERE reader = (SELECT number FROM readers WHERE name = ?)",
            (reader,),
        )
        names = [row["name"] for row in connection.execute("SELECT name FROM readers")]
    if not changed:
        raise McnetError(f"there is no reader {reader!r}; the readers are {', '.join(names)}.")
    return code


def sign_in(connection: sqlite3.Connection, code: str) -> str | None:
    """The token of a new session, and the code is used up; of a wrong code, nothing."""
    token, code_hash = secrets.token_hex(32), sha256_of_secret(code)
    with transaction(connection):
        found = connection.execute(
            "SELECT number FROM readers WHERE code_sha256 = ?", (code_hash,)
        ).fetchone()
        if found is None:
            return None
        connection.execute("UPDATE readers SET code_sha256 = NULL WHERE number = ?", tuple(found))
        connection.execute(
            "INSERT INTO sessions VALUES (?, ?, ?)",
            (sha256_of_secret(token), found["number"], time.time() + SESSION_SECONDS),
        )
    return token


def reader_of(connection: sqlite3.Connection, token: str) -> int | None:
    """Number of the reader whose session this is."""
    found = connection.execute(
        "SELECT reader FROM sessions WHERE token_sha256 = ? AND ends_at > ?",
        (sha256_of_secret(token), time.time()),
    ).fetchone()
    return None if found is None else int(found["reader"])


def sign_out(connection: sqlite3.Connection, token: str) -> None:
    """End a session; the reader needs a new code to come back."""
    connection.execute("DELETE FROM sessions WHERE token_sha256 = ?", (sha256_of_secret(token),))


@dataclass
class Throttle:
    """Makes an address wait after wrong codes: each beyond the free ones doubles the wait.

    A try counts as wrong from its beginning until its code is found to be right, so that tries side
    by side are no more than tries one after another.
    """

    n_free: int = 5
    longest_s: float = 900.0
    clock: Callable[[], float] = time.monotonic
    n_addresses: int = 10_000
    """Addresses that are remembered; of more, the first one to have tried is forgotten."""
    _tries: dict[str, tuple[int, float]] = field(default_factory=dict)
    """By address: number of tries, and the time until which it waits."""
    _lock: Lock = field(default_factory=Lock)

    def begin(self, address: str) -> float:
        """Seconds for which no code of this address is looked at; 0 if it may try, which counts."""
        with self._lock:
            now = self.clock()
            n_tries, until = self._tries.get(address, (0, now))
            if until > now:
                return until - now
            n_tries += 1
            n_doubled = min(n_tries - self.n_free + 1, _MOST_DOUBLED)
            wait = 2.0**n_doubled if n_doubled > 0 else 0.0
            self._tries[address] = (n_tries, now + min(wait, self.longest_s))
            if len(self._tries) > self.n_addresses:
                del self._tries[next(iter(self._tries))]
            return 0.0

    def right_code(self, address: str) -> None:
        """Forget the tries of an address."""
        with self._lock:
            self._tries.pop(address, None)
