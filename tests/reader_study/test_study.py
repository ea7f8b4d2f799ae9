"""A study on disk: the same seed draws its cases, and nothing in it is lost or half written."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from drawn_studies import DrawnSource, drawn_study, read_by

from mcnet.core.errors import McnetError
from mcnet.reader_study.creating import create_study
from mcnet.reader_study.drawing import Drawing
from mcnet.reader_study.pixels import packed, samples_of
from mcnet.reader_study.report import score_tables
from mcnet.reader_study.schema import created
from mcnet.reader_study.study import open_study

ORDERS = "SELECT reader, place, item, is_mirrored, is_repeat FROM showings ORDER BY reader, place"
DRAWN = (
    "SELECT * FROM items ORDER BY number",
    "SELECT * FROM cases ORDER BY number",
    "SELECT * FROM images ORDER BY number",
    "SELECT * FROM metrics ORDER BY image, name",
)


def tables(study, *queries):
    with closing(sqlite3.connect(study.readings)) as connection:
        return [connection.execute(query).fetchall() for query in queries]


def test_the_same_seed_draws_the_same_cases_and_other_secrets(tmp_path):
    made = [
        drawn_study(tmp_path / name, n_cases=3, seed=seed)
        for name, seed in (("a", 7), ("b", 7), ("c", 8))
    ]
    drawn = [tables(study, *DRAWN) for study, _ in made]
    assert drawn[0] == drawn[1] != drawn[2]
    assert made[0][0].pixels.read_bytes() == made[1][0].pixels.read_bytes()
    secrets = [
        {*codes, *(row[0] for row in tables(study, "SELECT id FROM showings")[0])}
        for study, codes in made
    ]
    assert not secrets[0] & secrets[1]


def test_who_guesses_the_seed_cannot_tell_what_comes_at_which_place(tmp_path):
    orders = []
    for name in "ab":
        study, _ = drawn_study(tmp_path / name, source=DrawnSource(n_cases=11), seed=7)
        orders.append(tables(study, ORDERS)[0])
    assert orders[0] != orders[1]


def test_readers_have_orders_and_repeats_of_their_own(tmp_path):
    study, _ = drawn_study(tmp_path / "study", source=DrawnSource(n_cases=11), repeat_share=0.2)
    one, other = (
        [row[2:] for row in tables(study, ORDERS)[0] if row[0] == reader] for reader in (1, 2)
    )
    assert one != other
    repeats = [{row[0] for row in order if row[2]} for order in (one, other)]
    assert repeats[0] != repeats[1]


def test_pixels_are_those_of_the_source_by_case_and_version(tmp_path):
    source = DrawnSource(n_cases=5, shape=(3, 19, 15))
    study, _ = drawn_study(tmp_path / "study", source=source, n_cases=4)
    named = tables(
        study,
        "SELECT images.number, cases.name, version FROM images "
        "JOIN cases ON cases.number = case_number",
    )[0]
    index_of = {case.name: index for index, case in enumerate(source.cases)}
    assert len(named) == 4 * 3
    with closing(sqlite3.connect(study.pixels)) as connection:
        for number, name, version in named:
            (stored,) = connection.execute(
                "SELECT samples FROM pixels WHERE image = ?", (number,)
            ).fetchone()
            (images,) = source.images([index_of[name]])
            assert stored == packed(samples_of(images.frames[version]))


def test_the_record_says_what_was_drawn_from_where(tmp_path):
    scan = tmp_path / "scan.txt"
    scan.write_text("a head")
    source = DrawnSource(inputs={"l1/scan": scan})
    study, codes = drawn_study(tmp_path / "study", source=source, n_cases=5, seed=9)
    record = json.loads((study.folder / "study.json").read_text())
    assert record["seed"] == 9
    assert record["drawing"]["n_cases"] == 5
    assert list(record["inputs_sha256"]) == ["l1/scan"]
    assert not any(code in json.dumps(record) for code in codes)


def test_only_its_owner_may_read_the_key(tmp_path):
    study, _ = drawn_study(tmp_path / "study")
    assert study.folder.stat().st_mode & 0o077 == 0


def test_a_folder_that_holds_something_is_refused(tmp_path):
    drawn_study(tmp_path / "study")
    with pytest.raises(McnetError, match="so that no reading is lost"):
        drawn_study(tmp_path / "study")
    (tmp_path / "file").touch()
    with pytest.raises(McnetError, match="is a file, and a folder is written"):
        drawn_study(tmp_path / "file")


@pytest.mark.parametrize("step", ["created", "_write_images", "_write_orders"])
def test_a_disk_that_fills_up_leaves_nothing(tmp_path, monkeypatch, step):
    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(f"mcnet.reader_study.creating.{step}", full)
    with pytest.raises(McnetError, match=r"study cannot be written .database or disk is full"):
        drawn_study(tmp_path / "study")
    assert not list(tmp_path.iterdir())


def test_nothing_is_left_where_images_do_not_serve(tmp_path):
    class Uneven(DrawnSource):
        def images(self, chosen):
            for images in super().images(chosen):
                shorter = {**images.frames, "l1": images.frames["l1"][:, 1:]}
                yield replace(images, frames=shorter)

    with pytest.raises(McnetError, match=r"differ in shape \(corrupted 1x21x17, l1 1x20x17, ref"):
        drawn_study(tmp_path / "study", source=Uneven())
    assert list(tmp_path.iterdir()) == []


def test_what_the_database_refuses_is_told_in_a_sentence_and_nothing_is_left(tmp_path):
    class Twins(DrawnSource):
        @property
        def cases(self):
            return (super().cases[0],) * 2

    with pytest.raises(McnetError, match="cannot be used as a study's database"):
        drawn_study(tmp_path / "study", source=Twins())
    with pytest.raises(McnetError, match="cannot be used as a study's database"):
        created(tmp_path / "nowhere" / "pixels.sqlite", "")
    assert list(tmp_path.iterdir()) == []


def test_a_study_without_its_images_is_refused(tmp_path):
    study, _ = drawn_study(tmp_path / "study")
    study.pixels.unlink()
    with pytest.raises(McnetError, match=r"pixels.sqlite is missing; .* from a backup"):
        open_study(study.folder)


@pytest.mark.parametrize("n_readers", [0, 101])
def test_impossible_numbers_of_readers_are_refused(tmp_path, n_readers):
    with pytest.raises(McnetError, match="give 1 to 100"):
        create_study(tmp_path / "study", DrawnSource(), Drawing(), n_readers=n_readers)


def test_what_is_no_study_is_refused(tmp_path):
    with pytest.raises(McnetError, match="holds no reader study; make one with"):
        open_study(tmp_path)


def test_words_may_be_edited_and_criteria_may_not(tmp_path):
    study, _ = drawn_study(tmp_path / "study")
    path = study.folder / "study.toml"
    words = path.read_text()
    path.write_text(words.replace('"very sharp"', '"tack sharp"'))
    assert open_study(study.folder).settings.criteria[1].labels[-1] == "tack sharp"
    path.write_text(words.replace('name = "sharpness"', 'name = "blur"'))
    with pytest.raises(McnetError, match="edit questions and labels alone"):
        open_study(study.folder)


def test_scores_that_are_not_finite_are_left_out(tmp_path):
    class Perfect(DrawnSource):
        def images(self, chosen):
            for images in super().images(chosen):
                yield replace(images, metrics={"l1": {"psnr": np.inf, "ssim": 1.0}})

    study, _ = drawn_study(tmp_path / "study", source=Perfect())
    assert {row[0] for row in tables(study, "SELECT name FROM metrics")[0]} == {"ssim"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("criteria", None),
        ("criteria", "sharpness"),
        ("criteria", [1, {}]),
        ("drawing", []),
        ("drawing", {"design": "both"}),
        ("versions", 3),
        ("seed", "one"),
        ("seed", -1),
    ],
)
def test_a_record_that_does_not_say_what_was_drawn_is_refused(tmp_path, name, value):
    study, _ = drawn_study(tmp_path / "study")
    path = study.folder / "study.json"
    path.write_text(json.dumps(study.record | {name: value}))
    with pytest.raises(McnetError, match=rf"study\.json does not say what was drawn \({name}"):
        open_study(study.folder)
    path.write_text(json.dumps({key: value for key, value in study.record.items() if key != name}))
    with pytest.raises(McnetError, match=rf"study\.json does not say what was drawn \({name}"):
        open_study(study.folder)


def test_a_record_that_is_no_json_is_refused(tmp_path):
    study, _ = drawn_study(tmp_path / "study")
    for content in (b'{"kind": ', b"[]", b"[" * 100_000):
        (study.folder / "study.json").write_bytes(content)
        with pytest.raises(McnetError, match=r"study\.json .* mend it or take it away"):
            open_study(study.folder)


def test_a_damaged_database_is_refused_when_the_study_is_opened(tmp_path):
    study, _ = drawn_study(tmp_path / "study")
    whole = study.readings.read_bytes()
    for content in (b"", b"no database" * 500, whole[:5000]):
        study.readings.write_bytes(content)
        with pytest.raises(McnetError, match=r"readings\.sqlite cannot be used as a study's data"):
            open_study(study.folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        (
            """UPDATE readings SET answer = '{"sharpness": "two"}'""",
            "expected a whole number from 1",
        ),
        ("UPDATE readings SET answer = 'word'", "is no JSON"),
        ("UPDATE cases SET severity = 'word'", "has 'word' for severity"),
        ("UPDATE metrics SET value = 'word'", "has 'word' for value"),
    ],
)
def test_what_the_database_should_not_hold_is_told(tmp_path, statement, sentence):
    study, _ = drawn_study(tmp_path / "study")
    read_by(study, lambda row: dict.fromkeys(study.record["criteria"], 1 + row["item"] % 5))
    with closing(sqlite3.connect(study.readings)) as connection:
        connection.execute(statement)
        connection.commit()
    with pytest.raises(McnetError, match=sentence):
        score_tables(open_study(study.folder))
