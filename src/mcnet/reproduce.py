"""An experiment from heads and motion to a report; what is there already is not done again.

A run is a folder::

    settings.toml               every setting, defaults included; an experiment in itself
    pairs.zarr                  simulated pairs, with their manifest
    models/MODE/STAGE/          weights.safetensors and curve.csv
    evaluation/rows.csv         one row a test slice and model
    report/                     figures, tables, and the page report.html

Each step has a key, the digest of its settings and of the keys of what it is made from. Beside its
result stands a record, RESULT.step.json, with that key and the digest of the result
(`mcnet.steps`). What stands there as it was written is not made again; a change redoes only what
follows from it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float32

from mcnet import __version__
from mcnet.correction.slices import correct_slices
from mcnet.data.fresh_pairs import FreshPairs, fresh_pairs
from mcnet.data.pairs import ImagePairs
from mcnet.data.pairs_plan import PairsPlan
from mcnet.data.simulate import simulate_pairs
from mcnet.data.store import count_pairs, is_complete, load_pairs
from mcnet.errors import McnetError
from mcnet.evaluation.rows import evaluate
from mcnet.experiment import Experiment, experiment_toml
from mcnet.learning.processes import ALONE, Processes
from mcnet.learning.recipes import PlannedStage, stage_plan
from mcnet.learning.training import TrainingSet, train_stage
from mcnet.learning.weights import load_network
from mcnet.plan import pairs_plan
from mcnet.progress import Announce, silently
from mcnet.provenance import sha256_of_file, sha256_of_json, write_text, written_whole
from mcnet.report.examples import Example, scored_example
from mcnet.report.page import write_report
from mcnet.simulation.fresh_motion import FreshMotion
from mcnet.simulation.motion import Mode
from mcnet.steps import clear, is_done, mark_done

SETTINGS = "settings.toml"
WEIGHTS = "weights.safetensors"

Weights = Mapping[str, Path]
Images = Float32[np.ndarray, "n rows columns"]


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


def reproduce(
    experiment: Experiment, folder: Path, *, announce: Announce = silently, quiet: bool = True
) -> Path:
    """Run an experiment, or what is missing of it, and return the path of its page.

    Parameters
    ----------
    experiment
        What to run.
    folder
        Where the results go; an interrupted run of the same experiment goes on there.
    announce
        Told what is being done, and how far.
    quiet
        Whether training shows no progress bars of its own.

    Raises
    ------
    McnetError
        The data do not serve, or the folder cannot be written.
    KeyboardInterrupt
        As the user pressed it; the next call goes on where this one stopped.
    """
    run = Run(experiment, folder)
    plan = _simulated(run, announce)
    weights = {mode: _train(run, plan, mode, announce, quiet) for mode in experiment.pairs.modes}
    hashes = [
        [mode, label, sha256_of_file(path)]
        for mode, of_mode in weights.items()
        for label, path in of_mode.items()
    ]
    evaluation_key = sha256_of_json([__version__, plan.key, hashes])
    if not is_done(run.evaluation, evaluation_key):
        clear(run.evaluation)
        _write_rows(run, weights, announce)
        mark_done(run.evaluation, evaluation_key, seed=experiment.seed)
    report_key = sha256_of_json([evaluation_key, experiment.as_dict()])
    if not is_done(run.report, report_key):
        with announce("Drawing figures and the page"), written_whole(run.report) as report:
            _write_page(run, weights, plan, report)
        mark_done(run.report, report_key, seed=experiment.seed)
    return run.report / "report.html"


def train_models(
    experiment: Experiment,
    folder: Path,
    *,
    announce: Announce = silently,
    quiet: bool = True,
    processes: Processes = ALONE,
) -> Mapping[Mode, Weights]:
    """Weights of every model of an experiment; `reproduce` goes on from there, in the same folder.

    Parameters
    ----------
    experiment, folder, announce, quiet
        As for `reproduce`.
    processes
        Who trains: this process alone by default. The first one simulates and writes.

    Raises
    ------
    McnetError, KeyboardInterrupt
        As `reproduce`.
    """
    run = Run(experiment, folder)
    plan = processes.by_first(lambda: _simulated(run, announce))
    return {
        mode: _train(run, plan, mode, announce, quiet, processes) for mode in experiment.pairs.modes
    }


def _simulated(run: Run, announce: Announce) -> PairsPlan:
    """Plan of the run's pairs, which lie in its folder then."""
    _refuse_other_folder(run.folder)
    plan = pairs_plan(run.experiment)
    write_text(run.folder / SETTINGS, experiment_toml(run.experiment, run.folder))
    if not is_complete(run.pairs, plan.key):
        with announce("Simulating what the scanner makes of moving heads") as on_progress:
            simulate_pairs(run.pairs, plan, replace=True, on_progress=on_progress)
    return plan


def _refuse_other_folder(folder: Path) -> None:
    """Refuse a folder that holds something else, which a run would mix with."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / SETTINGS).exists():
        raise McnetError(
            f"{folder} is not empty and holds no run of mcnet; name a new folder for the run."
        )


def _train(
    run: Run,
    plan: PairsPlan,
    mode: Mode,
    announce: Announce,
    quiet: bool,
    processes: Processes = ALONE,
) -> Weights:
    """Weights of every model of one mode, by the paper's labels; what is trained already stays."""
    stages = stage_plan(run.experiment.recipes)
    keys: dict[str, str] = {}
    weights: dict[str, Path] = {}
    motion = _fresh_motion(run.experiment, mode)
    sets: tuple[TrainingSet, ImagePairs] | None = None
    for number, planned in enumerate(stages.stages, start=1):
        parent_key = keys[planned.parent] if planned.parent else None
        key = _stage_key(run.experiment, plan, mode, planned, parent_key)
        if motion:
            key = sha256_of_json([key, asdict(motion)])
        result = run.stage(mode, planned.name)
        keys[planned.name], weights[planned.name] = key, result / WEIGHTS
        if processes.by_first(partial(_is_there, result, key)):
            continue
        sets = sets or (
            _training_set(run, plan, mode, motion, announce),
            load_pairs(run.pairs, "validation", mode),
        )
        train, validation = sets
        seed = run.experiment.seed + planned.name.count("-then-")
        if isinstance(train, FreshPairs):
            train = replace(train, seed=seed)  # no stage repeats the motion of an earlier one
        with announce(f"Training {planned.name} on {mode} ({number} of {len(stages.stages)})"):
            train_stage(
                result,
                planned.stage,
                train,
                validation,
                network=run.experiment.network,
                loss=run.experiment.loss,
                training=run.experiment.training,
                seed=seed,
                initial_weights=weights[planned.parent] if planned.parent else None,
                notes=_model_notes(run.experiment, plan, mode) | _motion_notes(plan, motion),
                quiet=quiet,
                processes=processes,
            )
        processes.by_first(partial(mark_done, result, key, seed=run.experiment.seed))
    return {recipe: weights[name] for recipe, name in stages.final_stage.items()}


def _is_there(result: Path, key: str) -> bool:
    """Whether a result is done; what is not makes room."""
    done = is_done(result, key)
    if not done:
        clear(result)
    return done


def _fresh_motion(experiment: Experiment, mode: Mode) -> FreshMotion | None:
    """How training heads move anew; nothing, where they move by the fixed set's traces."""
    if not experiment.training.fresh_motion:
        return None
    config = experiment.motion
    return FreshMotion(config.within_mm, config.within_deg, config.scale, mode)


def _training_set(
    run: Run, plan: PairsPlan, mode: Mode, motion: FreshMotion | None, announce: Announce
) -> TrainingSet:
    if motion is None:
        return load_pairs(run.pairs, "train", mode)
    with announce("Preparing the people who move anew in every epoch") as on_progress:
        return fresh_pairs(plan, motion, on_progress=on_progress)


def _motion_notes(plan: PairsPlan, motion: FreshMotion | None) -> dict[str, Any]:
    """What the model card says of motion that no trace of the plan was."""
    if motion is None:
        return {}
    return {"traces": asdict(plan.traces_split) | {"train": ()}, "fresh_motion": asdict(motion)}


def _stage_key(
    experiment: Experiment, plan: PairsPlan, mode: Mode, planned: PlannedStage, parent: str | None
) -> str:
    return sha256_of_json(
        {
            "version": __version__,
            "pairs": plan.key,
            "mode": mode,
            "seed": experiment.seed,
            "parent": parent,
            "network": asdict(experiment.network),
            "loss": asdict(experiment.loss),
            "training": asdict(experiment.training),
            "stage": asdict(planned.stage),
        }
    )


def _model_notes(experiment: Experiment, plan: PairsPlan, mode: Mode) -> dict[str, Any]:
    """What the model card says of data and limits."""
    return {
        "title": experiment.title,
        "mode": mode,
        "people": asdict(plan.people_split),
        "traces": asdict(plan.traces_split),
        "licence": "Apache-2.0 for the weights; the people and traces have licences of their own.",
        "limits": "Simulated in-plane motion of sagittal T1w slices; a research tool, not a "
        "medical device.",
    }


def _write_rows(run: Run, weights: Mapping[Mode, Weights], announce: Announce) -> None:
    tables = []
    for mode, of_mode in weights.items():
        pairs = load_pairs(run.pairs, "test", mode)
        with announce(f"Evaluating {mode}") as on_progress:
            tables.append(evaluate(pairs, _corrected(of_mode, pairs), progress=on_progress))
    with written_whole(run.evaluation / "rows.csv") as temporary:
        pd.concat(tables, ignore_index=True).to_csv(temporary, index=False, float_format="%.6g")


def _corrected(weights: Weights, pairs: ImagePairs) -> dict[str, Images]:
    return {
        label: correct_slices(load_network(path), pairs.corrupted, pairs.input_scale)
        for label, path in weights.items()
    }


def _write_page(run: Run, weights: Mapping[Mode, Weights], plan: PairsPlan, folder: Path) -> None:
    curves = {
        f"{mode}: {planned.name}": pd.read_csv(run.stage(mode, planned.name) / "curve.csv")
        for mode in weights
        for planned in stage_plan(run.experiment.recipes).stages
    }
    write_report(
        folder,
        title=run.experiment.title,
        rows=pd.read_csv(run.evaluation / "rows.csv"),
        examples=[
            example
            for mode, of_mode in weights.items()
            for example in _examples(run, plan, mode, of_mode)
        ],
        settings={"slices of each mode": count_pairs(run.pairs)} | run.experiment.as_dict(),
        provenance=_page_provenance(plan),
        curves=curves,
    )


def _page_provenance(plan: PairsPlan) -> dict[str, Any]:
    manifest = plan.manifest
    about: dict[str, Any] = manifest["provenance"]
    return about | {"inputs_sha256": manifest["people"] | manifest["traces"]}


def _examples(run: Run, plan: PairsPlan, mode: Mode, weights: Weights) -> list[Example]:
    """Test slices from mild to severe motion: the middle slices of scans at equal steps of it."""
    pairs = load_pairs(run.pairs, "test", mode)
    scans = pairs.table.groupby(["person", "trace"], sort=False)
    middles = [rows_of_scan[len(rows_of_scan) // 2] for rows_of_scan in scans.indices.values()]
    by_magnitude = pairs.table.loc[middles].sort_values("magnitude").index.to_numpy()
    steps = (np.arange(run.experiment.n_examples) + 0.5) / run.experiment.n_examples
    pairs = pairs.chosen(by_magnitude[(steps * len(by_magnitude)).astype(int)])
    images = {"corrupted": pairs.corrupted} | _corrected(weights, pairs)
    motion_of = {trace.name: trace.restricted_to(mode) for trace in plan.traces}
    return [
        scored_example(
            mode=mode,
            title=f"{about['person']}, {about['trace']}, magnitude {about['magnitude']:.1f}",
            reference=pairs.references[pairs.reference_index[row]],
            images={label: stack[row] for label, stack in images.items()},
            head=pairs.heads[pairs.reference_index[row]],
            motion=motion_of[about["trace"]],
        )
        for row, about in enumerate(pairs.table.to_dict("records"))
    ]
