"""The two SQLite files of a study: pixels, written once, and readings, kept safe by WAL."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import RLock

from mcnet.core.errors import McnetError

_WRITING = RLock()
"""Writers of this process queue here: SQLite would let them sleep and try again."""

PIXELS = "pixels.sqlite"
READINGS = "readings.sqlite"

PIXELS_SCHEMA = """
CREATE TABLE pixels (
    image INTEGER PRIMARY KEY,
    samples BLOB NOT NULL
);
"""
READINGS_SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE cases (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    subject TEXT NOT NULL,
    severity REAL,
    stratum INTEGER NOT NULL,
    n_frames INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    columns INTEGER NOT NULL,
    row_mm REAL NOT NULL,
    column_mm REAL NOT NULL
);
CREATE TABLE images (
    number INTEGER PRIMARY KEY,
    case_number INTEGER NOT NULL REFERENCES cases,
    version TEXT NOT NULL,
    UNIQUE (case_number, version)
);
CREATE TABLE metrics (
    image INTEGER NOT NULL REFERENCES images,
    name TEXT NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (image, name)
);
CREATE TABLE items (
    number INTEGER PRIMARY KEY,
    first INTEGER NOT NULL REFERENCES images,
    second INTEGER REFERENCES images
);
CREATE TABLE readers (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    code_sha256 TEXT UNIQUE
);
CREATE TABLE sessions (
    token_sha256 TEXT PRIMARY KEY,
    reader INTEGER NOT NULL REFERENCES readers,
    ends_at REAL NOT NULL
);
CREATE TABLE showings (
    id TEXT PRIMARY KEY,
    reader INTEGER NOT NULL REFERENCES readers,
    place INTEGER NOT NULL,
    item INTEGER NOT NULL REFERENCES items,
    is_mirrored INTEGER NOT NULL,
    is_repeat INTEGER NOT NULL,
    UNIQUE (reader, place)
);
CREATE TABLE readings (
    showing TEXT PRIMARY KEY REFERENCES showings,
    reader INTEGER NOT NULL,
    place INTEGER NOT NULL,
    answer TEXT NOT NULL,
    saved_at TEXT NOT NULL,
    UNIQUE (reader, place)
);
CREATE TABLE withdrawn (
    showing TEXT NOT NULL REFERENCES showings,
    answer TEXT NOT NULL,
    saved_at TEXT NOT NULL,
    withdrawn_at TEXT NOT NULL
);
"""
"""``place`` counts from 0. A reader's readings are always the first places of the order, without a
gap; what was undone is kept in ``withdrawn``. Of codes and sessions only hashes are kept."""


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Lend a connection to a database that is there; each block of ``transaction`` is durable.

    It may go from thread to thread, as long as one at a time uses it.

    Raises
    ------
    McnetError
        The file is missing, or is no database of a study.
    """
    address = f"{path.resolve().as_uri()}?mode=rw"
    with (
        _told(path),
        closing(sqlite3.connect(address, uri=True, check_same_thread=False)) as connection,
    ):
        connection.isolation_level = None  # transactions begin where the code says so
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA busy_timeout = 10000")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        if ("cases", "person") in _columns(connection):  # a study of before version 0.3
            connection.execute("ALTER TABLE cases RENAME COLUMN person TO subject")
        yield connection


def check_database(path: Path) -> None:
    """Refuse a database of readings that is damaged or lacks a table.

    Raises
    ------
    McnetError
        It is damaged, or no database of a study.
    """
    with opened(path) as connection:
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError("its pages are damaged")
        with closing(sqlite3.connect(":memory:")) as model:
            model.executescript(READINGS_SCHEMA)
            if _columns(connection) != _columns(model):
                raise sqlite3.DatabaseError("its tables are not those of a study")


def _columns(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    """Every table and column."""
    found = connection.execute(
        "SELECT tables.name, columns.name FROM sqlite_schema AS tables "
        "JOIN pragma_table_info(tables.name) AS columns WHERE tables.type = 'table'"
    )
    return {(table, column) for table, column in found}


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Everything within happens or nothing, and no other writer comes between."""
    with _WRITING:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


def created(path: Path, schema: str) -> None:
    """Make a new database.

    Raises
    ------
    McnetError
        It cannot be written.
    """
    with _told(path), closing(sqlite3.connect(path)) as connection:
        connection.executescript(schema)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Tell what SQLite raises in a sentence."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise McnetError(
            f"{path} cannot be used as a study's database ({error}); name the folder of a study "
            "that mcnet readers create wrote, on a disk that is not full."
        ) from error
