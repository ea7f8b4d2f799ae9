"""The models of an experiment, stage by stage; what is trained already is not trained again."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from mcnet import __version__
from mcnet.core.cache import clear, is_done, mark_done
from mcnet.core.progress import Announce, silently
from mcnet.core.provenance import sha256_of_json
from mcnet.datasets.pairs.drawn_motion import RandomMotion, RecordedMotion
from mcnet.datasets.pairs.in_memory import pairs_in_memory
from mcnet.datasets.pairs.on_the_fly import OnTheFlyPairs, motion_settings, on_the_fly_pairs
from mcnet.datasets.pairs.pairs import ImagePairs
from mcnet.datasets.pairs.plan import PairsPlan, indices
from mcnet.datasets.pairs.store import load_pairs
from mcnet.datasets.pairs.training_traces import training_traces
from mcnet.experiments.config import Experiment
from mcnet.experiments.folder import WEIGHTS, Run, Weights, prepare
from mcnet.motion.trace import Mode
from mcnet.training.processes import ALONE, Processes
from mcnet.training.recipes import PlannedStage
from mcnet.training.training import train_stage
from mcnet.training.training_config import TrainingConfig
from mcnet.training.training_refusals import TrainingSet
from mcnet.training.variants import ModelSettings


def train_experiment(
    experiment: Experiment,
    folder: Path,
    *,
    announce: Announce = silently,
    quiet: bool = True,
    processes: Processes = ALONE,
) -> Mapping[Mode, Weights]:
    """Weights of every model; `mcnet.experiments.reproduce` goes on from there, in the same folder.

    Parameters
    ----------
    experiment
        Whose models are trained.
    folder
        Where the results go; an interrupted training of the same experiment goes on there.
    announce
        Told what is being done, and how far.
    quiet
        Whether training shows no progress bars of its own.
    processes
        Who trains: this process alone by default. The first one simulates and writes.

    Raises
    ------
    McnetError
        As `mcnet.experiments.folder.prepare` and `train_models`.
    KeyboardInterrupt
        As the user pressed it; the next call goes on where this one stopped.
    """
    run = Run(experiment, folder)
    plan = processes.by_first(lambda: prepare(run, announce))
    told: dict[str, Any] = {"quiet": quiet, "processes": processes}
    return {
        mode: train_models(run, plan, mode, announce, **told) for mode in experiment.pairs.modes
    }


def train_models(
    run: Run,
    plan: PairsPlan,
    mode: Mode,
    announce: Announce,
    *,
    quiet: bool = True,
    processes: Processes = ALONE,
) -> Weights:
    """Weights of every model of one mode, by its label.

    Raises
    ------
    McnetError
        As `mcnet.training.training.train_stage`.
    KeyboardInterrupt
        As the user pressed it; the next call goes on where this one stopped.
    """
    experiment, stages = run.experiment, run.experiment.stages
    sets = _Sets(run, plan, mode, announce)
    keys: dict[str, str] = {}
    for number, planned in enumerate(stages.stages, start=1):
        settings = experiment.settings_of(planned.variant or "l1")
        training = settings.training
        settings = replace(
            settings, training=replace(training, epochs=training.epochs * planned.times)
        )
        result = run.stage(mode, planned.name)
        keys[planned.name] = _stage_key(run, plan, mode, planned, settings, keys)
        if processes.by_first(partial(_is_there, result, keys[planned.name])):
            continue
        seed = experiment.seed + planned.name.count("-then-")
        train = sets.training(training)
        if isinstance(train, OnTheFlyPairs):
            train = replace(train, seed=seed)  # no stage repeats the motion of an earlier one
        parent = planned.parent
        with announce(f"Training {planned.name} on {mode} ({number} of {len(stages.stages)})"):
            train_stage(
                result,
                planned.stage,
                train,
                sets.validation(training),
                network=settings.network,
                loss=settings.loss,
                training=settings.training,
                seed=seed,
                initial_weights=run.stage(mode, parent) / WEIGHTS if parent else None,
                notes=_notes(run, plan, mode, training),
                quiet=quiet,
                processes=processes,
            )
        key, inputs = keys[planned.name], dict[str, Path | str](plan.inputs)
        if parent:
            inputs[f"{mode}/{parent}"] = run.stage(mode, parent) / WEIGHTS
        processes.by_first(partial(mark_done, result, key, seed=experiment.seed, inputs=inputs))
    return {label: run.stage(mode, name) / WEIGHTS for label, name in stages.final_stage.items()}


def _is_there(result: Path, key: str) -> bool:
    """Whether a result is done; what is not makes room."""
    done = is_done(result, key)
    if not done:
        clear(result)
    return done


def _stage_key(
    run: Run,
    plan: PairsPlan,
    mode: Mode,
    planned: PlannedStage,
    settings: ModelSettings,
    keys: dict[str, str],
) -> str:
    motion = _drawn_motion(run, plan, mode, settings.training)
    return sha256_of_json(
        {
            "version": __version__,
            "pairs": plan.key,
            "mode": mode,
            "seed": run.experiment.seed,
            "parent": keys[planned.parent] if planned.parent else None,
            "network": settings.network.identity,
            "loss": asdict(settings.loss),
            "training": asdict(settings.training),
            "motion": motion_settings(motion) if motion else None,
            "stage": asdict(planned.stage),
        }
    )


@dataclass(frozen=True)
class _Sets:
    """Training and validation sets of one mode, made when they are first asked for."""

    run: Run
    plan: PairsPlan
    mode: Mode
    announce: Announce

    def training(self, training: TrainingConfig) -> TrainingSet:
        """What a stage trains on."""
        motion = _drawn_motion(self.run, self.plan, self.mode, training)
        if motion is None and _moves_by_its_part(training):
            return self._aligned_train if training.aligned else self._train
        if motion is None:
            traces = training_traces(self.plan, training.shared_traces, training.n_traces)
            return self._simulated("train", traces, aligned=training.aligned)
        with self.announce("Preparing the subjects who move anew in every epoch") as on_progress:
            return on_the_fly_pairs(
                *(self.plan, motion),
                slices_per_epoch=training.slices_per_epoch,
                aligned=training.aligned,
                curriculum_epochs=training.curriculum_epochs,
                on_progress=on_progress,
            )

    def validation(self, training: TrainingConfig) -> ImagePairs:
        """What chooses among a stage's epochs."""
        return self._aligned_validation if training.aligned else self._validation

    @cached_property
    def _train(self) -> ImagePairs:
        return load_pairs(self.run.pairs, "train", self.mode)

    @cached_property
    def _validation(self) -> ImagePairs:
        return load_pairs(self.run.pairs, "validation", self.mode)

    @cached_property
    def _aligned_train(self) -> ImagePairs:
        return self._simulated("train", aligned=True)

    @cached_property
    def _aligned_validation(self) -> ImagePairs:
        return self._simulated("validation", aligned=True)

    def _simulated(
        self, part: str, traces: tuple[str, ...] | None = None, *, aligned: bool
    ) -> ImagePairs:
        what = "aligned pairs" if aligned else "pairs of other traces"
        with self.announce(f"Making {what} ({part})") as on_progress:
            return pairs_in_memory(
                *(self.plan, part, self.mode),
                traces=traces,
                aligned=aligned,
                on_progress=on_progress,
            )


def _moves_by_its_part(training: TrainingConfig) -> bool:
    """Whether training subjects move by all traces of their part and by no other."""
    return training.shared_traces == "none" and training.n_traces == 0


def _drawn_motion(
    run: Run, plan: PairsPlan, mode: Mode, training: TrainingConfig
) -> RandomMotion | RecordedMotion | None:
    """How training heads move anew; nothing, where they move by the fixed set's traces."""
    if training.motion == "fixed":
        return None
    if training.motion == "generated":
        config = run.experiment.motion
        return RandomMotion(config.within_mm, config.within_deg, config.scale, mode)
    names = training_traces(plan, training.shared_traces, training.n_traces)
    rows = indices((trace.name for trace in plan.traces), names)
    return RecordedMotion(tuple(plan.traces[row] for row in rows), mode)


def _notes(run: Run, plan: PairsPlan, mode: Mode, training: TrainingConfig) -> dict[str, Any]:
    """What the model card says of data and limits."""
    notes = {
        "title": run.experiment.title,
        "mode": mode,
        "subjects": asdict(plan.subjects_split),
        "traces": asdict(plan.traces_split)
        | {"train": training_traces(plan, training.shared_traces, training.n_traces)},
        "licence": "Apache-2.0 for the weights; subjects and traces have licences of their own.",
        "limits": "Simulated in-plane motion of sagittal T1w slices; a research tool, not a "
        "medical device.",
    }
    motion = _drawn_motion(run, plan, mode, training)
    if isinstance(motion, RandomMotion):  # no trace of the plan was trained with
        notes["traces"] = asdict(plan.traces_split) | {"train": ()}
    return notes | ({"fresh_motion": motion_settings(motion)} if motion else {})
