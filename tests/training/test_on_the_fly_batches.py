import multiprocessing
import os
import pickle
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import sleep
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from properties import ellipsoid

from mcnet.core.errors import McnetError
from mcnet.datasets.pairs.design import PairsDesign
from mcnet.datasets.pairs.drawn_motion import RandomMotion
from mcnet.datasets.pairs.on_the_fly import OnTheFlyPairs
from mcnet.datasets.pairs.pairs import ImagePairs
from mcnet.datasets.pairs.prepared import prepare_subject
from mcnet.io.volume import Volume
from mcnet.networks.architectures.unet import UNetConfig
from mcnet.physics.acquisition import Acquisition
from mcnet.training.batches import Batch
from mcnet.training.lightning_module import TrainingModule
from mcnet.training.losses import LossConfig
from mcnet.training.on_the_fly_batches import OnTheFlyBatches
from mcnet.training.recipes import L1
from mcnet.training.training import train_stage
from mcnet.training.training_config import TrainingConfig

SCAN = Acquisition((20, 26, 22), (150.0, 169.0, 154.0))


@pytest.fixture(scope="module")
def pairs() -> OnTheFlyPairs:
    """Two subjects with 3 and 5 slices, six scans of each in an epoch: 48 slices."""
    shape, size = (29, 33, 31), (5.0, 5.0, 5.0)
    subjects = []
    for radius in (30.0, 58.0):
        values = ellipsoid(shape, size, centre_mm=(4, 0, 0), radii_mm=(radius, 55.0, 50.0))
        values = values * np.linspace(0.5, 1.5, shape[1], dtype=np.float32)[:, None]
        volume = Volume(values, np.diag([*size, 1.0]), f"r{radius:g}")
        subjects.append(prepare_subject(volume, PairsDesign(n_slices=5, spacing_mm=18.0), SCAN))
    return OnTheFlyPairs(tuple(subjects), RandomMotion(), SCAN, scans_per_subject=6, seed=7)


def bytes_of(batches: list[Batch]) -> list[bytes]:
    return [tensor.numpy().tobytes() for batch in batches for tensor in batch]


def epochs(pairs: OnTheFlyPairs, numbers: list[int], **changes: Any) -> list[list[Batch]]:
    """Batches of some epochs, one after another, from one and the same stream."""
    batches = OnTheFlyBatches(pairs, 7, **{"scans_per_block": 5, **changes})
    found = []
    for batches.epoch in numbers:
        found.append(list(batches))
    batches.close()
    return found


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")
def test_the_stream_is_the_same_for_any_number_of_workers(pairs: OnTheFlyPairs) -> None:
    before = torch.random.get_rng_state()
    here = [bytes_of(of_epoch) for of_epoch in epochs(pairs, [0, 1, 2], flips=True)]
    for n_workers, numbers in ((1, [0, 1]), (2, [1, 2])):
        there = epochs(pairs, numbers, flips=True, n_workers=n_workers)
        assert [bytes_of(of_epoch) for of_epoch in there] == [here[number] for number in numbers]
    assert simulating_workers() == []
    assert torch.equal(torch.random.get_rng_state(), before)
    assert len({data for of_epoch in here for data in of_epoch}) == sum(map(len, here))


def simulating_workers():
    """Processes that a loader started and did not end; other tests' pools are not meant."""
    children = multiprocessing.active_children()
    return [child for child in children if type(child).__name__ == "SpawnProcess"]


def test_an_epoch_holds_every_slice_of_its_scans_once_with_its_reference(
    pairs: OnTheFlyPairs,
) -> None:
    (batches,) = epochs(pairs, [3])
    columns = (torch.cat(parts).numpy() for parts in zip(*batches, strict=True))
    corrupted, reference, head, scale, _ = columns
    found = {}
    for image, target, mask, factor in zip(corrupted, reference, head, scale, strict=True):
        key = (image[0] * factor).astype(np.float16).tobytes()
        found[key] = target[0] * factor, mask[0]
    assert len(corrupted) == len(found) == 48
    for index in range(pairs.n_scans):
        scan = pairs.scan(3, index)
        subject = pairs.subjects[scan.subject]
        places = np.flatnonzero(subject.kept)
        scaled = (scan.corrupted / np.float32(scan.input_scale)) * np.float32(scan.input_scale)
        for image, place in zip(scaled, places, strict=True):
            target, mask = found.pop(image.astype(np.float16).tobytes())
            assert np.allclose(target, subject.references[place], rtol=1e-5)
            assert np.array_equal(mask, subject.heads[place])
    assert not found


def test_batches_are_of_nearly_one_size_and_mix_scans(pairs: OnTheFlyPairs) -> None:
    of_epoch = epochs(pairs, [0, 1])
    for batches in of_epoch:
        # 48 slices in batches of 7 or fewer; blocks of 12, 15 and more slices do not show
        assert [len(batch.corrupted) for batch in batches] == [7, 7, 7, 7, 7, 7, 6]
        assert all(len(batch.input_scale.unique()) > 2 for batch in batches)
    assert len(OnTheFlyBatches(pairs, 7)) == len(of_epoch[0])
    (whole,) = epochs(pairs, [0], scans_per_block=1)
    assert [len(batch.corrupted) for batch in whole] == [7, 7, 7, 7, 7, 7, 6]


def test_one_stream_goes_on_from_epoch_to_epoch(
    pairs: OnTheFlyPairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    original = OnTheFlyBatches._blocks_from

    def begin(batches: OnTheFlyBatches, epoch: int) -> Any:
        begun.append(epoch)
        return original(batches, epoch)

    monkeypatch.setattr(OnTheFlyBatches, "_blocks_from", begin)
    batches = OnTheFlyBatches(pairs, 7, scans_per_block=5)
    for batches.epoch in (2, 3, 4, 4):
        stream = iter(batches)
        for _ in range(len(batches)):  # as Lightning does, which never asks beyond the last
            next(stream)
    batches.epoch = 5
    next(iter(batches))  # left in the middle
    list(batches)
    assert begun == [2, 4, 5]


def test_an_error_of_a_worker_stays_a_sentence(
    pairs: OnTheFlyPairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcnet.datasets.pairs.drawn_motion._MOST_TRIES", 5)
    pairs = replace(pairs, motion=RandomMotion(within_mm=1e-9))
    batches = OnTheFlyBatches(pairs, 7)
    # a worker hands the error over as it hands over slices
    given = pickle.loads(pickle.dumps(batches.blocks[0, 0]))
    batches._stream, batches._next_epoch = iter([given]), 0
    with pytest.raises(McnetError, match=r"^none of 5 generated motions .* larger bounds\.$"):
        next(iter(batches))


class StoppedError(Exception):
    pass


@pytest.fixture
def train(
    tmp_path: Path, pairs: OnTheFlyPairs, make_pairs: Callable[..., ImagePairs]
) -> Callable[..., Path]:
    def run(name: str, n_workers: int = 0, **changes: Any) -> Path:
        return train_stage(
            tmp_path / name,
            L1,
            replace(pairs, **changes),
            make_pairs(5, rows=26, columns=22),
            network=UNetConfig(levels=2, width=2, head="residual"),
            loss=LossConfig(),
            training=TrainingConfig(epochs=4, batch_size=8, flips=True, motion="generated"),
            seed=3,
            initial_weights=None,
            notes={},
            quiet=True,
            n_workers=n_workers,
        )

    return run


def interrupt_in_epoch(number: int, patch: pytest.MonkeyPatch, stop: Callable[[], None]) -> None:
    original = TrainingModule.training_step

    def step(module: TrainingModule, batch: Any, batch_index: int) -> Any:
        if module.current_epoch == number and batch_index == 1:
            stop()
        return original(module, batch, batch_index)

    patch.setattr(TrainingModule, "training_step", step)


def curve_of(weights: Path) -> pd.DataFrame:
    return pd.read_csv(weights.parent / "curve.csv")


@pytest.mark.slow
def test_a_training_stopped_by_ctrl_c_goes_on_to_the_same_end_whoever_simulates(
    train: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    undisturbed = train("undisturbed")
    # a process in the background, such as a worker of the tests, may be deaf to the signal
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with monkeypatch.context() as patch:
            interrupt_in_epoch(2, patch, lambda: os.kill(os.getpid(), signal.SIGINT))
            with pytest.raises(KeyboardInterrupt):
                train("resumed", n_workers=1)
    finally:
        signal.signal(signal.SIGINT, before)
    assert simulating_workers() == []
    assert len(pd.read_csv(tmp_path / "resumed" / "curve.csv")) == 2
    resumed = train("resumed")
    assert resumed.read_bytes() == undisturbed.read_bytes()
    timing = ["seconds", "waiting_share"]
    assert curve_of(resumed).drop(columns=timing).equals(curve_of(undisturbed).drop(columns=timing))


@pytest.mark.slow
def test_a_finished_training_is_not_repeated_unless_the_motion_changed(
    train: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = train("once")

    def stop() -> None:
        raise StoppedError

    interrupt_in_epoch(0, monkeypatch, stop)
    assert train("once") == weights
    for change in ({"seed": 8}, {"motion": RandomMotion(scale=4.0)}, {"scans_per_subject": 5}):
        with pytest.raises(StoppedError):
            train("once", **change)


@pytest.mark.slow
def test_the_curve_tells_how_long_training_waited(
    train: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    shares = curve_of(train("waiting"))["waiting_share"]
    assert len(shares) == 4
    assert shares.between(0.01, 0.99).all()  # nobody simulates beside it
    original = OnTheFlyBatches._gathered
    monkeypatch.setattr(
        OnTheFlyBatches, "_gathered", lambda self, slices: (sleep(0.05), original(self, slices))[1]
    )
    slowed = curve_of(train("slowed", seed=9))
    # six batches an epoch wait 0.3 s in all
    assert (slowed["waiting_share"] * slowed["seconds"] > 0.29).all()
    assert slowed["waiting_share"].between(0.3, 1).all()


def test_images_of_another_size_than_validation_are_refused(
    train: Callable[..., Path], pairs: OnTheFlyPairs
) -> None:
    turned = [
        replace(
            subject,
            references=subject.references.swapaxes(1, 2),
            heads=subject.heads.swapaxes(1, 2),
        )
        for subject in pairs.subjects
    ]
    with pytest.raises(McnetError, match=r"\(22, 26\) pixels and validation images \(26, 22\)"):
        train("turned", subjects=tuple(turned))
