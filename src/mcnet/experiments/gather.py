"""What an experiment asks for, gathered: subjects, motion traces, and how both are parted."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mcnet.core.engine import Device
from mcnet.core.errors import McnetError
from mcnet.datasets.pairs.plan import PairsPlan
from mcnet.datasets.split import Split, split_names
from mcnet.datasets.subjects import Subject, subjects_in_folder, template_subjects
from mcnet.experiments.config import Experiment, MotionConfig, SubjectsConfig
from mcnet.motion.formats.files import motion_files, read_motion
from mcnet.motion.generators import generate_motion, paper_segments
from mcnet.motion.trace import MotionTrace
from mcnet.physics.acquisition import Acquisition

Strata = Mapping[str, str] | None

_MOST_TRIES = 100
"""Generated traces for each one asked for, before the bounds are called too narrow."""
# one stream of random numbers for each purpose, so that one does not shift another
_SUBJECTS_SPLIT, _TRACES_SPLIT, _GENERATED_MOTION, _CHOSEN_TRACES = range(4)


def pairs_plan(experiment: Experiment, *, device: Device = "cpu") -> PairsPlan:
    """Plan of the experiment's pairs: the same experiment and data give the same plan.

    Raises
    ------
    McnetError
        A folder is missing or empty, a motion file is bad, or there are too few subjects or traces
        for the split.
    """
    check_folders(experiment)
    groups = list_subjects(experiment.subjects, experiment.seed)
    subjects = [subject for group in groups for subject in group]
    _check_named_once(subjects)
    traces = list_traces(experiment.motion, experiment.acquisition, experiment.seed)
    group_of = {who.name: str(number) for number, group in enumerate(groups) for who in group}

    def split(
        names: list[str], config: SubjectsConfig | MotionConfig, purpose: int, strata: Strata = None
    ) -> Split:
        rng = np.random.default_rng([experiment.seed, purpose])
        return split_names(names, config.n_validation, config.n_test, rng, strata=strata)

    names = [subject.name for subject in subjects]
    motions = [trace.name for trace in traces]
    shared = Split(*[tuple(motions)] * 3)
    return PairsPlan(
        subjects=subjects,
        subjects_split=split(names, experiment.subjects, _SUBJECTS_SPLIT, group_of),
        traces=traces,
        traces_split=shared
        if experiment.motion.shared
        else split(motions, experiment.motion, _TRACES_SPLIT),
        design=experiment.pairs,
        acquisition=experiment.acquisition,
        seed=experiment.seed,
        device=device,
    )


def check_folders(experiment: Experiment) -> None:
    """Refuse folders of an experiment that are not there, and say what to write in their place.

    Raises
    ------
    McnetError
        One is not there.
    """
    named = [("[subjects] folders", folder, "scans") for folder in experiment.subjects.folders]
    if experiment.motion.folder is not None:
        named.append(("[motion] folder", experiment.motion.folder, "motion files"))
    for setting, folder, what in named:
        if not Path(folder).exists():
            raise McnetError(
                f"{folder}, which the experiment names under {setting}, does not exist; copy the "
                f"experiment's file, name a folder of your own {what} there, and give the copy. "
                "mcnet demo needs no data."
            )


def list_subjects(config: SubjectsConfig, seed: int) -> list[list[Subject]]:
    """Subjects of each folder, or one group of subjects made from the built-in head."""
    if config.n_template:
        return [template_subjects(config.n_template, seed)]
    return [subjects_in_folder(Path(folder)) for folder in config.folders]


def list_traces(config: MotionConfig, acquisition: Acquisition, seed: int) -> list[MotionTrace]:
    """Traces by the paper's recipe: bounded segments, scaled, at rest at the k-space centre.

    Raises
    ------
    McnetError
        A motion file is bad, too few recordings serve, or hardly any generated motion does.
    """
    if config.folder is not None:
        return _recorded_traces(Path(config.folder), config, acquisition, seed)
    return _generated_traces(config, acquisition, seed)


def _recorded_traces(
    folder: Path, config: MotionConfig, acquisition: Acquisition, seed: int
) -> list[MotionTrace]:
    recorded = [read_motion(file) for file in motion_files(folder)]
    kept = _by_recipe(recorded, config, acquisition)
    found = (
        f"{len(kept)} of {len(recorded)} traces in {folder} have {acquisition.n_lines} points "
        f"within {config.within_mm:g} mm and {config.within_deg:g} deg"
    )
    if len(kept) < config.n_recorded:
        raise McnetError(f"{found}, not {config.n_recorded}; add traces or ask for fewer.")
    n_chosen = config.n_recorded or len(kept)
    if not config.shared and n_chosen <= config.n_validation + config.n_test:
        raise McnetError(
            f"{found}, too few for {config.n_validation} to validate, {config.n_test} to test and "
            "one to train; add traces or ask for fewer."
        )
    rng = np.random.default_rng([seed, _CHOSEN_TRACES])
    return [kept[row] for row in sorted(rng.permutation(len(kept))[:n_chosen])]


def _generated_traces(
    config: MotionConfig, acquisition: Acquisition, seed: int
) -> list[MotionTrace]:
    rng = np.random.default_rng([seed, _GENERATED_MOTION])
    accepted: list[MotionTrace] = []
    for _ in range(_MOST_TRIES * config.n_generated):
        if len(accepted) == config.n_generated:
            break
        accepted += _by_recipe([generate_motion(acquisition.n_lines, rng)], config, acquisition)
    else:
        raise McnetError(
            f"hardly any generated motion stays within {config.within_mm:g} mm and "
            f"{config.within_deg:g} deg; give larger bounds."
        )
    return [
        MotionTrace(
            trace.translation_mm, trace.rotation_deg, trace.interval_s, f"generated-{n:03d}"
        )
        for n, trace in enumerate(accepted, start=1)
    ]


def _by_recipe(
    traces: list[MotionTrace], config: MotionConfig, acquisition: Acquisition
) -> list[MotionTrace]:
    return paper_segments(
        traces,
        n_points=acquisition.n_lines,
        within_mm=config.within_mm,
        within_deg=config.within_deg,
        scale=config.scale,
        centre_time=acquisition.centre_time,
    )


def _check_named_once(subjects: list[Subject]) -> None:
    """Refuse one name or one scan for two subjects, who could then train and test."""
    for what, keys in (
        ("name", [subject.name for subject in subjects]),
        ("scan", [subject.fingerprint for subject in subjects]),
    ):
        twice = sorted(
            {who.name for who, key in zip(subjects, keys, strict=True) if keys.count(key) > 1}
        )
        if twice:
            raise McnetError(
                f"{', '.join(twice)}: two subjects share one {what}; "
                "rename or remove the others, since nobody may both train and test."
            )
