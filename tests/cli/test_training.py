"""mcnet train: which file is what, and what it says before any process is started."""

import pickle
import signal
from pathlib import Path

import pytest
from torch.multiprocessing.spawn import ProcessExitedException

from mcnet.cli.main import main
from mcnet.core.errors import McnetError
from mcnet.core.provenance import command, recorded_command
from mcnet.training import launching

CORRECTOR = 'name = "n"\npurpose = "p"\ndata = "d"\nlicence = "CC0"\nsubjects = []\n'
EXPERIMENT = """
title = "t"
[subjects]
n_template = 3
[motion]
n_generated = 3
[training]
batch_size = 3
"""


@pytest.fixture
def fails(tmp_path, capsys):
    """The sentence on which mcnet train ends with status 2, having written nothing."""

    def run(text, *arguments):
        (tmp_path / "f.toml").write_text(text)
        with pytest.raises(SystemExit) as ended:
            main(["train", str(tmp_path / "f.toml"), "-o", str(tmp_path / "run"), *arguments])
        assert ended.value.code == 2
        assert not (tmp_path / "run").exists()
        told = capsys.readouterr().err.strip()
        assert len(told.splitlines()) == 1
        return told

    return run


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("seed = 1\n", "is neither experiment nor corrector by its settings"),
        ('title = "t"\nname = "n"\n', "is neither experiment nor corrector"),
        (EXPERIMENT + "epoch = 3\n", "training.epoch is no setting; did you mean training.epochs?"),
        ("title = 3\n" + EXPERIMENT, "is not a readable TOML file"),
        (CORRECTOR + "lisense = 3\n", "lisense is no setting; did you mean licence?"),
        (CORRECTOR.replace('data = "d"\n', ""), "data is missing"),
    ],
)
def test_a_bad_file_ends_in_a_sentence(fails, text, told):
    assert told in fails(text)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--devices", "0"], "--devices 0 is impossible"),
        (["--nodes", "-1"], "--nodes -1 is impossible"),
        (["--devices", "4"], "batch_size 3 leaves some of 4 processes without an image"),
        (["--nodes", "2"], "begin the command with torchrun or srun"),
        (["--metrics", "m.json"], "m.json does not exist; give a JSON file of scores"),
        (["--metrics", __file__], "is an experiment, whose models have no card for"),
    ],
)
def test_what_cannot_be_trained_so_ends_in_a_sentence(fails, arguments, told):
    assert told in fails(EXPERIMENT, *arguments)


def test_several_devices_are_started_with_the_same_command(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(launching, "launch", lambda *given: started.append(given))
    path, scores = tmp_path / "f.toml", tmp_path / "m.json"
    path.write_text(CORRECTOR)
    scores.write_text("{}")
    main(["train", str(path), "-o", "run", "--devices", "2", "--metrics", str(scores)])
    ((target, n_processes),) = started
    assert n_processes == 2
    assert pickle.loads(pickle.dumps(target)).args == (path, Path("run"), scores, 2)


def test_a_process_that_is_started_writes_the_command_that_was_given(monkeypatch):
    told, ran = [], []
    monkeypatch.setattr(launching, "start_processes", lambda *given, **_: told.append(given[1]))
    with (
        recorded_command("mcnet", ["train", "e.toml", "-o", "run"]),
        pytest.raises(AttributeError, match="join"),  # of processes that are none
    ):
        launching.launch(lambda: ran.append(command()), 2)
    monkeypatch.setattr(launching.os, "environ", {})
    launching._run(1, *told[0])
    assert ran == ["mcnet train e.toml -o run"]


class Started:
    """Processes of which one has failed."""

    def __init__(self, statuses):
        self.processes = [type("Process", (), {"exitcode": status})() for status in statuses]

    def join(self, **_):
        raise ProcessExitedException("process 1 terminated", 1, 0, self.processes[1].exitcode)


@pytest.mark.parametrize("statuses", [(2, 2), (0, 2), (2, -signal.SIGTERM)])
def test_what_a_process_told_is_not_told_again(monkeypatch, statuses):
    monkeypatch.setattr(launching, "start_processes", lambda *_, **__: Started(statuses))
    with pytest.raises(SystemExit) as ended:
        launching.launch(print, 2)
    assert ended.value.code == 2


@pytest.mark.parametrize("statuses", [(2, -signal.SIGKILL), (0, 1)])
def test_a_process_that_said_nothing_is_told_of(monkeypatch, statuses):
    monkeypatch.setattr(launching, "start_processes", lambda *_, **__: Started(statuses))
    with pytest.raises(McnetError, match="give the same command again to go on"):
        launching.launch(print, 2)
