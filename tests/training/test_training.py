import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import numpy as np
import pandas as pd
import pytest
import torch

from mcnet.core.errors import McnetError
from mcnet.correction.slices import correct_pairs
from mcnet.datasets.pairs.pairs import ImagePairs
from mcnet.networks.architectures.unet import UNetConfig
from mcnet.networks.cards import read_card
from mcnet.networks.weights import load_network
from mcnet.training.epoch_callback import EpochRecord
from mcnet.training.lightning_module import TrainingModule
from mcnet.training.losses import LossConfig
from mcnet.training.recipes import L1, L1_TV, Stage
from mcnet.training.training import train_stage
from mcnet.training.training_config import Schedule, TrainingConfig

MakePairs = Callable[..., ImagePairs]
NETWORK = UNetConfig(levels=3, width=4, head="residual", fold=2)


@pytest.fixture
def train(tmp_path: Path, make_pairs: MakePairs) -> Callable[..., Path]:
    """Train a tiny network in a folder of the given name."""

    def run(name: str, stage: Stage = L1_TV, seed: int = 3, **changes: Any) -> Path:
        given = {"epochs": 4, "batch_size": 8, "learning_rate": 0.01, "schedule": "one-cycle"}
        initial_weights = changes.pop("initial_weights", None)
        network = changes.pop("network", NETWORK)
        pairs = changes.pop("pairs", make_pairs(20))
        validation = changes.pop("validation", make_pairs(7, seed=1))
        return train_stage(
            tmp_path / name,
            stage,
            pairs,
            validation,
            network=network,
            loss=LossConfig(),
            training=TrainingConfig(**{**given, **changes}),
            seed=seed,
            initial_weights=initial_weights,
            notes={"licence": "CC0"},
            quiet=True,
        )

    return run


def curve_of(weights: Path) -> pd.DataFrame:
    return pd.read_csv(weights.parent / "curve.csv").drop(columns=["seconds", "waiting_share"])


class StoppedError(Exception):
    pass


def stop_after_epoch(number: int, stop: Callable[[], None], patch: pytest.MonkeyPatch) -> None:
    """Let training stop once epoch ``number`` is kept and the next one runs."""
    original = TrainingModule.training_step

    def step(self: TrainingModule, batch: Any, batch_index: int) -> Any:
        if self.current_epoch == number and batch_index == 1:
            stop()
        return original(self, batch, batch_index)

    patch.setattr(TrainingModule, "training_step", step)


def raise_stopped() -> None:
    raise StoppedError


@pytest.mark.slow
def test_the_same_seed_gives_the_same_curve_and_bytes(train: Callable[..., Path]) -> None:
    one, two, other = train("one"), train("two"), train("other", seed=4)
    assert curve_of(one).equals(curve_of(two))
    assert one.read_bytes() == two.read_bytes()
    assert not curve_of(one).equals(curve_of(other))


@pytest.mark.slow
@pytest.mark.parametrize("schedule", ["constant", "cosine", "one-cycle"])
def test_a_resumed_training_ends_as_an_undisturbed_one(
    train: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, schedule: Schedule, tmp_path: Path
) -> None:
    undisturbed = train("undisturbed", schedule=schedule)
    with monkeypatch.context() as patch:
        stop_after_epoch(2, raise_stopped, patch)
        with pytest.raises(StoppedError):
            train("resumed", schedule=schedule)
    folder = tmp_path / "resumed"
    assert sorted(path.name for path in folder.iterdir()) == [
        "checkpoint.safetensors",
        "curve.csv",
    ]
    epochs_before = len(pd.read_csv(folder / "curve.csv"))
    resumed = train("resumed", schedule=schedule)
    assert epochs_before == 2
    assert curve_of(resumed).equals(curve_of(undisturbed))
    assert resumed.read_bytes() == undisturbed.read_bytes()
    assert sorted(path.name for path in folder.iterdir()) == ["curve.csv", "weights.safetensors"]


@pytest.mark.slow
def test_a_training_stopped_after_its_last_epoch_only_writes_its_weights(
    train: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = train("undisturbed")
    with monkeypatch.context() as patch:
        patch.setattr("mcnet.training.training.save_network", lambda *_, **__: raise_stopped())
        with pytest.raises(StoppedError):
            train("resumed")
    resumed = train("resumed")
    assert curve_of(resumed).equals(curve_of(undisturbed))
    assert resumed.read_bytes() == undisturbed.read_bytes()


@pytest.mark.slow
def test_ctrl_c_comes_through_and_leaves_the_last_whole_epoch(
    train: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # a process in the background, such as a worker of the tests, may be deaf to the signal
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with monkeypatch.context() as patch:
            stop_after_epoch(1, lambda: os.kill(os.getpid(), signal.SIGINT), patch)
            with pytest.raises(KeyboardInterrupt):
                train("resumed")
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert (tmp_path / "resumed" / "checkpoint.safetensors").exists()
    assert train("resumed").read_bytes() == train("undisturbed").read_bytes()


@pytest.mark.slow
def test_a_checkpoint_of_another_configuration_is_not_used(
    train: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        stop_after_epoch(2, raise_stopped, patch)
        with pytest.raises(StoppedError):
            train("resumed", learning_rate=0.02)
    assert train("resumed").read_bytes() == train("undisturbed").read_bytes()


def test_a_finished_training_is_not_repeated_unless_something_changed(
    train: Callable[..., Path], make_pairs: MakePairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = train("once")
    stop_after_epoch(0, raise_stopped, monkeypatch)
    assert train("once") == weights
    for change in ({"seed": 4}, {"stage": L1}, {"epochs": 5}, {"pairs": make_pairs(20, seed=9)}):
        with pytest.raises(StoppedError):
            train("once", **change)


@pytest.mark.slow
def test_a_later_stage_starts_from_the_weights_of_the_earlier(
    train: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = train("l1", stage=L1)
    started: list[dict[str, torch.Tensor]] = []
    rates: list[float] = []

    def remember(module: TrainingModule) -> None:
        weights = module.network.state_dict()
        started.append({name: value.clone() for name, value in weights.items()})
        rates.append(module.trainer.optimizers[0].param_groups[0]["lr"])

    monkeypatch.setattr(TrainingModule, "on_train_start", remember)
    changes = {"initial_weights": first, "fine_tune_factor": 0.1, "schedule": "constant"}
    second = train("l1-then-l1+tv", stage=L1_TV, **changes)
    expected = load_network(first).state_dict()
    assert all(torch.equal(started[0][name], value) for name, value in expected.items())
    assert rates == [pytest.approx(0.001)]
    finished = load_network(second).state_dict()
    assert not torch.equal(finished["last.weight"], expected["last.weight"])


def test_initial_weights_of_another_network_are_refused(train: Callable[..., Path]) -> None:
    first = train("l1", stage=L1, epochs=1)
    with pytest.raises(McnetError, match="start from weights of the same network"):
        train("next", initial_weights=first, network=UNetConfig(levels=2, width=2))


@pytest.mark.slow
def test_one_batch_is_overfitted(train: Callable[..., Path], make_pairs: MakePairs) -> None:
    pairs = make_pairs(3)
    network = UNetConfig(levels=2, width=8, head="direct")
    curve = curve_of(train("over", stage=L1, pairs=pairs, epochs=60, network=network))
    before = np.abs(pairs.corrupted - pairs.references).mean()
    assert curve["train_l1"].iloc[-1] < 0.25 * before


def test_every_epoch_has_an_order_of_its_own(
    train: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    orders: dict[int, list[float]] = {}
    original = TrainingModule.training_step

    def step(module: TrainingModule, batch: Any, batch_index: int) -> Any:
        orders.setdefault(module.current_epoch, []).extend(batch.input_scale.flatten().tolist())
        return original(module, batch, batch_index)

    monkeypatch.setattr(TrainingModule, "training_step", step)
    train("orders", epochs=3)
    assert len({tuple(order) for order in orders.values()}) == 3
    assert len({tuple(sorted(order)) for order in orders.values()}) == 1


def test_the_curve_holds_every_loss_term(train: Callable[..., Path]) -> None:
    curve = curve_of(train("curve", stage=Stage(1.0, 0.5)))
    assert list(curve["epoch"]) == [1, 2, 3, 4]
    for part in ("train", "validation"):
        parts = curve[f"{part}_l1"] + 0.5 * curve[f"{part}_tv"]
        assert np.allclose(curve[f"{part}_total"], parts, rtol=1e-5)
    assert curve["validation_ssim"].between(0, 1).all()


def test_the_weights_are_of_the_epoch_that_was_best_on_validation(
    train: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[torch.Tensor] = []
    original = EpochRecord.on_train_epoch_end

    def worsen(
        record: EpochRecord, trainer: lightning.Trainer, module: lightning.LightningModule
    ) -> None:
        if trainer.current_epoch != 1:
            trainer.callback_metrics["validation_total"] += 10
        original(record, trainer, module)
        kept.append(record.network.state_dict()["last.weight"].clone())

    monkeypatch.setattr(EpochRecord, "on_train_epoch_end", worsen)
    weights = train("best")
    assert torch.equal(load_network(weights).state_dict()["last.weight"], kept[1])
    assert read_card(weights).further["best"]["epoch"] == 2


def test_the_card_says_what_was_done(train: Callable[..., Path]) -> None:
    card = read_card(train("card", stage=L1, epochs=1))
    assert card.further["stage"] == {"alpha": 1.0, "beta": 0.0}
    assert card.further["notes"] == {"licence": "CC0"}
    assert card.seed == 3


def test_nothing_is_written_outside_the_folder(
    train: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    train("here", epochs=1)
    assert list(elsewhere.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "here"]


def test_an_empty_set_is_refused(train: Callable[..., Path], make_pairs: MakePairs) -> None:
    with pytest.raises(McnetError, match="training set is empty"):
        train("empty", pairs=make_pairs(5).chosen([]))


def test_a_loss_that_is_no_number_is_told(
    train: Callable[..., Path], make_pairs: MakePairs
) -> None:
    pairs = make_pairs(9)
    pairs.corrupted[4, 3, 2] = np.nan
    with pytest.raises(McnetError, match="loss is not finite in epoch 1"):
        train("nan", pairs=pairs)


def test_an_empty_scan_is_refused(train: Callable[..., Path], make_pairs: MakePairs) -> None:
    pairs = make_pairs(9)
    pairs.input_scale[4] = 0
    with pytest.raises(McnetError, match="input scale of 0"):
        train("empty", pairs=pairs)


@pytest.mark.parametrize(("n_pairs", "batch_size"), [(2, 1), (3, 2)])
def test_a_batch_that_leaves_batch_norm_one_value_is_refused(
    train: Callable[..., Path], make_pairs: MakePairs, n_pairs: int, batch_size: int
) -> None:
    # 14 x 17 pixels are padded to 32 x 32, of which level 6 sees one
    network = UNetConfig(levels=6, width=1)
    with pytest.raises(McnetError, match=r"14 x 17 pixels .* one value a channel to batch norm"):
        train("deep", pairs=make_pairs(n_pairs), batch_size=batch_size, network=network)


def test_batches_of_two_values_a_channel_are_trained(
    train: Callable[..., Path], make_pairs: MakePairs
) -> None:
    network = UNetConfig(levels=5, width=1)  # 16 x 32 pixels: level 5 sees two
    weights = train("one", pairs=make_pairs(2), batch_size=1, network=network, epochs=1)
    assert load_network(weights).config == network
    network = UNetConfig(levels=6, width=1)
    weights = train("two", pairs=make_pairs(2), batch_size=2, network=network, epochs=1)
    assert load_network(weights).config == network


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 0},
        {"batch_size": -1},
        {"learning_rate": 0.0},
        {"fine_tune_factor": float("nan")},
    ],
)
def test_an_impossible_training_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(McnetError, match="impossible"):
        TrainingConfig(**change)


@pytest.mark.parametrize("setting", ["schedule", "device"])
def test_an_unknown_word_is_refused(setting: str) -> None:
    config = TrainingConfig()
    object.__setattr__(config, setting, "sideways")  # past the type checker of the tests
    with pytest.raises(McnetError, match="'sideways' is none of"):
        config.__post_init__()


def test_an_average_of_weights_lags_behind_them_and_is_what_is_kept(train: Any) -> None:
    plain, average = train("plain", epochs=1), train("average", epochs=1, average=0.999)
    start = train("start", epochs=1, learning_rate=1e-12, schedule="constant")
    of_plain, of_average, of_start = (
        torch.cat([one.ravel() for one in load_network(path).parameters()])
        for path in (plain, average, start)
    )
    assert 0 < (of_average - of_start).norm() < 0.3 * (of_plain - of_start).norm()


@pytest.mark.slow
def test_an_average_of_no_decay_is_the_last_weights(train: Any) -> None:
    plain, average = train("plain"), train("average", average=1e-9)
    one, other = (load_network(path).state_dict() for path in (plain, average))
    assert one.keys() == other.keys()
    for name, values in one.items():
        assert torch.allclose(values.float(), other[name].float(), atol=1e-5), name


@pytest.mark.slow
def test_an_interrupted_average_goes_on(train: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = train("whole", average=0.9)
    keep = EpochRecord.on_train_epoch_end

    def stop(self: EpochRecord, trainer: Any, pl_module: Any) -> None:
        keep(self, trainer, pl_module)
        if trainer.current_epoch == 1:
            raise StoppedError

    monkeypatch.setattr(EpochRecord, "on_train_epoch_end", stop)
    with pytest.raises(StoppedError):
        train("parts", average=0.9)
    monkeypatch.setattr(EpochRecord, "on_train_epoch_end", keep)
    assert train("parts", average=0.9).read_bytes() == whole.read_bytes()


def test_a_network_of_adjacent_slices_is_trained(train: Any, make_pairs: MakePairs) -> None:
    def of_one_scan(n_pairs: int, seed: int = 0) -> ImagePairs:
        pairs = make_pairs(n_pairs, seed=seed)
        places = np.arange(float(n_pairs))
        table = pairs.table.assign(subject="a", trace="t", mode="rotation", position_mm=places)
        return replace(pairs, table=table)

    network = replace(NETWORK, adjacent=1)
    weights = train("adjacent", pairs=of_one_scan(20), validation=of_one_scan(7), network=network)
    trained = load_network(weights)
    assert trained.down[0][0].in_channels == 3 * NETWORK.fold**2
    curve = curve_of(weights)
    assert curve["train_l1"].iloc[-1] < curve["train_l1"].iloc[0]
    corrected = correct_pairs(trained, of_one_scan(7, seed=1))
    assert corrected.shape == (7, 14, 17)


def test_a_network_that_sees_what_was_undone_is_trained(train: Any, make_pairs: MakePairs) -> None:
    def searched(n_pairs: int, seed: int = 0) -> ImagePairs:
        pairs = make_pairs(n_pairs, seed=seed)
        return replace(pairs, undone=0.5 * pairs.corrupted)

    network = replace(NETWORK, search_difference=True)
    weights = train("undone", pairs=searched(20), validation=searched(7), network=network)
    assert load_network(weights).down[0][0].in_channels == 2 * NETWORK.fold**2
    curve = curve_of(weights)
    assert curve["train_l1"].iloc[-1] < curve["train_l1"].iloc[0]
    with pytest.raises(McnetError, match="needs searched scans"):
        train("undone-without", network=network)


@pytest.mark.slow
def test_mixed_precision_trains_nearly_the_same(train: Any) -> None:
    full, mixed = (curve_of(train(f"{on}", mixed_precision=on)) for on in (False, True))
    assert not np.array_equal(full["train_l1"], mixed["train_l1"])
    np.testing.assert_allclose(mixed["train_l1"], full["train_l1"], rtol=0.1)
