"""What `check_outputs` refuses, and what it lets through."""

import json

import pytest

from mcnet.core.errors import McnetError
from mcnet.core.outputs import (
    FILE,
    PAGE,
    Given,
    check_outputs,
    folder_of,
    given,
    is_within,
)
from mcnet.core.provenance import provenance
from mcnet.core.records import write_record, written_with_record
from mcnet.core.writing import write_text, written_together
from mcnet.motion.formats.files import MOTION_FILE

ANY = PAGE


def test_paths_that_were_not_given_are_left_out(tmp_path):
    assert given(("-o", None, FILE), ("--report", tmp_path, PAGE)) == [
        Given("--report", tmp_path, PAGE)
    ]


def test_new_files_in_new_folders_are_fine_and_nothing_is_made(tmp_path):
    check_outputs(given(("-o", tmp_path / "new" / "folder" / "p.html", ANY)))
    assert not list(tmp_path.iterdir())


def test_a_recorded_file_is_ours_as_long_as_it_is_as_it_was_written(tmp_path):
    path = tmp_path / "m.par"
    with written_with_record(path, tmp_path / "m.par.json", provenance()) as temporary:
        temporary.write_text("1 2 3")
    check_outputs([Given("", path, MOTION_FILE)])
    path.write_text("1 2 4")
    with pytest.raises(McnetError, match="was not written by mcnet, or was changed since"):
        check_outputs([Given("", path, MOTION_FILE)])
    (tmp_path / "m.par.json").unlink()
    with pytest.raises(McnetError, match="was not written by mcnet"):
        check_outputs([Given("", path, MOTION_FILE)])


def test_a_record_of_an_earlier_version_is_believed(tmp_path):
    (tmp_path / "m.par").write_text("1 2 3")
    (tmp_path / "m.par.json").write_text(json.dumps({"generator": "mcnet", "version": "0.2.0"}))
    check_outputs([Given("", tmp_path / "m.par", MOTION_FILE)])
    (tmp_path / "m.par.json").write_text(json.dumps({"generator": "fsl"}))
    with pytest.raises(McnetError, match=r"m.par.json was not written by mcnet"):
        check_outputs([Given("", tmp_path / "m.par", MOTION_FILE)])


def test_files_in_a_folder_are_ours_by_the_record_among_them(tmp_path):
    kind = folder_of("trial.json", "rows.csv", "table.md")
    (tmp_path / "notes.txt").write_text("of somebody")
    with written_together():
        write_text(tmp_path / "rows.csv", "a,b")
        write_record(tmp_path / "trial.json", {"provenance": provenance()})
    check_outputs([Given("-o", tmp_path, kind)])
    (tmp_path / "table.md").write_text("of somebody")
    with pytest.raises(McnetError, match=r"table.md is there already and was not written"):
        check_outputs([Given("-o", tmp_path, kind)])


def test_a_link_that_leads_nowhere_is_somebodys(tmp_path):
    (tmp_path / "p.html").symlink_to(tmp_path / "annexed")
    with pytest.raises(McnetError, match="was not written by mcnet"):
        check_outputs([Given("-o", tmp_path / "p.html", ANY)])
    (tmp_path / "folder").symlink_to(tmp_path / "gone")
    with pytest.raises(McnetError, match="folder is no folder"):
        check_outputs([Given("-o", tmp_path / "folder" / "p.html", ANY)])


def test_a_name_that_is_too_long_is_told_before_any_work(tmp_path):
    with pytest.raises(McnetError, match=r"cannot be written .*name too long"):
        check_outputs([Given("-o", tmp_path / f"{'a' * 251}.html", ANY)])
    with pytest.raises(McnetError, match=r"cannot be written .*name too long"):  # its record's
        check_outputs([Given("-o", tmp_path / f"{'a' * 250}.par", MOTION_FILE)])


def test_the_ending_that_is_meant_is_told(tmp_path):
    with pytest.raises(McnetError, match=r"--report .*/a.b does not end in .html .*name .* a.html"):
        check_outputs([Given("--report", tmp_path / "a.b", PAGE)])


def test_a_path_lies_in_a_folder_by_whatever_name(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    assert is_within(tmp_path / "link" / "new" / "file", tmp_path / "folder")
    assert is_within(tmp_path / "folder", tmp_path / "link")
    assert not is_within(tmp_path / "folder 2", tmp_path / "folder")
