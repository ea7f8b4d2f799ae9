"""The command that trains: one process, or as many as are asked for."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro

from mcnet.cli.ending import debugging, errors_told
from mcnet.cli.first_checks import check_at_least, check_exists
from mcnet.cli.terminal import Output, announce, print_what_cannot_be_shown, tell
from mcnet.core.errors import BadOptionError
from mcnet.core.extras import check_extra
from mcnet.core.progress import silently

if TYPE_CHECKING:
    from mcnet.training.processes import Processes


def train(
    file: tyro.conf.Positional[Path],
    output: Output,
    metrics: Path | None = None,
    devices: int = 1,
    nodes: int = 1,
) -> None:
    """Train the models of an experiment, or a corrector; a second call resumes.

    Args:
        file: TOML file: an experiment, whose evaluation and report mcnet reproduce adds in the
            same folder, or a corrector, as in experiments/correctors.
        output: Folder of the run: weights, and the curve of training.
        metrics: JSON file of scores on other subjects, for the model card of a corrector: of mcnet
            evaluate.
        devices: Processes on this machine that share every batch: GPUs, where training takes them,
            and processes of the CPU otherwise.
        nodes: Machines, each with as many devices; torchrun or Slurm starts the command on them.
    """
    check_extra("train", "mcnet train")
    check_exists(file, "the TOML file of an experiment or of a corrector")
    check_exists(metrics, "a JSON file of scores, as mcnet evaluate writes it")
    check_at_least("--devices", devices, 1)
    check_at_least("--nodes", nodes, 1)
    from mcnet.core.outputs import FILE, check_outputs, given
    from mcnet.experiments.folder import RUN
    from mcnet.training.distributed import check_devices, is_started, joined
    from mcnet.training.processes import ALONE, OtherProcessError
    from mcnet.training.shipped.corrector import Corrector
    from mcnet.training.shipped.corrector_training import TRAINING

    settings = _read(file, metrics)
    check_devices(devices, nodes, settings.training)
    if not is_started(devices, nodes):  # of several processes, the first one does it later
        kind = TRAINING if isinstance(settings, Corrector) else RUN
        check_outputs(
            given(("-o", output, kind)), given(("", file, FILE), ("--metrics", metrics, FILE))
        )
    if not is_started(devices, nodes) and devices > 1:
        from mcnet.training.launching import launch

        launch(partial(_process, file, output, metrics, devices), devices)
        return
    processes = ALONE
    try:
        with joined(devices, nodes, settings.training) as processes:
            told = _train(settings, file, output, metrics, processes)
    except (OtherProcessError, KeyboardInterrupt):
        if processes.is_first:
            raise
        sys.exit(2)  # the first process tells
    if processes.is_first:
        tell(told)


def _read(file: Path, metrics: Path | None) -> Any:
    """Experiment or corrector of a TOML file, by the settings that it has."""
    from mcnet.core.settings import kind_of
    from mcnet.experiments.config import Experiment, read_experiment
    from mcnet.training.shipped.corrector import Corrector, read_corrector

    if kind_of(file, {"experiment": Experiment, "corrector": Corrector}) == "corrector":
        return read_corrector(file)
    if metrics:
        raise BadOptionError(
            f"{file} is an experiment, whose models have no card for {metrics}; leave --metrics "
            "out, or name the file of a corrector."
        )
    return read_experiment(file)


def _train(
    settings: Any, file: Path, output: Path, metrics: Path | None, processes: "Processes"
) -> str:
    """Train, and say where the result lies and what may follow."""
    from mcnet.core.documents import read_json_object
    from mcnet.experiments.train import train_experiment
    from mcnet.training.shipped.corrector import Corrector
    from mcnet.training.shipped.corrector_training import train_corrector

    told: dict[str, Any] = {
        "announce": announce if processes.is_first else silently,
        "quiet": not processes.is_first,
        "processes": processes,
    }
    if isinstance(settings, Corrector):
        scores = read_json_object(metrics) if metrics else None
        weights = train_corrector(settings, output, root=file.parent, metrics=scores, **told)
        return f"The weights: {weights}"
    train_experiment(settings, output, **told)
    return f"The weights: {output / 'models'}; mcnet reproduce {file} -o {output} evaluates them."


def _process(file: Path, output: Path, metrics: Path | None, devices: int) -> None:
    """`train` as one of the processes that it started; it ends as a command does."""
    print_what_cannot_be_shown()
    with debugging(False), errors_told(["train"]):  # as the environment of the first one says
        train(file, output, metrics, devices)
