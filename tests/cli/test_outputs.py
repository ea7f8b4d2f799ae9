"""Every command against every place where it must not write: refused before any work."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import moving_head
import nibabel as nib
import numpy as np
import pytest
from tiny_models import FakeSeverityEstimator, tiny_weights

from mcnet.cli.main import main
from mcnet.io.mrd.writing import write_raw
from mcnet.motion.formats.files import write_motion

ROOT = Path(__file__).parents[2]
IN_FOLDERS = {
    "motion": ("motion.json", "motion.png", "motion.svg", "motion.csv"),
    "evaluate": (
        *("trial.json", "summary.json", "table.md", "rows.csv", "severity.csv", "still.csv"),
        *("examples.png", "examples.svg", "severity.png", "severity.svg"),
    ),
    "evaluate-raw": (
        *("trial.json", "table.md", "rows.csv", "scans.csv", "examples.png", "examples.svg"),
    ),
}
"""What commands write to a folder that may hold other files."""


@dataclass(frozen=True)
class Command:
    """A command line without its outputs; inputs are files of a folder by their names."""

    words: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: dict[str, str] = field(default_factory=dict)
    """By flag: a name that would do."""
    new: str | None = None
    """What is said of a folder that holds something else."""

    def line(self, outputs: dict[str, str]) -> list[str]:
        return [*self.words, *(word for pair in outputs.items() for word in pair)]


TRACES = tuple(f"{number}.par" for number in range(5))
COMMANDS = {
    "corrupt": Command(
        ("corrupt", "scan.nii.gz", "--motion", "0.par"),
        ("scan.nii.gz", "0.par"),
        {
            "-o": "a.nii.gz",
            "--reference-output": "b.nii.gz",
            "--phase-output": "c.nii",
            "--raw-output": "d.h5",
        },
    ),
    "reconstruct": Command(
        ("reconstruct", "raw.h5", "--motion", "0.par"),
        ("raw.h5", "0.par"),
        {"-o": "a.nii.gz", "--motion-output": "m.par", "--report": "p.html"},
    ),
    "search": Command(
        ("reconstruct", "raw.h5", "--model", "w.safetensors"),
        ("raw.h5", "w.safetensors"),
        {"-o": "a.nii.gz", "--motion-output": "m.csv", "--report": "p.html"},
    ),
    "correct": Command(
        ("correct", "scan.nii.gz", "--model", "w.safetensors"),
        ("scan.nii.gz", "w.safetensors"),
        {"-o": "a.nii.gz", "--uncertainty": "u.nii.gz", "--report": "p.html"},
    ),
    "export": Command(("export", "--model", "w.safetensors"), ("w.safetensors",), {"-o": "m.onnx"}),
    "motion": Command(("motion", *TRACES), TRACES[:2], {"-o": "out"}),
    "evaluate": Command(
        ("evaluate", "subjects", "--motion", "0.par", "--model", "w.safetensors"),
        ("0.par", "w.safetensors"),
        {"-o": "out"},
    ),
    "evaluate-raw": Command(
        ("evaluate-raw", "subjects", "--motion", "0.par", "--model", "w.safetensors"),
        ("0.par", "w.safetensors"),
        {"-o": "out"},
    ),
    "reproduce": Command(
        ("reproduce", "e.toml"), ("e.toml",), {"-o": "out"}, "holds no run of mcnet"
    ),
    "simulate": Command(
        ("simulate", "e.toml"), ("e.toml",), {"-o": "out"}, "holds no pairs of mcnet"
    ),
    "train": Command(("train", "e.toml"), ("e.toml",), {"-o": "out"}, "holds no run of mcnet"),
    "train-corrector": Command(
        ("train", "c.toml", "--metrics", "m.json"),
        ("c.toml", "m.json"),
        {"-o": "out"},
        "holds no training of mcnet",
    ),
    "demo": Command(("demo",), (), {"-o": "out"}, "holds no run of mcnet"),
    "readers-create": Command(
        ("readers", "create", "--images", "a=subjects", "--images", "b=others"),
        (),
        {"-o": "out"},
        "is there and not empty",
    ),
    "readers-report": Command(
        ("readers", "report", "subjects"), (), {"-o": "out"}, "holds no report of a reader study"
    ),
}
FILES = [
    (name, flag)
    for name, command in COMMANDS.items()
    for flag in command.outputs
    if command.new is None and name not in IN_FOLDERS
]
"""Outputs that are single files."""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder of inputs that nobody could read: who reads them before the check is found out."""
    for name in ("scan.nii.gz", "raw.h5", "w.safetensors", "m.json", *TRACES):
        (tmp_path / name).write_text(f"{name} of somebody")
    for name in ("subjects", "others"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "sub-01.nii.gz").write_text("a scan of somebody")
    shutil.copy(ROOT / "src" / "mcnet" / "experiments" / "demo.toml", tmp_path / "e.toml")
    shutil.copy(next((ROOT / "experiments" / "correctors").glob("*.toml")), tmp_path / "c.toml")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files_of(folder):
    return {
        path: path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
        if not path.is_symlink()
    }


def refused(capsys, place, line):
    """The sentence on which a command ends that has touched nothing."""
    before = files_of(place)
    with pytest.raises(SystemExit) as ended:
        main(line)
    assert ended.value.code == 2
    message = " ".join(capsys.readouterr().err.split())
    assert "Traceback" not in message
    assert files_of(place) == before
    return message


def with_inputs():
    return [
        (name, flag, taken)
        for name, command in COMMANDS.items()
        for flag in command.outputs
        for taken in command.inputs
    ]


@pytest.mark.parametrize(("name", "flag", "taken"), with_inputs())
def test_no_output_is_an_input_by_whatever_name(place, capsys, name, flag, taken):
    command = COMMANDS[name]
    for written in IN_FOLDERS.get(name, [None]):
        output = Path(command.outputs[flag])
        if written is not None:
            output.mkdir(exist_ok=True)
        link = output if written is None else output / written
        os.link(taken, link)  # another name of the input, with the right ending
        line = command.line({**command.outputs, flag: str(output)})
        assert "is an input and would be overwritten" in refused(capsys, place, line)
        link.unlink()
    if name not in IN_FOLDERS:  # and by its own name
        for way in (taken, str(place / "subjects" / ".." / taken)):
            line = command.line({**command.outputs, flag: way})
            assert "is an input and would be overwritten" in refused(capsys, place, line)


def pairs_of_outputs():
    return [
        (name, one, other)
        for name, command in COMMANDS.items()
        for one in command.outputs
        for other in command.outputs
        if one != other
    ]


@pytest.mark.parametrize(("name", "one", "other"), pairs_of_outputs())
def test_no_two_outputs_share_a_file(place, capsys, name, one, other):
    command = COMMANDS[name]
    (place / "link").symlink_to(place)
    taken = command.outputs[one]
    for way in (taken, f"link/{taken}", f"{taken}.json", str(Path(taken).with_suffix(".json"))):
        message = refused(capsys, place, command.line({**command.outputs, other: way}))
        assert "would overwrite each other" in message or "does not end in" in message


@pytest.mark.parametrize(("one", "other"), [("a.nii", "a.nii.gz"), ("a.nii.gz", "A.nii.gz")])
def test_scans_that_share_a_json_file_are_two_names_of_one_place(place, capsys, one, other):
    line = COMMANDS["corrupt"].line({"-o": one, "--reference-output": other})
    assert "would overwrite each other or their JSON files" in refused(capsys, place, line)


@pytest.mark.parametrize(("name", "flag"), FILES)
def test_a_file_of_somebody_is_kept(place, capsys, name, flag):
    command = COMMANDS[name]
    (place / command.outputs[flag]).write_text("<html> of somebody")
    message = refused(capsys, place, command.line(command.outputs))
    assert "was not written by mcnet" in message
    assert flag in message


@pytest.mark.parametrize(("name", "flag"), FILES)
def test_a_folder_is_no_place_for_a_file(place, capsys, name, flag):
    command = COMMANDS[name]
    (place / command.outputs[flag]).mkdir()
    assert "it is a folder" in refused(capsys, place, command.line(command.outputs))


@pytest.mark.parametrize("name", sorted(IN_FOLDERS))
def test_files_of_somebody_in_a_folder_are_kept(place, capsys, name):
    (place / "out").mkdir()
    for written in IN_FOLDERS[name]:
        (place / "out" / written).write_text('{"of": "somebody"}')
        message = refused(capsys, place, COMMANDS[name].line({"-o": "out"}))
        assert f"out/{written} is there already and was not written by mcnet" in message
        (place / "out" / written).unlink()


def test_what_waits_for_the_end_of_a_trial_is_not_mixed_with_other_files(place, capsys):
    (place / "out" / "unfinished").mkdir(parents=True)
    (place / "out" / "unfinished" / "notes.txt").write_text("of somebody")
    message = refused(capsys, place, COMMANDS["evaluate-raw"].line({"-o": "out"}))
    assert "out/unfinished holds something else" in message


@pytest.mark.parametrize("name", [name for name, command in COMMANDS.items() if command.new])
def test_a_folder_of_somebody_is_kept(place, capsys, name):
    command = COMMANDS[name]
    (place / "out").mkdir()
    (place / "out" / "settings.toml").write_text("title = 'of somebody'")
    assert command.new in refused(capsys, place, command.line({"-o": "out"}))
    shutil.rmtree(place / "out")
    (place / "out").write_text("a file")
    message = refused(capsys, place, command.line({"-o": "out"}))
    assert "is a file, and a folder is written" in message


@pytest.mark.parametrize("name", list(COMMANDS))
def test_a_place_that_cannot_be_written_is_told_at_once(place, capsys, monkeypatch, name):
    command = COMMANDS[name]
    for flag, usual in command.outputs.items():
        outputs = {**command.outputs, flag: f"scan.nii.gz/new/{usual}"}
        assert "scan.nii.gz is no folder" in refused(capsys, place, command.line(outputs))
    monkeypatch.setattr("mcnet.core.outputs.os.access", lambda folder, _: Path(folder) != place)
    message = refused(capsys, place, command.line(command.outputs))
    assert f"no permission to write to {place}" in message


def test_outputs_do_not_lie_in_the_folder_of_a_series(place, capsys):
    (place / "series").mkdir()
    (place / "series" / "1").write_text("an image of somebody")
    for line in (
        ["corrupt", "series", "--motion", "0.par", "-o", "series/a.nii.gz"],
        ["corrupt", "series", "--motion", "0.par", "-o", "a.nii.gz", "--raw-output", "series/r.h5"],
        ["correct", "series", "-o", "series/derived"],
        ["correct", "series", "-o", "derived", "--report", "series/p.html"],
        ["correct", "series", "-o", "derived", "--uncertainty", "series/u.nii.gz"],
    ):
        assert "lies in series, which is read" in refused(capsys, place, line)
    line = ["correct", "series", "-o", "derived", "--report", "derived/p.html"]
    assert "--report derived/p.html would lie in -o derived" in refused(capsys, place, line)


def test_the_json_file_of_an_input_is_not_taken(place, capsys):
    (place / "scan.json").write_text('{"Modality": "MR", "generator": "mcnet"}')
    line = ["corrupt", "scan.nii.gz", "--motion", "0.par", "-o", "scan.nii"]
    assert "belongs to the input scan.nii.gz" in refused(capsys, place, line)


def test_a_data_set_is_not_corrected_into_itself(place, capsys):
    (place / "bids" / "sub-01" / "anat").mkdir(parents=True)
    (place / "bids" / "sub-01" / "anat" / "sub-01_T1w.nii.gz").write_text("a scan of somebody")
    for output in ("bids/sub-01", "bids/sub-01/anat/new", "bids/sub-02", "bids/sourcedata/mcnet"):
        message = refused(capsys, place, ["correct", "bids", output, "participant"])
        assert "lies among the raw data of bids" in message


# What mcnet wrote, it writes again, as long as nobody has changed it.


@pytest.fixture
def raw(tmp_path, monkeypatch):
    write_raw(tmp_path / "raw.h5", moving_head.raw_scan(12.0))
    write_motion(tmp_path / "0.par", moving_head.motion(12.0), "fsl")
    monkeypatch.chdir(tmp_path)
    return tmp_path


RECONSTRUCT = [
    *("reconstruct", "raw.h5", "--motion", "0.par", "--preview", "-o", "a.nii.gz"),
    *("--motion-output", "m.par", "--motion-output-format", "fsl", "--report", "p.html"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "add"), [("a.nii.gz", b"\n"), ("m.par", b"0 0 0 0 0 0\n")])
def test_a_reconstruction_is_done_again_unless_it_was_changed(raw, capsys, name, add):
    main(RECONSTRUCT)
    first = files_of(raw)
    main(RECONSTRUCT)
    assert {*files_of(raw)} == {*first}
    assert set(json.loads((raw / "m.par.json").read_text())["files_sha256"]) == {"m.par"}
    with (raw / name).open("ab") as stream:
        stream.write(add)
    capsys.readouterr()
    assert "or was changed since" in refused(capsys, raw, RECONSTRUCT)


@pytest.mark.slow
def test_nothing_of_a_reconstruction_stays_whose_page_fails(raw, capsys, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mcnet.report.reconstruction_page.write_text", full)
    assert "no space left on device" in refused(capsys, raw, RECONSTRUCT)


def test_raw_data_of_mcnet_are_written_again_and_those_of_others_kept(raw, capsys):
    values = np.pad(np.ones((20, 20, 20), np.float32), 8) * np.linspace(1, 2, 36, dtype=np.float32)
    nib.save(nib.Nifti1Image(values, np.diag([4.0, 4, 4, 1])), "scan.nii")
    line = ["corrupt", "scan.nii", "--motion", "0.par", "--matrix", "16", "-o", "moved.nii"]
    line += ["--fov-mm", "200", "--raw-output", "new.h5"]
    main(line)
    main(line)
    import h5py

    with h5py.File("new.h5", "r+") as file:
        del file["dataset/xml"]
    capsys.readouterr()
    assert "--raw-output new.h5 is there already" in refused(capsys, raw, line)


def test_a_correction_is_done_again_and_another_page_is_kept(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "mcnet.correction.severity_estimator.load_severity_estimator", FakeSeverityEstimator
    )
    head = np.pad(np.full((24, 24, 24), 300, np.int16), 4)
    head[10:20, 10:20] = 500
    nib.save(nib.Nifti1Image(head, np.diag([3.0, 3, 3, 1])), "scan.nii.gz")
    tiny_weights(tmp_path / "w.safetensors")
    line = ["correct", "scan.nii.gz", "-o", "a.nii.gz", "--model", "w.safetensors", "--no-search"]
    line += ["--uncertainty", "u.nii.gz", "--report", "p.html"]
    main(line)
    main(line)
    assert (tmp_path / "u.nii.gz").exists()
    (tmp_path / "p.html").write_text('<meta name="generator" content="another">')
    capsys.readouterr()
    assert "--report p.html is there already" in refused(capsys, tmp_path, line)


FULL = """
import resource, signal, sys
from mcnet.cli.main import main
import mcnet.io.mrd.writing
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
main(sys.argv[2:])
"""


@pytest.mark.slow
@pytest.mark.parametrize("room", [100, 1000, 30_000])
def test_a_disk_that_fills_up_leaves_nothing_of_all_outputs(raw, room):
    values = np.pad(np.ones((20, 20, 20), np.float32), 8) * np.linspace(1, 2, 36, dtype=np.float32)
    nib.save(nib.Nifti1Image(values, np.diag([4.0, 4, 4, 1])), "scan.nii")
    line = ["corrupt", "scan.nii", "--motion", "0.par", "--matrix", "16", "-o", "moved.nii.gz"]
    line += ["--fov-mm", "200", "--raw-output", "new/r.h5", "--phase-output", "new/p.nii.gz"]
    before = files_of(raw)
    given = [sys.executable, "-W", "ignore", "-c", FULL, str(room), *line]
    done = subprocess.run(given, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "cannot be written (file too large)" in " ".join(done.stderr.split())
    assert files_of(raw) == before
