"""The residual network of plain convolutions: as a network, in files, and in training."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_models import FakeSeverityEstimator, card, random_cnn

from mcnet.core.errors import McnetError
from mcnet.correction.models import load_model
from mcnet.correction.options import CorrectionOptions
from mcnet.correction.scan import correct_scan
from mcnet.io.volume import Volume
from mcnet.networks.architectures.residual_cnn import ResidualCNNConfig
from mcnet.networks.cards import read_header
from mcnet.networks.weights import load_network, save_network

TINY = ResidualCNNConfig(blocks=2, width=4, head="residual")


@pytest.mark.parametrize("fold", [1, 2, 3])
@pytest.mark.parametrize(("rows", "columns"), [(9, 11), (1, 1), (24, 7)])
def test_a_residual_network_changes_nothing_before_training(
    fold: int, rows: int, columns: int
) -> None:
    image = torch.rand(2, 1, rows, columns)
    network = replace(TINY, fold=fold).build()
    assert torch.equal(network(image), image)
    assert not torch.equal(replace(TINY, fold=fold, head="direct").build()(image), image)


def test_it_sees_adjacent_slices_and_what_a_search_changed() -> None:
    network = replace(TINY, adjacent=1, search_difference=True).build()
    images = torch.rand(3, 4, 9, 10)
    assert torch.equal(network(images), images[:, 1:2])


def test_there_is_no_batch_norm_and_each_block_adds() -> None:
    network = random_cnn()
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in network.modules())
    block = network.layers[1]
    for parameter in block.parameters():
        torch.nn.init.zeros_(parameter)
    features = torch.rand(1, 4, 5, 6)
    assert torch.equal(block(features), features)


def test_one_batch_is_overfitted() -> None:
    torch.manual_seed(0)
    network = ResidualCNNConfig(blocks=2, width=16, head="residual").build()
    image = torch.rand(2, 1, 12, 11)
    reference = (image + image.roll(3, dims=2)) / 2
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(300):
        optimiser.zero_grad()
        loss = (network(image) - reference).abs().mean()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.2 * (image - reference).abs().mean().item()


def test_weights_come_back_as_they_were(tmp_path: Path) -> None:
    network = random_cnn(fold=2)
    save_network(tmp_path / "a.safetensors", network, card=card())
    header = read_header(tmp_path / "a.safetensors")
    assert header.architecture == header.card.architecture == "residual-cnn"
    assert header.n_parameters == network.n_parameters
    again = load_network(tmp_path / "a.safetensors")
    assert again.config == network.config
    image = torch.rand(2, 1, 9, 11)
    assert torch.equal(again(image), network(image))


def test_a_scan_is_corrected_by_it(tmp_path: Path) -> None:
    path = tmp_path / "cnn.safetensors"
    save_network(path, random_cnn(), card=card())
    values = np.random.default_rng(0).random((5, 13, 11), dtype=np.float32)
    scan = Volume(values, np.eye(4), "scan")
    options = CorrectionOptions(search=False, force=True)
    model = load_model(str(path))
    result = correct_scan(scan, model, severity_estimator=FakeSeverityEstimator(), options=options)
    assert result.after.values.shape == values.shape
    assert np.abs(result.after.values - values).max() > 0.001
    assert result.model["card"]["architecture"] == "residual-cnn"


@pytest.mark.parametrize("wrong", [{"blocks": 0}, {"width": 0}, {"fold": 9}])
def test_an_impossible_network_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(McnetError, match="impossible; give a whole number"):
        ResidualCNNConfig(**wrong)
