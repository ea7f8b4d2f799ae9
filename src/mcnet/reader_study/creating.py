"""A study is drawn and written: whole, or not at all."""

import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from mcnet.core.errors import McnetError
from mcnet.core.outputs import Given, check_outputs
from mcnet.core.progress import Announce, OnProgress, silently
from mcnet.core.provenance import provenance
from mcnet.core.writing import cannot_write, printable, write_json, written_whole
from mcnet.reader_study.cases import CaseImages, CaseSource, check_same_shapes
from mcnet.reader_study.drawing import Drawing, draw_cases, items_of, reading_order, strata_of
from mcnet.reader_study.pixels import packed, samples_of
from mcnet.reader_study.schema import (
    PIXELS,
    PIXELS_SCHEMA,
    READINGS,
    READINGS_SCHEMA,
    created,
    opened,
    transaction,
)
from mcnet.reader_study.settings import StudySettings, write_study_settings
from mcnet.reader_study.signing_in import new_code, sha256_of_secret
from mcnet.reader_study.study import KIND, RECORD, SETTINGS, STUDY

MAX_READERS = 100


def create_study(
    folder: Path,
    source: CaseSource,
    drawing: Drawing,
    *,
    n_readers: int = 2,
    settings: StudySettings | None = None,
    announce: Announce = silently,
) -> dict[str, str]:
    """Draw and write a study; return the one-time code of every reader by name.

    The seed decides which cases are read. Orders, sides, codes and the ids that reach the browser
    are random beyond it: who guesses the seed must not be able to tell what comes at which place.

    Parameters
    ----------
    folder
        Where the study goes; it must not hold anything yet.
    source
        Where its cases come from.
    drawing
        How much is read, in which design.
    n_readers
        How many readers; they are called reader-1, reader-2, ...
    settings
        The words that readers see.
    announce
        Told how far the images are.

    Raises
    ------
    McnetError
        `mcnet.core.outputs.check_outputs` refuses the folder, or the source's images do not serve.
    """
    check_outputs([Given("", folder, STUDY)])
    if not 1 <= n_readers <= MAX_READERS:
        raise McnetError(f"{n_readers} readers are asked for; give 1 to {MAX_READERS}.")
    settings = settings or StudySettings()
    chosen = draw_cases(source.cases, drawing, np.random.default_rng(drawing.seed))
    codes = {f"reader-{k + 1}": new_code() for k in range(n_readers)}
    record = {
        "kind": KIND,
        "id": secrets.token_hex(4),
        "criteria": [criterion.name for criterion in settings.criteria],
        "drawing": asdict(drawing) | {"n_cases": len(chosen)},
        "versions": list(source.versions),
        **provenance(seed=drawing.seed, inputs=source.inputs),
    }
    with written_whole(folder) as room, announce("Drawing the study") as on_progress:
        room.mkdir(mode=0o700)  # who may read the key can undo the blinding
        write_study_settings(room / SETTINGS, settings)
        write_json(room / RECORD, record)
        try:
            created(room / PIXELS, PIXELS_SCHEMA)
            created(room / READINGS, READINGS_SCHEMA)
            _write_images(room, source, chosen, drawing, on_progress)
            _write_orders(room, codes, drawing, source.versions, len(chosen))
        except sqlite3.OperationalError as error:  # as SQLite tells of a full disk
            raise cannot_write(folder, OSError(str(error))) from error
    return codes


def _write_images(
    folder: Path,
    source: CaseSource,
    chosen: Sequence[int],
    drawing: Drawing,
    on_progress: OnProgress,
) -> None:
    """Fill ``pixels``, ``cases``, ``images`` and ``metrics``, one case in memory at a time."""
    cases = source.cases
    strata = strata_of(cases, drawing.n_strata)
    with (
        opened(folder / PIXELS) as pixels,
        opened(folder / READINGS) as readings,
        transaction(pixels),
        transaction(readings),
    ):
        for number, (index, images) in enumerate(zip(chosen, source.images(chosen), strict=True)):
            case = cases[index]
            check_same_shapes(case, images)
            shape = next(iter(images.frames.values())).shape
            severity = None if np.isnan(case.severity) else case.severity
            about = (
                *(number, printable(case.name), printable(case.subject)),
                *(severity, int(strata[index])),
            )
            readings.execute(
                "INSERT INTO cases VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*about, *shape, *images.pixel_mm),
            )
            _write_versions(pixels, readings, number, source.versions, images)
            on_progress(number + 1, len(chosen))


def _write_versions(
    pixels: sqlite3.Connection,
    readings: sqlite3.Connection,
    case: int,
    versions: Sequence[str],
    images: CaseImages,
) -> None:
    for k, version in enumerate(versions):
        image = case * len(versions) + k
        stored = packed(samples_of(images.frames[version]))
        pixels.execute("INSERT INTO pixels VALUES (?, ?)", (image, stored))
        readings.execute("INSERT INTO images VALUES (?, ?, ?)", (image, case, version))
        readings.executemany(
            "INSERT INTO metrics VALUES (?, ?, ?)",
            [
                (image, name, value)
                for name, value in images.metrics.get(version, {}).items()
                if np.isfinite(value)
            ],
        )


def _write_orders(
    folder: Path, codes: dict[str, str], drawing: Drawing, versions: Sequence[str], n_cases: int
) -> None:
    """Fill ``items``, ``readers`` and ``showings``, which alone know the orders."""
    items = items_of(range(n_cases), versions, drawing.design)
    number_of = {version: k for k, version in enumerate(versions)}
    with (
        opened(folder / READINGS) as readings,
        transaction(readings),
    ):
        for number, item in enumerate(items):
            images = [item.case * len(versions) + number_of[name] for name in item.versions]
            readings.execute(
                "INSERT INTO items VALUES (?, ?, ?)", (number, *images, *[None] * (2 - len(images)))
            )
        for reader, (name, code) in enumerate(codes.items(), start=1):
            readings.execute(
                "INSERT INTO readers VALUES (?, ?, ?)", (reader, name, sha256_of_secret(code))
            )
            order = reading_order(items, drawing, np.random.default_rng(secrets.randbits(128)))
            readings.executemany(
                "INSERT INTO showings VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (secrets.token_urlsafe(16), reader, place, item, is_mirrored, is_repeat)
                    for place, (item, is_mirrored, is_repeat) in enumerate(order)
                ],
            )
