import json

import pytest

from mcnet.core.cache import clear, is_done, mark_done
from mcnet.core.errors import McnetError


@pytest.fixture
def result(tmp_path):
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / "table.csv").write_text("a,b\n1,2\n")
    mark_done(folder, "key", seed=3, inputs={"subject": "0" * 64})
    return folder


def test_a_result_is_done_by_its_key_alone(result):
    assert is_done(result, "key")
    assert not is_done(result, "another key")


@pytest.mark.parametrize("spoil", ["edit", "delete", "record"])
def test_a_result_that_is_not_as_it_was_written_is_not_done(result, spoil):
    record = result.with_name("report.step.json")
    {
        "edit": lambda: (result / "table.csv").write_text("a,b\n1,3\n"),
        "delete": lambda: (result / "table.csv").unlink(),
        "record": lambda: record.write_text("[]"),
    }[spoil]()
    assert not is_done(result, "key")


def test_a_file_of_somebody_else_leaves_a_result_done_and_is_never_removed(result):
    (result / "notes.txt").write_text("mine")
    assert is_done(result, "key")
    with pytest.raises(McnetError, match=r"notes\.txt was not written by mcnet.*move it elsewhere"):
        clear(result)
    assert (result / "notes.txt").read_text() == "mine"
    assert (result / "table.csv").exists()


def test_a_missing_result_is_not_done(tmp_path):
    assert not is_done(tmp_path / "none", "key")


def test_the_record_tells_where_the_result_comes_from(result):
    record = json.loads(result.with_name("report.step.json").read_text())
    assert record["seed"] == 3
    assert record["inputs_sha256"] == {"subject": "0" * 64}
    assert record["version"]
    assert record["command"]


def test_clearing_leaves_a_checkpoint_to_go_on_from_and_nothing_else(result):
    (result / "checkpoint.safetensors").write_text("state")
    (result / "folder").mkdir()
    clear(result)
    assert [path.name for path in result.iterdir()] == ["checkpoint.safetensors"]
    assert not result.with_name("report.step.json").exists()
