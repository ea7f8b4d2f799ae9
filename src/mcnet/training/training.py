"""Training of one stage: from pairs to a weights file, resumable."""

import hashlib
import logging
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypedDict

import lightning.pytorch as lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback

from mcnet import __version__
from mcnet.core.engine import n_cores
from mcnet.core.errors import McnetError
from mcnet.core.provenance import sha256_of_file, sha256_of_json
from mcnet.datasets.pairs.pairs import ImagePairs
from mcnet.networks.cards import read_card
from mcnet.networks.config import NetworkConfig
from mcnet.networks.model_card import ModelCard
from mcnet.networks.weights import load_network, save_network
from mcnet.training.batches import PairBatches, sizes_of_batches
from mcnet.training.checkpoint import SafetensorsCheckpoint
from mcnet.training.distributed import is_on_gpu, trainer_options
from mcnet.training.epoch_callback import EpochRecord
from mcnet.training.lightning_module import TrainingModule
from mcnet.training.lightning_quiet import EpochBar, interruptible, quiet_lightning
from mcnet.training.loss_config import LossConfig
from mcnet.training.on_the_fly_batches import OnTheFlyBatches
from mcnet.training.processes import ALONE, Processes, within_cores
from mcnet.training.recipes import Stage
from mcnet.training.training_config import TrainingConfig
from mcnet.training.training_refusals import TrainingSet, check_trainable

_log = logging.getLogger(__name__)
_MOST_WORKERS = 8
"""Processes that simulate for one GPU, at most: each of them holds all training subjects."""


class _Shared(TypedDict):
    """What batches of training and of validation have in common."""

    n_adjacent: int
    processes: Processes


def train_stage(
    folder: Path,
    stage: Stage,
    train: TrainingSet,
    validation: ImagePairs,
    *,
    network: NetworkConfig,
    loss: LossConfig,
    training: TrainingConfig,
    seed: int,
    initial_weights: Path | None,
    notes: Mapping[str, Any],
    quiet: bool = False,
    n_workers: int | None = None,
    processes: Processes = ALONE,
) -> Path:
    """Weights file ``folder/weights.safetensors`` of the epoch that was best on validation.

    Beside it, ``curve.csv`` holds a row an epoch: every loss term, SSIM on validation, and the
    share of the time that training waited for its batches. A call that was interrupted goes on
    from its last whole epoch when it is repeated with the same arguments, and ends with the same
    bytes; a finished one is not done again. ``notes`` go into the model card. The same seed gives
    the same weights on the same machine, however many ``n_workers`` simulate fresh motion beside
    training: by default one process on a CPU, and as many as feed a GPU. Several ``processes``
    give the weights of one but for rounding, and may go on with what another number began.

    Raises
    ------
    McnetError
        A set is empty or holds an empty scan, its images differ in size, the initial weights are
        of another network, a batch is too small for batch norm, the device is missing, or the loss
        is no number any more.
    KeyboardInterrupt
        As the user pressed it; the last whole epoch is kept.
    """
    processes.by_first(lambda: check_trainable(train, validation, network, training, processes))
    weights, checkpoint = folder / "weights.safetensors", folder / "checkpoint.safetensors"
    settings = {
        "stage": asdict(stage),
        "loss": asdict(loss),
        "training": asdict(training),
        "initial_weights_sha256": sha256_of_file(initial_weights) if initial_weights else None,
        "train_sha256": _sha256_of_pairs(train) if isinstance(train, ImagePairs) else train.sha256,
        "validation_sha256": _sha256_of_pairs(validation),
    }
    known = {"version": __version__, "seed": seed, **settings}
    fingerprint = sha256_of_json({**known, "network": network.identity})
    if processes.by_first(lambda: _fingerprint_of(weights) == fingerprint):
        return weights

    module = _module(stage, network, loss, training, seed, initial_weights, processes)
    record = EpochRecord(module.taught, checkpoint, folder / "curve.csv", fingerprint)
    shared: _Shared = {"n_adjacent": network.adjacent, "processes": processes}
    with training_batches(train, training, seed, n_workers, **shared) as batches:
        fit(module, record, batches, validation, training, quiet=quiet, **shared)
    module.network.load_state_dict(record.best_weights)
    card = ModelCard(
        seed=seed,
        fingerprint=fingerprint,
        version=__version__,
        further={**settings, "best": record.best, "notes": dict(notes)},
    )

    def finish() -> None:
        save_network(weights, module.network, card=card)
        checkpoint.unlink(missing_ok=True)

    processes.by_first(finish)
    return weights


def fit(
    module: lightning.LightningModule,
    record: EpochRecord,
    batches: PairBatches | OnTheFlyBatches,
    validation: ImagePairs,
    training: TrainingConfig,
    *,
    quiet: bool,
    n_adjacent: int = 0,
    processes: Processes = ALONE,
) -> None:
    """Train for all epochs, or those left after the record's checkpoint, if it is of this training.

    Raises
    ------
    McnetError, KeyboardInterrupt
        As `train_stage`.
    """
    continues = processes.by_first(lambda: _continues(record.checkpoint, record.fingerprint))
    if continues:
        _log.info("training goes on from %s", record.checkpoint)
    # where there is not an image for everybody, everybody looks at all of them
    smallest_batch = min(sizes_of_batches(len(validation), training.batch_size))
    sharing = processes if smallest_batch >= processes.n else ALONE
    with within_cores(processes), quiet_lightning(), interruptible():
        _trainer(record.checkpoint.parent, training, record, quiet, processes).fit(
            module,
            batches,
            PairBatches(validation, training.batch_size, n_adjacent=n_adjacent, processes=sharing),
            ckpt_path=record.checkpoint if continues else None,
        )


@contextmanager
def training_batches(
    train: TrainingSet,
    training: TrainingConfig,
    seed: int,
    n_workers: int | None = None,
    *,
    n_adjacent: int = 0,
    processes: Processes = ALONE,
) -> Iterator[PairBatches | OnTheFlyBatches]:
    """Batches to train on; processes that make them are ended at the end."""
    n_workers = _usual_workers(training, processes.per_node) if n_workers is None else n_workers
    size, flips = training.batch_size, training.flips
    shared: _Shared = {"n_adjacent": n_adjacent, "processes": processes}
    if isinstance(train, ImagePairs):
        yield PairBatches(
            train, size, seed=seed, flips=flips, n_drawn=training.slices_per_epoch, **shared
        )
    else:
        on_the_fly = OnTheFlyBatches(train, size, flips=flips, n_workers=n_workers, **shared)
        with closing(on_the_fly) as batches:
            yield batches


def _usual_workers(training: TrainingConfig, n_sharing: int = 1) -> int:
    """Processes to simulate with: one keeps ahead of a CPU, several are needed for a GPU."""
    n_spare = max(n_cores() // n_sharing - 1, 0)
    return min(n_spare, _MOST_WORKERS if is_on_gpu(training) else 1)


def _module(
    stage: Stage,
    config: NetworkConfig,
    loss: LossConfig,
    training: TrainingConfig,
    seed: int,
    initial_weights: Path | None,
    processes: Processes,
) -> TrainingModule:
    learning_rate = training.learning_rate
    if initial_weights is None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = config.build()
    else:
        learning_rate *= training.fine_tune_factor
        network = load_network(initial_weights).train()
        if network.config != config:
            raise McnetError(
                f"{initial_weights} holds a network of {network.config}, but {config} is to be "
                "trained; start from weights of the same network."
            )
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # faster on a CPU
    return TrainingModule(
        network,
        stage,
        loss,
        learning_rate=learning_rate,
        schedule=training.schedule,
        average=training.average,
        mixed_precision=training.mixed_precision,
        processes=processes,
    )


def _trainer(
    folder: Path,
    training: TrainingConfig,
    record: EpochRecord,
    quiet: bool,
    processes: Processes,
) -> lightning.Trainer:
    if training.device == "cuda" and not torch.cuda.is_available():
        raise McnetError("device cuda is not available here; train on cpu, or on auto.")
    bars: list[Callback] = [] if quiet else [EpochBar()]
    options = trainer_options(processes, training)
    plugins = [*options.pop("plugins"), SafetensorsCheckpoint()]
    return lightning.Trainer(
        **options,
        plugins=plugins,
        max_epochs=training.epochs,
        callbacks=[*bars, record],
        default_root_dir=folder,
        logger=False,
        enable_progress_bar=not quiet,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )


def _fingerprint_of(weights: Path) -> str | None:
    """What a weights file was trained from; None where it is missing or unreadable."""
    try:
        return read_card(weights).fingerprint
    except McnetError:
        return None


def _continues(checkpoint: Path, fingerprint: str) -> bool:
    """Whether a checkpoint is of this very training."""
    if not checkpoint.exists():
        return False
    states = SafetensorsCheckpoint().load_checkpoint(checkpoint).get("callbacks")
    return isinstance(states, dict) and any(
        isinstance(state, dict) and state.get("fingerprint") == fingerprint
        for state in states.values()
    )


def _sha256_of_pairs(pairs: ImagePairs) -> str:
    digest = hashlib.sha256()
    for array in (pairs.corrupted, pairs.references, pairs.reference_index, pairs.input_scale):
        digest.update(f"{array.shape} {array.dtype};".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
