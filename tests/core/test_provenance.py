import hashlib
import json
from pathlib import Path

import pytest

from mcnet import __version__
from mcnet.core.errors import McnetError
from mcnet.core.provenance import (
    by_name,
    provenance,
    recorded_as,
    recorded_command,
    sha256_of_file,
    sha256_of_json,
)
from mcnet.core.writing import read_json, write_json, write_text, written_together, written_whole


def test_inputs_are_files_or_digests_that_are_known(tmp_path):
    path = tmp_path / "scan.nii"
    path.write_bytes(b"a scan")
    found = provenance(inputs={"scan": path, "trace": "0" * 64})["inputs_sha256"]
    assert found == {"scan": hashlib.sha256(b"a scan").hexdigest(), "trace": "0" * 64}


def test_no_file_is_lost_because_another_has_its_name():
    rest = [Path(f"study/sub-0{n}/func/rest.par") for n in (1, 2)]
    assert by_name(rest) == {f"sub-0{n}/func/rest.par": rest[n - 1] for n in (1, 2)}
    plain = [Path("a/one.par"), Path("a/two.par")]
    assert by_name(plain) == {"one.par": plain[0], "two.par": plain[1]}
    assert by_name([*plain, plain[0]]) == by_name(plain)
    assert by_name([]) == {}


def test_a_failed_write_leaves_nothing_behind(tmp_path):
    def fail_halfway():
        with written_whole(tmp_path / "scan.nii.gz") as temporary:
            temporary.write_bytes(b"half")
            raise RuntimeError("disk on fire")

    with pytest.raises(RuntimeError, match="disk on fire"):
        fail_halfway()
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file_as_it_was(tmp_path):
    path = tmp_path / "table.csv"
    write_text(path, "old")

    def fail_halfway():
        with written_whole(path) as temporary:
            temporary.write_text("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_halfway()
    assert path.read_text() == "old"


def test_the_temporary_name_keeps_the_suffixes_that_writers_go_by(tmp_path):
    with written_whole(tmp_path / "new folder" / "scan.nii.gz") as temporary:
        assert temporary.name.endswith(".nii.gz")
        temporary.write_bytes(b"whole")
    assert (tmp_path / "new folder" / "scan.nii.gz").read_bytes() == b"whole"


def test_a_file_is_as_readable_as_any_new_one_whoever_wrote_it(tmp_path):
    (tmp_path / "usual").touch()
    with written_whole(tmp_path / "weights") as temporary:
        temporary.touch(mode=0o600)
    modes = [(tmp_path / name).stat().st_mode for name in ("usual", "weights")]
    assert modes[0] == modes[1]


def test_a_folder_is_replaced_whole(tmp_path):
    for content in ("first", "second"):
        with written_whole(tmp_path / "run") as temporary:
            temporary.mkdir()
            (temporary / content).write_text(content)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["second"]
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_place_that_cannot_be_written_is_told_in_a_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(McnetError, match="cannot be written .* name an output in a folder"):
        write_text(tmp_path / "file" / "out.txt", "text")


def test_a_full_disk_is_told_in_a_sentence(tmp_path):
    def write():
        with written_whole(tmp_path / "out.txt"):
            raise OSError(28, "No space left on device")

    with pytest.raises(McnetError, match="no space left on device"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_what_is_written_together_comes_together_or_not_at_all(tmp_path):
    (tmp_path / "a.txt").write_text("old")

    def write(last):
        with written_together() as staged:
            write_text(tmp_path / "a.txt", "new")
            with written_whole(tmp_path / "new" / "folder") as room:
                room.mkdir()
                write_text(room / "b.txt", "b")
                assert (room / "b.txt").read_text() == "b"  # within a folder at once
            assert set(staged.sha256_in(tmp_path)) == {"a.txt"}
            assert (tmp_path / "a.txt").read_text() == "old"
            write_text(tmp_path / last / "c.txt", "c")

    with pytest.raises(McnetError, match=r"c.txt cannot be written"):
        write("a.txt")
    assert [path.name for path in tmp_path.rglob("*")] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"
    write("last")
    assert (tmp_path / "a.txt").read_text() == "new"
    assert (tmp_path / "new" / "folder" / "b.txt").read_text() == "b"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "last", "new"]


def test_a_folder_that_cannot_be_replaced_stays(tmp_path, monkeypatch):
    write_text(tmp_path / "run" / "old", "old")
    rename = Path.replace

    def fails(path, target):
        if path.name.startswith("content"):
            raise OSError(18, "Invalid cross-device link")
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", fails)
    with (
        pytest.raises(McnetError, match="invalid cross-device link"),
        written_whole(tmp_path / "run") as room,
    ):
        room.mkdir()
    assert (tmp_path / "run" / "old").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_folder_that_was_made_for_nothing_goes(tmp_path):
    with pytest.raises(KeyboardInterrupt), written_whole(tmp_path / "new" / "a" / "scan.nii"):
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_provenance_tells_version_command_seed_and_hashes_of_inputs(tmp_path):
    scan = tmp_path / "scan.txt"
    scan.write_text("voxels")
    about = provenance(seed=7, inputs={"scan": scan})
    assert about["version"] == __version__
    assert about["seed"] == 7
    assert about["command"]
    assert about["inputs_sha256"] == {"scan": hashlib.sha256(b"voxels").hexdigest()}
    assert sha256_of_file(scan) == hashlib.sha256(b"voxels").hexdigest()


def test_equal_content_has_equal_digests_whatever_its_order():
    assert sha256_of_json({"a": 1, "b": [2, 3]}) == sha256_of_json({"b": [2, 3], "a": 1})
    assert sha256_of_json({"a": 1}) != sha256_of_json({"a": 2})


def test_json_files_come_back_and_damaged_ones_are_empty(tmp_path):
    write_json(tmp_path / "a.json", {"b": 1})
    assert read_json(tmp_path / "a.json") == {"b": 1}
    assert json.loads((tmp_path / "a.json").read_text()) == {"b": 1}
    write_text(tmp_path / "damaged.json", '{"b": ')
    assert read_json(tmp_path / "damaged.json") == {}
    assert read_json(tmp_path / "missing.json") == {}


def test_a_call_from_python_is_recorded_by_the_function_that_was_called(monkeypatch):
    monkeypatch.setattr("sys.argv", ["ipykernel_launcher.py", "-f", "kernel.json"])
    assert provenance()["command"] == "mcnet.core.provenance.provenance()"


def test_a_command_is_recorded_as_it_was_given_and_only_while_it_runs():
    with recorded_command("mcnet", ["correct", "a b.nii.gz", "-o", "c.nii.gz"]):
        assert provenance()["command"] == "mcnet correct 'a b.nii.gz' -o c.nii.gz"
    assert "correct" not in provenance()["command"]


def test_the_command_that_was_given_is_told_and_not_one_that_runs_within():
    with (
        recorded_as("mcnet train 'a b.toml' -o run --devices 2"),
        recorded_command("mcnet", ["train", "a b.toml", "--output", "run", "--devices", "2"]),
    ):
        assert provenance()["command"] == "mcnet train 'a b.toml' -o run --devices 2"


def test_no_json_is_written_that_json_does_not_know(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"gain": float("nan")})
    assert list(tmp_path.iterdir()) == []
