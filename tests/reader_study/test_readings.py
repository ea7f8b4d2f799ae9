"""Readings are saved once, in order, whatever a browser sends twice, late or from two tabs."""

import threading

import pytest
from drawn_studies import drawn_study

from mcnet.reader_study.readings import image_of, progress_of, save_reading, undo_reading
from mcnet.reader_study.schema import opened

ANSWER = {"motion artefact": 3, "sharpness": 4, "diagnostic usability": 5}
OTHER = {**ANSWER, "sharpness": 1}


@pytest.fixture
def study(tmp_path):
    return drawn_study(tmp_path / "study")[0]


@pytest.fixture
def connection(study):
    with opened(study.readings) as found:
        yield found


def current(connection, reader=1):
    return progress_of(connection, reader).current.id


def rows(connection, table="readings"):
    return connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608


def test_a_reading_goes_on_to_what_was_next(connection):
    before = progress_of(connection, 1)
    assert save_reading(connection, 1, before.current.id, ANSWER) == "saved"
    after = progress_of(connection, 1)
    assert after.current == before.next
    assert (after.n_done, after.n_all) == (1, before.n_all)
    assert (after.last, after.last_answer) == (before.current.id, ANSWER)


def test_the_same_reading_again_is_saved_once(connection):
    showing = current(connection)
    outcomes = [save_reading(connection, 1, showing, ANSWER) for _ in range(3)]
    assert outcomes == ["saved", "unchanged", "unchanged"]
    assert len(rows(connection)) == 1


def test_of_two_tabs_the_first_counts(connection):
    showing = current(connection)
    save_reading(connection, 1, showing, ANSWER)
    assert save_reading(connection, 1, showing, OTHER) == "overtaken"
    assert progress_of(connection, 1).last_answer == ANSWER


def test_nothing_is_read_ahead_of_its_turn(connection):
    ahead = progress_of(connection, 1).next.id
    assert save_reading(connection, 1, ahead, ANSWER) == "overtaken"
    assert rows(connection) == []


def test_undo_takes_back_the_last_reading_alone_and_keeps_it_on_record(connection):
    shown = [current(connection)]
    save_reading(connection, 1, shown[0], ANSWER)
    shown.append(current(connection))
    save_reading(connection, 1, shown[1], OTHER)
    assert undo_reading(connection, 1, shown[0]) == "overtaken"
    assert undo_reading(connection, 1, shown[1]) == "undone"
    assert undo_reading(connection, 1, shown[1]) == "unchanged"  # pressed twice
    assert current(connection) == shown[1]
    assert [row["showing"] for row in rows(connection, "withdrawn")] == [shown[1]]
    assert save_reading(connection, 1, shown[1], ANSWER) == "saved"


def test_another_readers_showings_are_as_if_they_were_not(connection):
    theirs = current(connection, 2)
    assert save_reading(connection, 1, theirs, ANSWER) is None
    assert image_of(connection, 1, theirs, 0) is None
    save_reading(connection, 2, theirs, ANSWER)
    assert undo_reading(connection, 1, theirs) is None
    assert progress_of(connection, 2).n_done == 1


def test_images_come_no_further_ahead_than_the_next(connection):
    order = [
        row["id"]
        for row in connection.execute("SELECT id FROM showings WHERE reader = 1 ORDER BY place")
    ]
    assert [image_of(connection, 1, showing, 0) is None for showing in order[:4]] == [
        *(False, False),
        *(True, True),
    ]
    assert image_of(connection, 1, order[0], 1) is None  # no second side
    assert image_of(connection, 1, order[0], -1) is None


def test_the_end_of_the_order_is_the_end(connection):
    while (found := progress_of(connection, 1)).current:
        assert save_reading(connection, 1, found.current.id, ANSWER) == "saved"
    assert found.n_done == found.n_all == 20  # 6 cases, 3 versions, 2 repeats
    assert found.next is None


def test_a_choice_has_two_sides_and_a_mirrored_one_the_other_way_round(tmp_path):
    study, _ = drawn_study(tmp_path / "choice", design="choice")
    with opened(study.readings) as connection:
        for row in connection.execute(
            "SELECT id, is_mirrored, first, second FROM showings "
            "JOIN items ON items.number = item WHERE reader = 1 AND place < 2"
        ).fetchall():
            sides = [image_of(connection, 1, row["id"], side) for side in (0, 1)]
            expected = [row["first"], row["second"]]
            assert sides == (expected[::-1] if row["is_mirrored"] else expected)


def test_many_writers_at_once_save_each_reading_once(study):
    """Eight tabs of each of two readers press as fast as they can."""
    troubles = []

    def tab(reader):
        try:
            with opened(study.readings) as connection:
                while found := progress_of(connection, reader).current:
                    save_reading(connection, reader, found.id, ANSWER)
        except Exception as error:
            troubles.append(error)

    tabs = [threading.Thread(target=tab, args=(reader,)) for reader in (1, 2) for _ in range(8)]
    for thread in tabs:
        thread.start()
    for thread in tabs:
        thread.join()
    assert troubles == []
    with opened(study.readings) as connection:
        saved = [(row["reader"], row["place"]) for row in rows(connection)]
    assert sorted(saved) == [(reader, place) for reader in (1, 2) for place in range(20)]
