import resource
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from mcnet.core.errors import McnetError
from mcnet.networks.cards import read_header
from mcnet.networks.model_card import ModelCard
from mcnet.networks.unet import UNet, UNetConfig
from mcnet.networks.weights import load_network, save_network
from mcnet.training.checkpoint import SafetensorsCheckpoint

CARD = ModelCard(licence="CC0", seed=4, limits=("heads only",), further={"a": 1})
CONFIG = UNetConfig(levels=2, width=3, head="residual", fold=2)


@pytest.fixture
def network() -> UNet:
    network = UNet(CONFIG)
    network(torch.rand(4, 1, 8, 6))  # so that batch norm has seen something
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter)
    return network


def test_a_network_comes_back_as_it_was(tmp_path: Path, network: UNet) -> None:
    path = tmp_path / "weights.safetensors"
    save_network(path, network, card=CARD)
    again = load_network(path)
    assert again.config == CONFIG
    assert not again.training
    image = torch.rand(2, 1, 9, 11)
    assert torch.equal(again(image), network.eval()(image))


@pytest.mark.parametrize("kind", ["weights", "checkpoint"])
def test_a_disk_that_fills_up_ends_in_a_sentence(tmp_path: Path, network: UNet, kind: str) -> None:
    path = tmp_path / "new" / f"{kind}.safetensors"
    save = {
        "weights": lambda: save_network(path, network, card=ModelCard()),
        "checkpoint": lambda: SafetensorsCheckpoint().save_checkpoint(network.state_dict(), path),
    }
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, before[1]))  # as a disk with as little room
    try:
        with pytest.raises(McnetError, match=r"cannot be written .file too large"):
            save[kind]()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert not list(tmp_path.iterdir())


def test_half_precision_takes_half_the_room_and_comes_back_in_single(tmp_path: Path) -> None:
    network = UNet(UNetConfig(levels=2, width=32))
    network(torch.rand(4, 1, 8, 6))
    network.down[0][1].running_var.fill_(1e-9)  # which half precision cannot hold
    sizes = {}
    for half in (False, True):
        path = tmp_path / f"half-{half}"
        save_network(path, network, card=ModelCard(), half=half)
        sizes[half] = path.stat().st_size
    assert sizes[True] < 0.55 * sizes[False]
    again = load_network(path)
    assert {tensor.dtype for tensor in again.state_dict().values()} == {torch.float32, torch.int64}
    assert again.down[0][1].running_var.max() == network.down[0][1].running_var.max() > 0
    image = torch.rand(2, 1, 9, 11)
    assert torch.allclose(again(image), network.eval()(image), atol=2e-2)


def test_the_file_says_where_it_comes_from(tmp_path: Path, network: UNet) -> None:
    path = tmp_path / "weights.safetensors"
    save_network(path, network, card=CARD)
    header = read_header(path)
    assert header.card == replace(CARD, architecture="unet")
    assert header.provenance["seed"] == 4
    assert header.architecture == "unet"
    assert header.network["fold"] == 2


def test_the_same_network_gives_the_same_bytes(tmp_path: Path, network: UNet) -> None:
    for name in ("a", "b"):
        save_network(tmp_path / name, network, card=CARD)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("name", ["weights.pt", "weights.safetensors"])
def test_a_pickle_is_refused_by_its_name_or_by_its_bytes(
    tmp_path: Path, network: UNet, name: str
) -> None:
    path = tmp_path / name
    torch.save(network.state_dict(), path)
    with pytest.raises(McnetError, match="is a pickle file"):
        load_network(path)


def test_an_old_pickle_is_refused(tmp_path: Path, network: UNet) -> None:
    path = tmp_path / "weights"
    torch.save(network.state_dict(), path, _use_new_zipfile_serialization=False)
    with pytest.raises(McnetError, match="is a pickle file"):
        load_network(path)


def test_a_truncated_file_is_refused(tmp_path: Path, network: UNet) -> None:
    path = tmp_path / "weights.safetensors"
    save_network(path, network, card=ModelCard())
    for n_bytes in (0, 5, 200, path.stat().st_size - 1):
        path.write_bytes(path.read_bytes()[:n_bytes])
        with pytest.raises(McnetError, match="no whole safetensors file"):
            load_network(path)
        save_network(path, network, card=ModelCard())


def test_weights_of_another_program_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"layer.weight": torch.rand(3, 2)}, path)
    with pytest.raises(McnetError, match="another program"):
        load_network(path)


def test_weights_that_do_not_fit_their_description_are_refused(
    tmp_path: Path, network: UNet
) -> None:
    path = tmp_path / "weights.safetensors"
    network.config = UNetConfig(levels=3, width=3)
    save_network(path, network, card=ModelCard())
    with pytest.raises(McnetError, match="do not fit the network"):
        load_network(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(McnetError, match="is no file"):
        load_network(tmp_path / "nothing.safetensors")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"network": ', "is no JSON"),
        ("[3]", "another program"),
        ('{"network": 3}', "without mcnet's network description"),
        ('{"network": {"levels": 8, "width": 1024}}', "do not fit the network"),
        ('{"network": {}, "card": []}', r"in its card \(card\); expected names and values"),
    ],
)
def test_a_description_that_is_not_as_it_should_be_is_refused(
    tmp_path: Path, text: str, sentence: str
) -> None:
    """The network of 8 levels and 1024 channels would need 1.7 TB."""
    path = tmp_path / "weights.safetensors"
    save_file({"layer.weight": torch.rand(3, 2)}, path, metadata={"mcnet-network": text})
    with pytest.raises(McnetError, match=sentence):
        load_network(path)
