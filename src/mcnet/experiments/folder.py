"""The folder of an experiment: what stands where.

A run is a folder::

    settings.toml               every setting, defaults included; an experiment in itself
    pairs.zarr                  simulated pairs, with their manifest
    models/MODE/STAGE/          weights.safetensors and curve.csv
    evaluation/rows.csv         one row a test slice and model
    report/                     figures, tables, and the page report.html

Each step has a key, the digest of its settings and of the keys of what it is made from. Beside its
result stands a record, RESULT.step.json, with that key and the digest of the result
(`mcnet.core.cache`). What stands there as it was written is not made again; a change redoes only
what follows from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mcnet.core.outputs import Given, Kind, check_outputs
from mcnet.core.progress import Announce
from mcnet.core.writing import write_text
from mcnet.datasets.pairs.plan import PairsPlan
from mcnet.datasets.pairs.simulate import simulate_pairs
from mcnet.datasets.pairs.store import is_complete
from mcnet.experiments.config import Experiment, experiment_toml
from mcnet.experiments.gather import pairs_plan
from mcnet.motion.trace import Mode

SETTINGS = "settings.toml"
_MARK = "# Every setting of a run of mcnet, by mcnet.\n"
WEIGHTS = "weights.safetensors"

Weights = Mapping[str, Path]
"""Weights of every model of one mode, by its label."""


@dataclass(frozen=True)
class Run:
    """An experiment and the folder in which it leaves its results."""

    experiment: Experiment
    folder: Path

    @property
    def pairs(self) -> Path:
        """The store of simulated pairs."""
        return self.folder / "pairs.zarr"

    @property
    def evaluation(self) -> Path:
        """The folder of ``rows.csv``, one row a test slice and model."""
        return self.folder / "evaluation"

    @property
    def report(self) -> Path:
        """The folder of figures, tables, and the page."""
        return self.folder / "report"

    def stage(self, mode: Mode, name: str) -> Path:
        """The folder of a stage of training: ``weights.safetensors`` and ``curve.csv``."""
        return self.folder / "models" / mode / name


def prepare(run: Run, announce: Announce) -> PairsPlan:
    """The plan of a run's pairs, once its settings are written and its pairs are made.

    Raises
    ------
    McnetError
        `mcnet.core.outputs.check_outputs` refuses the folder, or the data do not serve.
    """
    check_outputs([Given("", run.folder, RUN)])
    plan = pairs_plan(run.experiment)
    write_text(run.folder / SETTINGS, _MARK + experiment_toml(run.experiment, run.folder))
    if not is_complete(run.pairs, plan):
        with announce("Simulating what the scanner makes of moving heads") as on_progress:
            simulate_pairs(run.pairs, plan, replace=True, on_progress=on_progress)
    return plan


def _is_run(folder: Path) -> bool:
    """Whether mcnet wrote the settings that stand in a folder; before 0.3 it set no mark."""
    try:
        text = (folder / SETTINGS).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False
    return text.startswith(_MARK) or (folder / "pairs.zarr").is_dir()


RUN = Kind(
    "a run is a folder of its own",
    is_ours=_is_run,
    foreign="is not empty and holds no run of mcnet; name a new folder for the run",
    is_folder=True,
)
"""The folder of a run, in which the next call goes on."""
