"""An experiment as data: what a TOML file says, checked, and written back in full."""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from math import inf
from os.path import normpath, relpath
from pathlib import Path
from typing import Any

import tomli_w

from mcnet.core.errors import McnetError
from mcnet.core.seeds import check_seed
from mcnet.core.settings import read_settings
from mcnet.core.writing import printable
from mcnet.datasets.pairs.design import PairsDesign
from mcnet.evaluation.question import BASELINES, Question
from mcnet.motion.plausibility import check_factor
from mcnet.networks.architectures.unet import UNetConfig
from mcnet.networks.registry import Network
from mcnet.physics.acquisition import Acquisition
from mcnet.training.loss_config import LossConfig
from mcnet.training.recipes import RECIPES, StagePlan, stage_plan
from mcnet.training.training_config import TrainingConfig
from mcnet.training.variants import BUILT_IN, ModelSettings, Variant, settings_of

_VARIANT = re.compile(r"[\w+.-][\w +.-]*")
_SMALLEST_SLICE = 16
"""Pixels: more than the window of SSIM."""


@dataclass(frozen=True)
class SubjectsConfig:
    """Whose heads are moved, and how many subjects each part of the split gets."""

    folders: tuple[str, ...] = ()
    """BIDS trees or folders of NIfTI files; relative paths start at the experiment's file."""
    n_template: int = 0
    """Subjects made from the built-in head, for those who have no scans at hand."""
    n_validation: int = 1
    n_test: int = 1

    def __post_init__(self) -> None:
        """Refuse parts without subjects."""
        _check_at_least(self, ("n_validation", "n_test"), least=1)
        _check_at_least(self, ("n_template",), least=0)


@dataclass(frozen=True)
class MotionConfig:
    """Which motion, by the paper's recipe, and how many traces each part of the split gets."""

    folder: str | None = None
    """Motion files of any format that mcnet reads."""
    n_generated: int = 0
    """Traces from the generator, for those who have no recordings."""
    n_recorded: int = 0
    """So many of the recordings that serve, drawn at random; 0 takes all."""
    shared: bool = False
    """Whether every subject moves by every trace, as in the paper, so that networks are tested on
    motion that they were trained on; otherwise traces are split as subjects are."""
    within_mm: float = 2.0
    """Segments that go farther from the pose at the k-space centre than this are left out."""
    within_deg: float = 2.0
    scale: float = 8.0
    """Every shift and angle is multiplied by this."""
    n_validation: int = 1
    n_test: int = 1

    def __post_init__(self) -> None:
        """Refuse parts without motion, and bounds that no motion keeps."""
        _check_at_least(self, ("n_validation", "n_test"), least=1)
        _check_at_least(self, ("n_generated", "n_recorded"), least=0)
        for name in ("within_mm", "within_deg", "scale"):
            if not 0 < getattr(self, name) < inf:
                raise McnetError(
                    f"{name} {getattr(self, name)} is impossible; give a positive number."
                )
        check_factor(self.scale, within=max(self.within_mm, self.within_deg), name="scale")


@dataclass(frozen=True)
class Experiment:
    """One run from heads and motion to a report."""

    title: str
    seed: int = 1
    subjects: SubjectsConfig = field(default_factory=SubjectsConfig)
    motion: MotionConfig = field(default_factory=MotionConfig)
    acquisition: Acquisition = field(default_factory=Acquisition)
    pairs: PairsDesign = field(default_factory=PairsDesign)
    network: Network = field(default_factory=UNetConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    recipes: tuple[str, ...] = (*RECIPES, *BUILT_IN)
    """Models to train: by the paper's labels, and ``mcnet``, which is ours."""
    equal_total: bool = False
    """Whether recipes of one stage are trained for as many epochs as those of two."""
    variants: dict[str, Variant] = field(default_factory=dict)
    """Further models, by names of their own, and in what they differ from others."""
    questions: tuple[Question, ...] = ()
    """What the report answers by comparing two models each."""
    n_examples: int = 3
    """Test slices shown in each figure of examples, from mild to severe motion."""

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        check_seed(self.seed)
        _check_at_least(self, ("n_examples",), least=0)
        if self.acquisition.phase_encoding_axis == "x":
            raise McnetError(
                "phase-encoding axis x is impossible in an experiment, whose slices move within "
                "y and z; give y or z."
            )
        if min(self.acquisition.matrix[1:]) < _SMALLEST_SLICE:
            raise McnetError(
                f"matrix {self.acquisition.matrix} gives slices too small to be scored; give "
                f"{_SMALLEST_SLICE} or more along y and z."
            )
        unknown = [recipe for recipe in self.recipes if recipe not in (*RECIPES, *BUILT_IN)]
        if unknown or not self.recipes:
            raise McnetError(
                f"recipes {list(self.recipes)} cannot be trained; choose from "
                f"{', '.join((*RECIPES, *BUILT_IN))}."
            )
        self._check_models_known()
        if bool(self.subjects.folders) == bool(self.subjects.n_template):
            raise McnetError(
                "the experiment names either both or neither of subjects.folders and "
                "subjects.n_template; give one of them."
            )
        if bool(self.motion.folder) == bool(self.motion.n_generated):
            raise McnetError(
                "the experiment names either both or neither of motion.folder and "
                "motion.n_generated; give one of them."
            )

    @property
    def models(self) -> tuple[str, ...]:
        """Labels of all models: recipes, then variants."""
        return (*self.recipes, *self.variants)

    @property
    def stages(self) -> StagePlan:
        """What is to be trained, in order."""
        of_paper = [label for label in self.models if label in RECIPES]
        others = [label for label in self.models if label not in RECIPES]
        variants = {label: self.settings_of(label).recipe for label in others}
        return stage_plan(of_paper, variants, equal_total=self.equal_total)

    def settings_of(self, label: str) -> ModelSettings:
        """How a model is trained.

        Raises
        ------
        McnetError
            As `mcnet.training.variants.settings_of`.
        """
        return settings_of(label, self.variants, self.network, self.loss, self.training)

    def _check_models_known(self) -> None:
        for name in self.variants:
            if name in (*RECIPES, *BUILT_IN, *BASELINES) or not _VARIANT.fullmatch(name):
                raise McnetError(
                    f"variant {name!r} cannot be called so; give it letters, digits, spaces and "
                    "+ - . _ of its own, no name of a recipe or baseline."
                )
            self.settings_of(name)
        known = (*BASELINES, *self.models)
        for question in self.questions:
            for label in (question.model, question.against):
                if label not in known:
                    raise McnetError(
                        f"question {question.ask!r} names {label!r}, which is neither trained "
                        f"nor a baseline; known: {', '.join(known)}."
                    )
            self._check_crossed(question)

    def _check_crossed(self, question: Question) -> None:
        """Refuse a crossed question whose difference would mean nothing."""
        if not question.crossed:
            return
        labels = (question.model, question.against)
        shared = [
            "none" if label in BASELINES else self.settings_of(label).training.shared_traces
            for label in labels
        ]
        if shared != ["even", "odd"]:
            raise McnetError(
                f"crossed question {question.ask!r} compares networks that share {shared[0]} and "
                f'{shared[1]} test traces; give one with training.shared_traces = "even" as '
                'model, and one with "odd" as against.'
            )
        if self.motion.shared or self.motion.n_test % 2:
            raise McnetError(
                f"crossed question {question.ask!r} needs as many odd test traces as even ones, "
                f"and others that are split (motion.shared = {str(self.motion.shared).lower()}, "
                f"motion.n_test = {self.motion.n_test}); split them, and test by an even number."
            )

    def as_dict(self) -> dict[str, Any]:
        """Content as plain values, without what is not set."""
        content: dict[str, Any] = _without_none(asdict(self))
        return content


def read_experiment(path: Path) -> Experiment:
    """Experiment of a TOML file; its relative folders start at the file's own.

    Raises
    ------
    McnetError
        The file is missing, no TOML, or has an unknown key or an impossible value.
    """
    experiment = read_settings(path, Experiment)
    return _with_folders(experiment, lambda folder: normpath(path.parent / folder))


def experiment_toml(experiment: Experiment, folder: Path) -> str:
    """TOML text with every setting, defaults included, for a file in ``folder``."""
    return tomli_w.dumps(
        _with_folders(experiment, lambda path: printable(relpath(path, folder))).as_dict()
    )


def _with_folders(experiment: Experiment, change: Callable[[str], str]) -> Experiment:
    subjects, motion = experiment.subjects, experiment.motion
    folders = tuple(change(folder) for folder in subjects.folders)
    folder = None if motion.folder is None else change(motion.folder)
    return replace(
        experiment,
        subjects=replace(subjects, folders=folders),
        motion=replace(motion, folder=folder),
    )


def _check_at_least(config: Any, names: tuple[str, ...], *, least: int) -> None:
    for name in names:
        if getattr(config, name) < least:
            raise McnetError(f"{name} {getattr(config, name)} is too few; give {least} or more.")


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, (list, tuple)) else value
