"""The networks that ship, as data, and their training: one that corrects, one that judges.

Where an experiment asks what a recipe of the paper is worth, these are to serve scans of all
kinds: people are scanned anew in every epoch, as `mcnet.data.varied_scans` says, with generated
motion alone.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from os.path import normpath
from pathlib import Path
from typing import Any, Literal

from mcnet.data.sources import Person, people_in_folder
from mcnet.data.varied_scans import VariedScans, Variety
from mcnet.errors import McnetError
from mcnet.learning.losses import LossConfig
from mcnet.learning.network import NetworkConfig
from mcnet.learning.recipes import L1
from mcnet.learning.severity import SeverityConfig
from mcnet.learning.severity_training import train_severity, write_calibrated
from mcnet.learning.training import train_stage
from mcnet.learning.training_config import TrainingConfig
from mcnet.learning.weights import read_tensors, write_tensors
from mcnet.progress import Announce, silently
from mcnet.settings import read_settings


@dataclass(frozen=True)
class ScannedFolder:
    """People of one folder, and how often each is scanned."""

    folder: str
    """A BIDS tree or a folder of NIfTI files; relative paths start at the corrector's file."""
    scans_per_person: int = 4
    """Scans of each person in an epoch."""
    validation: tuple[str, ...] = ()
    """People that choose among the epochs."""
    aside: tuple[str, ...] = ()
    """People that are not looked at, for tests."""


@dataclass(frozen=True)
class Corrector:
    """How a network is taught to correct scans of all kinds."""

    name: str
    """What users call it by."""
    purpose: str
    """For whom it is, in a sentence."""
    data: str
    """What it learned from, in a sentence of the model card."""
    people: tuple[ScannedFolder, ...]
    teaches: Literal["correction", "severity"] = "correction"
    """What the network learns: to correct slices, or to judge how far the head moved."""
    seed: int = 1
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


def read_corrector(path: Path) -> Corrector:
    """Corrector of a TOML file.

    Raises
    ------
    McnetError
        As `mcnet.settings.read_settings`.
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
) -> Path:
    """Weights file ``NAME.safetensors`` with its model card; an interrupted training goes on.

    Parameters
    ----------
    corrector
        What is taught, and how.
    folder
        Also holds ``weights.safetensors``, in full precision, ``curve.csv``, and a checkpoint
        while training.
    root
        Where the relative folders of people start.
    metrics
        Scores on other people, for the card.
    announce, quiet
        How work is told of.

    Raises
    ------
    McnetError
        A folder or a person is missing, or training is refused by `train_stage`.
    """
    train, validation = _scans(corrector, root)
    notes = _card(corrector, train, validation)
    shipped = folder / f"{corrector.name}.safetensors"
    if corrector.teaches == "severity":
        weights = train_severity(
            folder,
            train,
            validation,
            network=corrector.severity_network,
            training=corrector.training,
            seed=corrector.seed,
            quiet=quiet,
        )
        with announce("Scanning people to calibrate with") as on_progress:
            write_calibrated(
                shipped, weights, train, validation, notes=notes, on_progress=on_progress
            )
        return shipped
    with announce(f"Scanning {len(validation.people)} people for validation") as on_progress:
        fixed = validation.fixed_pairs(on_progress=on_progress)
    weights = train_stage(
        folder,
        L1,
        train,
        fixed,
        network=corrector.network,
        loss=corrector.loss,
        training=corrector.training,
        seed=corrector.seed,
        initial_weights=None,
        notes={"name": corrector.name},
        quiet=quiet,
    )
    about, tensors = read_tensors(weights)
    card = {**about["card"], **notes, "metrics": dict(metrics or {})}
    write_tensors(shipped, tensors, about["network"], card=card, half=True)
    return shipped


def _scans(corrector: Corrector, root: Path) -> tuple[VariedScans, VariedScans]:
    """Training and validation."""
    train: list[tuple[Person, int]] = []
    validation: list[tuple[Person, int]] = []
    for part in corrector.people:
        people = people_in_folder(Path(normpath(root / part.folder)))
        _refuse_unknown(part, people)
        for person in people:
            if person.name in part.validation:
                validation.append((person, part.scans_per_person))
            elif person.name not in part.aside:
                train.append((person, part.scans_per_person))

    def scans(chosen: list[tuple[Person, int]], seed: int) -> VariedScans:
        people, counts = [person for person, _ in chosen], [count for _, count in chosen]
        return VariedScans(people, counts, corrector.variety, seed)

    return scans(train, corrector.seed), scans(validation, corrector.seed + 1)


def _refuse_unknown(part: ScannedFolder, people: list[Person]) -> None:
    names = {person.name for person in people}
    unknown = [name for name in (*part.validation, *part.aside) if name not in names]
    if unknown:
        raise McnetError(
            f"{part.folder} has nobody named {unknown[0]}; name people of that folder to validate "
            "with or to set aside."
        )


def _card(corrector: Corrector, train: VariedScans, validation: VariedScans) -> dict[str, Any]:
    """What the model card tells beyond the settings of training."""
    return {
        "name": corrector.name,
        "purpose": corrector.purpose,
        "licence": corrector.licence,
        "data": corrector.data,
        "limits": list(corrector.limits),
        "plane": "sagittal",
        "trained_pixel_mm": list(corrector.variety.pixel_mm),
        "variety": asdict(corrector.variety),
        "trained_on": [person.name for person in train.people],
        "validated_on": [person.name for person in validation.people],
        "aside": [name for part in corrector.people for name in part.aside],
    }
