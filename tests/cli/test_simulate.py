"""`mcnet simulate` as a user meets it."""

import json
import shlex

import pytest
import zarr

from mcnet.cli.main import main
from mcnet.core import cluster
from mcnet.datasets.pairs.loading import count_pairs

EXPERIMENT = """
title = "small"
seed = {seed}
[subjects]
n_template = 3
[motion]
n_generated = 4
scale = 2
[acquisition]
matrix = [20, 26, 22]
fov_mm = [240.0, 260.0, 242.0]
[pairs]
n_slices = 2
min_head_share = 0.0
"""


@pytest.fixture
def experiment(tmp_path):
    path = tmp_path / "experiment.toml"
    path.write_text(EXPERIMENT.format(seed=1))
    return path


def simulate(*arguments):
    main(["simulate", *map(str, arguments)])


def manifest(output):
    """What a store says of itself."""
    return zarr.open_group(output, mode="r").attrs.asdict()


def fails(capsys, *arguments):
    """The sentence on which the command ends with status 2."""
    with pytest.raises(SystemExit) as ended:
        simulate(*arguments)
    assert ended.value.code == 2
    message = " ".join(capsys.readouterr().err.split())
    assert "Traceback" not in message
    return message


@pytest.mark.slow
def test_pairs_are_made_counted_and_not_made_twice(experiment, tmp_path, capsys):
    output = tmp_path / "pairs.zarr"
    simulate(experiment, "-o", output)
    said = " ".join(capsys.readouterr().err.split())
    # one subject and two traces train, one and one validate, one and one test
    assert "16 pairs of 3 subjects and 4 motion traces, 16 of them new at" in said
    assert count_pairs(output) == {"train": 4, "validation": 2, "test": 2}
    simulate(experiment, "-o", output)
    assert "16 pairs of 3 subjects and 4 motion traces, 0 of them new." in " ".join(
        capsys.readouterr().err.split()
    )
    given = shlex.join(["mcnet", "simulate", str(experiment), "-o", str(output)])
    assert json.loads((tmp_path / "pairs.zarr.json").read_text())["command"] == given
    experiment.write_text(EXPERIMENT.format(seed=2))
    assert "holds other pairs (seed 1, not 2; other" in fails(capsys, experiment, "-o", output)


@pytest.mark.slow
def test_workers_leave_the_command_as_it_was_given(experiment, tmp_path):
    output = tmp_path / "pairs.zarr"
    given = ["simulate", str(experiment), "-o", str(output), "--workers", "1"]
    main(given)
    assert count_pairs(output) == {"train": 4, "validation": 2, "test": 2}
    record = json.loads((tmp_path / "pairs.zarr.json").read_text())
    assert record["command"] == shlex.join(["mcnet", *given])
    assert len(record["inputs_sha256"]) == 3 + 4


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--workers", 2, "--scheduler", "tcp://127.0.0.1:9"), "name one of them"),
        (("--workers", 0), "--workers 0 is impossible; give a whole number from 1 on."),
        (("--scheduler", "tcp://127.0.0.1:9"), "scheduler at tcp://127.0.0.1:9 cannot be reached"),
        (("--device", "cuda"), "device cuda"),
    ],
)
def test_what_cannot_share_the_work_is_told_and_leaves_nothing(
    experiment, tmp_path, capsys, monkeypatch, flags, sentence
):
    monkeypatch.setattr(cluster, "_CONNECT_S", 0.5)
    output = tmp_path / "pairs.zarr"
    assert sentence in fails(capsys, experiment, "-o", output, *flags)
    assert not output.exists()
