"""Training on motion simulated while it trains, against training on fixed pairs in memory.

Run it as ``python benchmarks/on_the_fly.py``; it prints a table. The network, the batches and the
images are those of ``experiments/quick.toml``; the heads are made from the built-in one.
"""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import page
import pandas as pd
import torch

from mcnet.datasets.pairs.design import PairsDesign
from mcnet.datasets.pairs.drawn_motion import RandomMotion
from mcnet.datasets.pairs.on_the_fly import OnTheFlyPairs
from mcnet.datasets.pairs.pairs import ImagePairs
from mcnet.datasets.pairs.prepared import prepare_subject
from mcnet.datasets.subjects import template_subjects
from mcnet.networks.unet import UNet, UNetConfig
from mcnet.physics.acquisition import Acquisition
from mcnet.training.losses import LossConfig
from mcnet.training.recipes import L1
from mcnet.training.training import TrainingSet, train_stage
from mcnet.training.training_config import TrainingConfig

NETWORK = UNetConfig(levels=5, width=12, head="residual", fold=2)
N_SUBJECTS, SCANS_PER_SUBJECT = 3, 12


@dataclass(frozen=True)
class Speed:
    """How fast a training was, by the median epoch after the first, in which workers start."""

    slices_per_s: float
    waiting_share: float
    first_epoch_s: float
    epoch_s: float


def run(seconds: float = 60.0) -> str:
    """Return a Markdown table: slices a second and the share of time spent waiting.

    Parameters
    ----------
    seconds
        About how long each of the three takes, in two turns, between which the others have theirs.
    """
    acquisition = Acquisition()
    subjects = [
        prepare_subject(subject.load(), PairsDesign(), acquisition)
        for subject in template_subjects(N_SUBJECTS, seed=1)
    ]
    on_the_fly = OnTheFlyPairs(
        tuple(subjects), RandomMotion(), acquisition, SCANS_PER_SUBJECT, seed=1
    )
    fixed = as_fixed(on_the_fly)
    validation = fixed.chosen(range(8))
    kinds: dict[str, tuple[TrainingSet, int]] = {
        "fixed pairs in memory": (fixed, 0),
        "fresh motion, simulated in between": (on_the_fly, 0),
        "fresh motion, one worker beside": (on_the_fly, 1),
    }
    trial = curve_of(fixed, validation, 2, 0)
    n_epochs = max(3, round(seconds / 2 / float(trial["seconds"].iloc[1])))
    curves: dict[str, list[pd.DataFrame]] = {name: [] for name in kinds}
    bare: list[list[float]] = []
    for _ in range(2):  # in turns, so that what else the machine does falls on all of them
        for name, (train, n_workers) in kinds.items():
            curves[name].append(curve_of(train, validation, n_epochs, n_workers))
        bare.append(bare_loop(fixed, n_epochs))
    found = {"a bare PyTorch loop on tensors in memory": _speed_of(bare, len(on_the_fly))}
    found |= {name: speed(of_kind, len(on_the_fly)) for name, of_kind in curves.items()}
    return _table(found)


def section() -> page.Section:
    """The same as part of the page."""
    return page.Section(
        "Training on fresh motion",
        [
            "The network, batches and images of `experiments/quick.toml` on 3 drawn heads: a bare "
            "PyTorch loop on tensors in memory; mcnet's training on fixed pairs in memory; and on "
            "scans simulated anew, in the training's own process or in one worker beside it. "
            "Medians over epochs after the first, in which workers start; *waiting* is the share "
            "of the time from the end of a step until the next batch.",
            run(),
        ],
    )


def as_fixed(on_the_fly: OnTheFlyPairs) -> ImagePairs:
    """Pairs of the first epoch, in memory."""
    scans = [on_the_fly.scan(0, index) for index in range(on_the_fly.n_scans)]
    counts = [len(scan.corrupted) for scan in scans]
    references = np.concatenate(
        [subject.references[subject.kept] for subject in on_the_fly.subjects]
    )
    first = np.cumsum([0, *(int(subject.kept.sum()) for subject in on_the_fly.subjects)])
    index = [
        first[scan.subject] + np.arange(count) for scan, count in zip(scans, counts, strict=True)
    ]
    scales = np.array([scan.input_scale for scan in scans], dtype=np.float32)
    return ImagePairs(
        corrupted=np.concatenate([scan.corrupted for scan in scans]),
        references=references,
        heads=np.ones(references.shape, dtype=bool),
        reference_index=np.concatenate(index),
        input_scale=np.repeat(scales, counts),
        table=pd.DataFrame({"subject": np.repeat([scan.subject for scan in scans], counts)}),
    )


def curve_of(
    train: TrainingSet, validation: ImagePairs, n_epochs: int, n_workers: int
) -> pd.DataFrame:
    """Train the quick experiment's network for some epochs; its curve has the clock's times."""
    with TemporaryDirectory() as folder:
        weights = train_stage(
            Path(folder),
            L1,
            train,
            validation,
            network=NETWORK,
            loss=LossConfig(),
            training=TrainingConfig(epochs=n_epochs, flips=True),
            seed=1,
            initial_weights=None,
            notes={},
            quiet=True,
            n_workers=n_workers,
        )
        return pd.read_csv(weights.parent / "curve.csv")


def bare_loop(pairs: ImagePairs, n_epochs: int) -> list[float]:
    """Seconds of each epoch of the least that trains: tensors in memory, no framework, no log."""
    scale = torch.from_numpy(pairs.input_scale)[:, None, None, None]
    corrupted = torch.from_numpy(pairs.corrupted)[:, None] / scale
    reference = torch.from_numpy(pairs.references[pairs.reference_index])[:, None] / scale
    network = UNet(NETWORK).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    training, seconds = TrainingConfig(), []
    adam = torch.optim.Adam(network.parameters(), lr=training.learning_rate)
    for _ in range(n_epochs):
        started = perf_counter()
        for chosen in torch.randperm(len(pairs)).split(training.batch_size):
            adam.zero_grad()
            (network(corrupted[chosen]) - reference[chosen]).abs().mean().backward()
            adam.step()
        seconds.append(perf_counter() - started)
    return seconds


def _speed_of(bare: list[list[float]], n_slices: int) -> Speed:
    epoch_s = float(np.median([one for epochs in bare for one in epochs[1:]]))
    first_s = float(np.median([epochs[0] for epochs in bare]))
    return Speed(n_slices / epoch_s, 0.0, first_s, epoch_s)


def speed(curves: list[pd.DataFrame], n_slices: int) -> Speed:
    """Speed of several trainings of one kind, from their clocks."""
    later = pd.concat([curve.iloc[1:] for curve in curves])
    epoch_s = float(later["seconds"].median())
    return Speed(
        slices_per_s=n_slices / epoch_s,
        waiting_share=float(later["waiting_share"].median()),
        first_epoch_s=float(np.median([curve["seconds"].iloc[0] for curve in curves])),
        epoch_s=epoch_s,
    )


def _table(found: dict[str, Speed]) -> str:
    bare = next(iter(found.values())).slices_per_s
    lines = [
        "| training on | slices a second | against the bare loop | waiting for batches | "
        "first epoch, s | later epochs, s |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {name} | {one.slices_per_s:.0f} | {one.slices_per_s / bare:.2f} | "
        f"{one.waiting_share:.1%} | {one.first_epoch_s:.1f} | {one.epoch_s:.1f} |"
        for name, one in found.items()
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    print(run())  # noqa: T201


if __name__ == "__main__":
    main()
