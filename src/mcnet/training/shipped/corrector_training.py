"""Training of the networks that come with mcnet: one that corrects, one that estimates severity."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypedDict

from mcnet.core.outputs import Given, Kind, check_outputs
from mcnet.core.progress import Announce, silently
from mcnet.core.provenance import provenance, sha256_of_file
from mcnet.core.records import is_record
from mcnet.core.renamed import all_with_new_names
from mcnet.core.writing import write_json
from mcnet.correction.models import Model, load_model
from mcnet.correction.severity_estimator import load_severity_estimator
from mcnet.datasets.varied.scans import VariedScans
from mcnet.networks.model_card import ModelCard
from mcnet.networks.weights import load_network, read_tensors, write_tensors
from mcnet.training.processes import ALONE, Processes
from mcnet.training.recipes import L1
from mcnet.training.severity_training import train_severity, write_calibrated
from mcnet.training.shipped.corrector import Corrector
from mcnet.training.shipped.corrector_data import card_of_corrector, pairs_of, scans_of
from mcnet.training.shipped.gain_fitting import gain_after_search, gain_alone
from mcnet.training.training import train_stage


class _Shared(TypedDict):
    """How both kinds of network are trained."""

    announce: Announce
    quiet: bool
    processes: Processes


_RECORD = "training.json"
TRAINING = Kind(
    "a training is a folder of its own",
    is_ours=lambda folder: is_record(folder / _RECORD),
    foreign="is not empty and holds no training of mcnet; name a new folder for the training",
    is_folder=True,
)
"""The folder of the training of a corrector, in which the next call goes on."""


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
        What is trained, and how.
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
    train, validation = processes.by_first(lambda: scans_of(corrector, root))
    card = card_of_corrector(corrector, train, validation)
    shipped = folder / f"{corrector.name}.safetensors"
    shared: _Shared = {"announce": announce, "quiet": quiet, "processes": processes}
    if corrector.teaches == "severity":
        _train_severity_estimator(corrector, shipped, train, validation, card, **shared)
    else:
        card = replace(card, scores=all_with_new_names(metrics or {}))
        _train_to_correct(corrector, shipped, train, validation, card, **shared)
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
    card: ModelCard,
    *,
    announce: Announce,
    quiet: bool,
    processes: Processes,
) -> None:
    """Train a severity estimator, and calibrate it."""
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
        with announce("Simulating scans to calibrate the severity estimator") as on_progress:
            write_calibrated(
                shipped, weights, train, validation, card=card, on_progress=on_progress
            )

    processes.by_first(calibrate)


def _train_to_correct(
    corrector: Corrector,
    shipped: Path,
    train: VariedScans,
    validation: VariedScans,
    card: ModelCard,
    *,
    announce: Announce,
    quiet: bool,
    processes: Processes,
) -> None:
    """Train a network that corrects, and fit how much of its correction is applied."""
    start = processes.by_first(
        lambda: load_model(corrector.start).path if corrector.start else None
    )
    train_on, fixed = pairs_of(corrector, train, validation, shipped.parent, announce, processes)
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
        header, tensors = read_tensors(weights)
        with announce("Fitting how much of the correction is applied") as on_progress:
            if corrector.searches.n_train:
                gain = gain_after_search(load_network(weights), fixed, on_progress)
            else:
                model = _model(weights, card)
                gain = gain_alone(model, validation, load_severity_estimator(), on_progress)
        write_tensors(
            *(shipped, tensors, header.architecture, header.network),
            card=replace(card.after_training(header.card), gain=gain),
            half=True,
        )

    processes.by_first(ship)


def _model(weights: Path, card: ModelCard) -> Model:
    return Model(weights.stem, weights, sha256_of_file(weights), load_network(weights), card)
