"""The networks that ship, as data, and their training: one that corrects, one that judges.

Where an experiment asks what a recipe of the paper is worth, these are to serve scans of all
kinds: people are scanned anew in every epoch, as `mcnet.data.varied_scans` says, with generated
motion alone.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from os.path import normpath
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float32

from mcnet.correction.gain import GAINS, GainCurve, fitted_gain
from mcnet.correction.guard import load_guard
from mcnet.correction.models import Model, load_model
from mcnet.correction.options import CorrectionOptions
from mcnet.correction.scan import Guard, correct_scan
from mcnet.correction.searched_scans import Searches, gain_after_search, load, search_scans
from mcnet.data.pairs import ImagePairs
from mcnet.data.sources import Person, people_in_folder
from mcnet.data.varied_scan import VariedScan
from mcnet.data.varied_scans import VariedScans
from mcnet.data.variety import Variety
from mcnet.data.volume import Volume
from mcnet.errors import McnetError
from mcnet.learning.losses import LossConfig, dissimilarity_in_head
from mcnet.learning.network import NetworkConfig
from mcnet.learning.processes import ALONE, Processes
from mcnet.learning.recipes import L1
from mcnet.learning.severity import SeverityConfig
from mcnet.learning.severity_training import train_severity, write_calibrated
from mcnet.learning.training import train_stage
from mcnet.learning.training_config import TrainingConfig
from mcnet.learning.weights import load_network, read_tensors, write_tensors
from mcnet.progress import Announce, OnProgress, silently
from mcnet.provenance import sha256_of_file
from mcnet.settings import read_settings

_GAIN_EPOCHS = 3
_N_SPREAD = 6
"""Slices of each scan that the gain is fitted on."""


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
    processes: Processes = ALONE,
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
    processes
        Who trains: this process alone by default. The first one writes.

    Raises
    ------
    McnetError
        A folder or a person is missing, or training is refused by `train_stage`.
    """
    train, validation = processes.by_first(lambda: _scans(corrector, root))
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
            processes=processes,
        )

        def calibrate() -> None:
            with announce("Scanning people to calibrate with") as on_progress:
                write_calibrated(
                    shipped, weights, train, validation, notes=notes, on_progress=on_progress
                )

        processes.by_first(calibrate)
        return shipped
    start = processes.by_first(
        lambda: load_model(corrector.start).path if corrector.start else None
    )
    train_on, fixed = _pairs(corrector, train, validation, folder, announce, processes)
    weights = train_stage(
        folder,
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
        model = _model(weights, notes)
        if fixed.undone is not None:
            gain = gain_after_search(model.network, fixed)
        else:
            with announce("Scanning people to fit the gain with") as on_progress:
                gain = _fitted_gain(model, validation, load_guard(), on_progress)
        card = {**about["card"], **notes, "gain": gain.as_dict, "metrics": dict(metrics or {})}
        write_tensors(shipped, tensors, about["network"], card=card, half=True)

    processes.by_first(ship)
    return shipped


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
        with announce(f"Scanning {len(validation.people)} people for validation") as on_progress:
            return train, processes.by_first(
                lambda: validation.fixed_pairs(on_progress=on_progress)
            )
    guard, files = load_guard(), []
    for scans, n_searches, scans_each, what in (
        (train, searches.n_train, searches.scans_each, "training"),
        (validation, searches.n_validation, searches.validation_scans_each, "validation"),
    ):
        with announce(f"Searching scans for {what}") as on_progress:
            search = partial(
                search_scans, *(scans, n_searches, scans_each, folder / "searched"), guard=guard
            )
            files.append(processes.by_first(partial(search, on_progress=on_progress)))
    of_training, of_validation = files
    return load(of_training), load(of_validation)


def _model(weights: Path, card: Mapping[str, Any]) -> Model:
    return Model(weights.stem, weights, sha256_of_file(weights), load_network(weights), card)


def _fitted_gain(
    model: Model, validation: VariedScans, guard: Guard, on_progress: OnProgress
) -> GainCurve:
    """How much of a correction serves best, by the guard's estimate, on the validation people."""
    scans = replace(validation, seed=validation.seed + 1)
    options = CorrectionOptions(force=True, search=False)  # the network's own part
    total = _GAIN_EPOCHS * scans.n_scans
    severities, losses = [], []
    for number in range(total):
        scan = scans.scan(*divmod(number, scans.n_scans), n_spread=_N_SPREAD)
        volume = Volume(scan.corrupted, np.diag([1.0, *scan.pixel_mm, 1.0]), "scan")
        result = correct_scan(volume, model, guard=guard, options=options)
        severities.append(result.assessment_before.severity.mm)
        losses.append(_loss_by_gain(scan, result.after.values - scan.corrupted))
        on_progress(number + 1, total)
    return fitted_gain(severities, np.array(losses))


def _loss_by_gain(
    scan: VariedScan, correction: Float32[np.ndarray, "n_slices rows columns"]
) -> list[float]:
    """``1 - SSIM`` in the head of a scan to which more or less of a correction is added."""
    corrupted, reference, change, head = (
        torch.from_numpy(images)[:, None]
        for images in (scan.corrupted, scan.references, correction, scan.heads)
    )
    return [
        float(dissimilarity_in_head((corrupted + gain * change).clamp(min=0), reference, head))
        for gain in GAINS
    ]


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
        "start": corrector.start,
        "purpose": corrector.purpose,
        "licence": corrector.licence,
        "data": corrector.data,
        "limits": list(corrector.limits),
        "plane": "sagittal",
        "trained_pixel_mm": list(corrector.variety.pixel_mm),
        "variety": asdict(corrector.variety),
        "searches": asdict(corrector.searches),
        "trained_on": [person.name for person in train.people],
        "validated_on": [person.name for person in validation.people],
        "aside": [name for part in corrector.people for name in part.aside],
    }
