"""The networks that ship, as data, and their training: one that corrects, one that judges.

Where an experiment asks what a recipe of the paper is worth, these are to serve scans of all kinds:
subjects are scanned anew in every epoch, as `mcnet.datasets.varied.scans` says, with generated
motion alone.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from os.path import normpath
from pathlib import Path
from typing import Any, Literal, TypedDict

from mcnet.core.outputs import Given, Kind, check_outputs
from mcnet.core.progress import Announce, silently
from mcnet.core.provenance import provenance, sha256_of_file
from mcnet.core.records import is_record
from mcnet.core.seeds import check_seed
from mcnet.core.settings import read_settings
from mcnet.core.writing import write_json
from mcnet.correction.models import Model, load_model
from mcnet.correction.severity_estimator import load_severity_estimator
from mcnet.datasets.pairs.pairs import ImagePairs
from mcnet.datasets.subjects import Subject, check_names_known, subjects_in_folder
from mcnet.datasets.varied.config import Variety
from mcnet.datasets.varied.scans import VariedScans
from mcnet.networks.config import NetworkConfig, SeverityConfig
from mcnet.networks.weights import load_network, read_tensors, write_tensors
from mcnet.training.loss_config import LossConfig
from mcnet.training.processes import ALONE, Processes
from mcnet.training.recipes import L1
from mcnet.training.severity_training import train_severity, write_calibrated
from mcnet.training.shipped.gain_fitting import gain_after_search, gain_alone
from mcnet.training.shipped.searched_scans import Searches, load, search_scans
from mcnet.training.training import train_stage
from mcnet.training.training_config import TrainingConfig


class _Shared(TypedDict):
    """How both kinds of network are taught."""

    announce: Announce
    quiet: bool
    processes: Processes


@dataclass(frozen=True)
class ScannedFolder:
    """Subjects of one folder, and how often each is scanned."""

    folder: str
    """A BIDS tree or a folder of NIfTI files; relative paths start at the corrector's file."""
    scans_per_subject: int = 4
    """Scans of each subject in an epoch."""
    validation: tuple[str, ...] = ()
    """Subjects that choose among the epochs."""
    held_out: tuple[str, ...] = ()
    """Subjects that are not looked at, for tests."""


@dataclass(frozen=True)
class Corrector:
    """How a network is taught to correct scans of all kinds."""

    name: str
    """What users call it by."""
    purpose: str
    """For whom it is, in a sentence."""
    data: str
    """What it learned from, in a sentence of the model card."""
    subjects: tuple[ScannedFolder, ...]
    teaches: Literal["correction", "severity"] = "correction"
    """What the network learns: to correct slices, or to judge how far the head moved."""
    start: str = ""
    """A model that comes with mcnet, whose weights training starts from; none if empty."""
    seed: int = 1
    searches: Searches = field(default_factory=Searches)
    """Whether the network that corrects learns from what a search for the motion leaves."""
    variety: Variety = field(default_factory=Variety)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    """Of a network that corrects."""
    severity_network: SeverityConfig = field(default_factory=SeverityConfig)
    """Of one that judges."""
    loss: LossConfig = field(default_factory=LossConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    licence: str = "Apache-2.0"
    """Of the weights."""
    limits: tuple[str, ...] = ()
    """What it cannot do, in sentences of the model card."""

    def __post_init__(self) -> None:
        """Refuse a seed that no generator takes."""
        check_seed(self.seed)


_RECORD = "training.json"
TRAINING = Kind(
    "a training is a folder of its own",
    is_ours=lambda folder: is_record(folder / _RECORD),
    foreign="is not empty and holds no training of mcnet; name a new folder for the training",
    is_folder=True,
)
"""The folder of the training of a network for practice, in which the next call goes on."""


def read_corrector(path: Path) -> Corrector:
    """Corrector of a TOML file.

    Raises
    ------
    McnetError
        As `mcnet.core.settings.read_settings`.
    """
    return read_settings(path, Corrector)


def train_corrector(
    corrector: Corrector,
    folder: Path,
    *,
    root: Path,
    metrics: Mapping[str, Any] | None = None,
    announce: Announce = silently,
    quiet: bool = True,
    processes: Processes = ALONE,
) -> Path:
    """Weights file ``NAME.safetensors`` with its model card; an interrupted training goes on.

    Parameters
    ----------
    corrector
        What is taught, and how.
    folder
        Also holds ``weights.safetensors``, in full precision, ``curve.csv``, ``training.json``
        (provenance), and a checkpoint while training.
    root
        Where the relative folders of subjects start.
    metrics
        Scores on other subjects, for the card.
    announce, quiet
        How work is told of.
    processes
        Who trains: this process alone by default. The first one writes.

    Raises
    ------
    McnetError
        `mcnet.core.outputs.check_outputs` refuses the folder, a folder or a subject is missing, or
        training is refused by `train_stage`.
    """
    processes.by_first(partial(_begin, corrector, folder))
    train, validation = processes.by_first(lambda: _scans(corrector, root))
    notes = _card(corrector, train, validation)
    shipped = folder / f"{corrector.name}.safetensors"
    shared: _Shared = {"announce": announce, "quiet": quiet, "processes": processes}
    if corrector.teaches == "severity":
        _train_severity_estimator(corrector, shipped, train, validation, notes, **shared)
    else:
        notes["metrics"] = dict(metrics or {})
        _teach_to_correct(corrector, shipped, train, validation, notes, **shared)
    return shipped


def _begin(corrector: Corrector, folder: Path) -> None:
    """Mark the folder of a training as mcnet's."""
    check_outputs([Given("", folder, TRAINING)])
    write_json(folder / _RECORD, {"corrector": corrector.name, **provenance(seed=corrector.seed)})


def _train_severity_estimator(
    corrector: Corrector,
    shipped: Path,
    train: VariedScans,
    validation: VariedScans,
    notes: dict[str, Any],
    *,
    announce: Announce,
    quiet: bool,
    processes: Processes,
) -> None:
    """Train a network that tells how far the head moved, and calibrate it."""
    weights = train_severity(
        shipped.parent,
        train,
        validation,
        network=corrector.severity_network,
        training=corrector.training,
        seed=corrector.seed,
        quiet=quiet,
        processes=processes,
    )

    def calibrate() -> None:
        with announce("Scanning subjects to calibrate with") as on_progress:
            write_calibrated(
                shipped, weights, train, validation, notes=notes, on_progress=on_progress
            )

    processes.by_first(calibrate)


def _teach_to_correct(
    corrector: Corrector,
    shipped: Path,
    train: VariedScans,
    validation: VariedScans,
    notes: dict[str, Any],
    *,
    announce: Announce,
    quiet: bool,
    processes: Processes,
) -> None:
    """Train a network that corrects, and fit how much of its correction is applied."""
    start = processes.by_first(
        lambda: load_model(corrector.start).path if corrector.start else None
    )
    train_on, fixed = _pairs(corrector, train, validation, shipped.parent, announce, processes)
    weights = train_stage(
        shipped.parent,
        L1,
        train_on,
        fixed,
        network=corrector.network,
        loss=corrector.loss,
        training=corrector.training,
        seed=corrector.seed,
        initial_weights=start,
        notes={"name": corrector.name},
        quiet=quiet,
        processes=processes,
    )

    def ship() -> None:
        about, tensors = read_tensors(weights)
        with announce("Fitting how much of the correction is applied") as on_progress:
            if corrector.searches.n_train:
                gain = gain_after_search(load_network(weights), fixed, on_progress)
            else:
                gain = gain_alone(
                    _model(weights, notes), validation, load_severity_estimator(), on_progress
                )
        card = {**about["card"], **notes, "gain": gain.as_dict}
        write_tensors(shipped, tensors, about["network"], card=card, half=True)

    processes.by_first(ship)


def _pairs(
    corrector: Corrector,
    train: VariedScans,
    validation: VariedScans,
    folder: Path,
    announce: Announce,
    processes: Processes,
) -> tuple[VariedScans | ImagePairs, ImagePairs]:
    """What is trained on, scans made anew or pairs after a search, and fixed validation pairs."""
    searches = corrector.searches
    if not searches.n_train:
        with announce(
            f"Scanning {len(validation.subjects)} subjects for validation"
        ) as on_progress:
            return train, processes.by_first(
                lambda: validation.fixed_pairs(on_progress=on_progress)
            )
    severity_estimator, files = load_severity_estimator(), []
    for scans, n_searches, scans_each, what in (
        (train, searches.n_train, searches.scans_each, "training"),
        (validation, searches.n_validation, searches.validation_scans_each, "validation"),
    ):
        with announce(f"Searching scans for {what}") as on_progress:
            search = partial(
                search_scans,
                *(scans, n_searches, scans_each, folder / "searched"),
                severity_estimator=severity_estimator,
            )
            files.append(processes.by_first(partial(search, on_progress=on_progress)))
    of_training, of_validation = files
    return load(of_training), load(of_validation)


def _model(weights: Path, card: Mapping[str, Any]) -> Model:
    return Model(weights.stem, weights, sha256_of_file(weights), load_network(weights), card)


def _scans(corrector: Corrector, root: Path) -> tuple[VariedScans, VariedScans]:
    """Training and validation."""
    train: list[tuple[Subject, int]] = []
    validation: list[tuple[Subject, int]] = []
    for part in corrector.subjects:
        subjects = subjects_in_folder(Path(normpath(root / part.folder)))
        check_names_known(part.folder, subjects, (*part.validation, *part.held_out))
        for subject in subjects:
            if subject.name in part.validation:
                validation.append((subject, part.scans_per_subject))
            elif subject.name not in part.held_out:
                train.append((subject, part.scans_per_subject))

    def scans(chosen: list[tuple[Subject, int]], seed: int) -> VariedScans:
        subjects, counts = [subject for subject, _ in chosen], [count for _, count in chosen]
        return VariedScans(subjects, counts, corrector.variety, seed)

    return scans(train, corrector.seed), scans(validation, corrector.seed + 1)


def _card(corrector: Corrector, train: VariedScans, validation: VariedScans) -> dict[str, Any]:
    """What the model card tells beyond the settings of training."""
    return {
        "name": corrector.name,
        "start": corrector.start,
        "purpose": corrector.purpose,
        "licence": corrector.licence,
        "data": corrector.data,
        "limits": list(corrector.limits),
        "plane": "sagittal",
        "trained_pixel_mm": list(corrector.variety.pixel_mm),
        "variety": asdict(corrector.variety),
        "searches": asdict(corrector.searches),
        "trained_on": [subject.name for subject in train.subjects],
        "validated_on": [subject.name for subject in validation.subjects],
        "held_out": [name for part in corrector.subjects for name in part.held_out],
    }
