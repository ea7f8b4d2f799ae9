"""What two processes of a training do in tests; they import it afresh, so it is no test module."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from torch import nn

from mcnet.core.errors import McnetError
from mcnet.datasets.pairs.on_the_fly import OnTheFlyPairs, OnTheFlyScan
from mcnet.datasets.pairs.pairs import ImagePairs
from mcnet.experiments.config import Experiment
from mcnet.experiments.train import train_experiment
from mcnet.networks.architectures.unet import UNetConfig
from mcnet.networks.config import SeverityConfig
from mcnet.training.batches import Batch
from mcnet.training.distributed import joined
from mcnet.training.epoch_callback import EpochRecord
from mcnet.training.losses import LossConfig, hybrid_loss
from mcnet.training.on_the_fly_batches import OnTheFlyBatches
from mcnet.training.processes import Processes
from mcnet.training.recipes import Stage
from mcnet.training.severity_training import SeverityModule
from mcnet.training.shared_batch_norm import SharedBatchNorm
from mcnet.training.training import fit, train_stage, training_batches
from mcnet.training.training_config import TrainingConfig

N_PROCESSES = 2
STAGE = Stage(1.0, 0.3)
LOSS = LossConfig(air_weight=0.2, ssim_weight=0.5)
TRAINING = TrainingConfig(
    epochs=2, batch_size=5, learning_rate=0.01, schedule="one-cycle", flips=True, average=0.6
)
Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Work:
    """What is trained on."""

    pairs: ImagePairs
    validation: ImagePairs
    on_the_fly: OnTheFlyPairs
    fresh_validation: ImagePairs
    experiment: Experiment


def done_by(rank: int, meeting: dict[str, str], work: Work, folder: Path) -> None:
    """Do everything as one of several processes, and leave what came out as ``RANK.npz``."""
    os.environ.update(meeting | {"LOCAL_RANK": str(rank)})
    torch.set_num_threads(1)
    with joined(N_PROCESSES, 1, TRAINING) as processes:
        np.savez(folder / f"{rank}.npz", **done(processes, work, folder))


def done(processes: Processes, work: Work, folder: Path) -> Arrays:
    """What came out in this process, by name; trainings are left in the folder."""
    found = {"raised": np.array([told(processes, index) for index in range(2)])}
    found |= named("norm", normalised(processes)) | named("loss", lost(processes))
    found |= named("stream", streamed(processes, work.on_the_fly))
    trained(processes, folder / "pairs", work.pairs, work.validation)
    trained(processes, folder / "on_the_fly", work.on_the_fly, work.fresh_validation)
    judged(processes, folder / "estimator", work)
    train_experiment(work.experiment, folder / "models", processes=processes)
    return found


def named(prefix: str, arrays: Arrays) -> Arrays:
    return {f"{prefix}.{name}": array for name, array in arrays.items()}


def told(processes: Processes, rank: int) -> str:
    """Name of the error here when one of the processes cannot do its work."""
    if rank >= processes.n:
        return ""
    try:
        processes.made_by(rank, refuse)
    except McnetError as error:
        return f"{type(error).__name__}: {error}"
    return "nothing"


def refuse() -> None:
    raise McnetError("the input is bad.")


def normalised(processes: Processes) -> Arrays:
    """Two steps of batch norm, with gradients of a loss that looks at every value differently."""
    rng = np.random.default_rng(3)
    norm: nn.Module = nn.Sequential(nn.BatchNorm2d(3))
    with torch.no_grad():
        norm[0].weight.copy_(torch.tensor([0.5, -1.5, 2.0]))
        norm[0].bias.copy_(torch.tensor([0.1, 0.0, -3.0]))
    if processes.n > 1:
        norm = SharedBatchNorm().apply(norm)
    for _ in range(2):
        # far from zero, where a difference of squares would cancel
        images = 20 + rng.normal(size=(5, 3, 7, 9)) * [[[[1.0]], [[0.1]], [[3.0]]]]
        weights = rng.normal(size=images.shape)
        image, weight = (part_of(processes, array) for array in (images, weights))
        image.requires_grad_()
        output = norm(image)
        norm.zero_grad()
        (output * weight).sum().backward()
    assert image.grad is not None
    found = {"output": output, "image_gradient": image.grad, "weight_gradient": norm[0].weight.grad}
    found |= dict(norm.state_dict())
    if processes.n > 1:
        found["evaluated"] = norm.eval()(image)
        found["kinds"] = torch.tensor(
            type(SharedBatchNorm().revert(norm)[0]) is nn.BatchNorm2d, dtype=torch.float
        )
    else:
        found["evaluated"] = norm.eval()(image)
        found["kinds"] = torch.tensor(1.0)
    return {name: value.detach().numpy() for name, value in found.items()}


def part_of(processes: Processes, images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(processes.part(images).astype(np.float32))


def lost(processes: Processes) -> Arrays:
    """Terms of the loss, and its gradient; heads of very different sizes."""
    rng = np.random.default_rng(4)
    shape = (5, 1, 13, 19)
    output, reference = (part_of(processes, rng.random(shape)) for _ in range(2))
    limits = np.array([0.9, 0.1, 0.5, 0.3, 0.02])[:, None, None, None]
    head = torch.from_numpy(processes.part(rng.random(shape) < limits))
    output.requires_grad_()
    found: Arrays = {}
    for name, config in (("weighted", LOSS), ("plain", LossConfig(reduction="sum"))):
        terms = hybrid_loss(output, reference, STAGE, config, head, processes.mean)
        (gradient,) = torch.autograd.grad(terms.total, output)
        found |= {f"{name}.{key}": value.detach().numpy() for key, value in terms._asdict().items()}
        found[f"{name}.gradient"] = gradient.numpy()
    return found


def streamed(processes: Processes, pairs: OnTheFlyPairs) -> Arrays:
    """Fresh batches of two epochs, begun in the middle, and the scans that were made for them."""
    made = np.zeros((4, pairs.n_scans), dtype=int)
    original = OnTheFlyPairs.scan

    def scan(pairs: OnTheFlyPairs, epoch: int, index: int) -> OnTheFlyScan:
        made[epoch, index] += 1
        return original(pairs, epoch, index)

    batches = OnTheFlyBatches(pairs, 7, flips=True, scans_per_block=5, processes=processes)
    found: list[Batch] = []
    with patch.object(OnTheFlyPairs, "scan", scan):
        for batches.epoch in (1, 2):
            found += list(batches)
    arrays = {f"batch-{number:02d}": batch.corrupted.numpy() for number, batch in enumerate(found)}
    return arrays | {"made": made}


def trained(
    processes: Processes, folder: Path, train: ImagePairs | OnTheFlyPairs, validation: ImagePairs
) -> Path:
    return train_stage(
        folder,
        STAGE,
        train,
        validation,
        network=UNetConfig(levels=3, width=4, head="residual", fold=2),
        loss=LOSS,
        training=TRAINING,
        seed=3,
        initial_weights=None,
        notes={},
        quiet=True,
        n_workers=0,
        processes=processes,
    )


def judged(processes: Processes, folder: Path, work: Work) -> None:
    """Train a severity estimator; its best weights are left as ``RANK.npz``."""
    module = SeverityModule(SeverityConfig(levels=2, width=4, fold=2), TRAINING, 5, processes)
    record = EpochRecord(
        module.network, folder / "checkpoint.safetensors", folder / "curve.csv", "estimator"
    )
    severity_mm = np.linspace(0.1, 3.0, len(work.fresh_validation))
    table = work.fresh_validation.table.assign(severity_mm=severity_mm)
    validation = replace(work.fresh_validation, table=table)
    with training_batches(work.on_the_fly, TRAINING, 5, 0, processes=processes) as batches:
        fit(module, record, batches, validation, TRAINING, quiet=True, processes=processes)
    weights = {name: value.numpy() for name, value in record.best_weights.items()}
    np.savez(folder / f"{processes.rank}.npz", **weights)
