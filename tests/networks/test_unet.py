import pytest
import torch
from torch import nn

from mcnet.core.errors import McnetError
from mcnet.networks.unet import UNet, UNetConfig

TINY = UNetConfig(levels=3, width=2)


def test_default_is_the_papers_five_levels_without_folding() -> None:
    assert UNetConfig() == UNetConfig(levels=5, width=64, head="direct", fold=1)
    network = UNet(UNetConfig(width=2))
    assert len(network.down) == 5
    assert sum(isinstance(part, nn.ConvTranspose2d) for part in network.modules()) == 4
    # twice a 3x3 convolution on each of five levels down and four up, and the last one
    convolutions = [part for part in network.modules() if isinstance(part, nn.Conv2d)]
    assert [part.kernel_size for part in convolutions] == [(3, 3)] * 18 + [(1, 1)]


@pytest.mark.parametrize("fold", [1, 2, 3])
@pytest.mark.parametrize(("rows", "columns"), [(9, 11), (16, 7), (1, 1), (24, 24)])
def test_an_image_of_any_size_keeps_its_size(fold: int, rows: int, columns: int) -> None:
    network = UNet(UNetConfig(levels=3, width=2, fold=fold)).eval()
    assert network(torch.rand(2, 1, rows, columns)).shape == (2, 1, rows, columns)


@pytest.mark.parametrize("fold", [1, 2])
def test_the_residual_head_changes_nothing_before_training(fold: int) -> None:
    network = UNet(UNetConfig(levels=3, width=2, head="residual", fold=fold))
    image = torch.rand(3, 1, 13, 10)
    assert torch.equal(network(image), image)


def test_a_network_that_sees_what_was_undone_corrects_the_first_image() -> None:
    network = UNet(UNetConfig(levels=2, width=2, head="residual", fold=2, search_difference=True))
    images = torch.rand(3, 2, 9, 10)
    assert torch.equal(network.eval()(images), images[:, :1])


def test_the_direct_head_does_not_pass_its_input_through() -> None:
    image = torch.rand(3, 1, 13, 10)
    assert (UNet(TINY)(image) - image).abs().mean() > 0.01


def test_padding_does_not_change_an_image_that_fits() -> None:
    network = UNet(TINY).eval()
    whole = torch.rand(1, 1, 12, 12)
    beyond = torch.cat([whole, whole[:, :, -1:].expand(-1, -1, 4, -1)], dim=2)
    # 13 rows are padded to 16 with copies of the last: the same as giving those 16
    assert torch.allclose(network(beyond[:, :, :13]), network(beyond)[:, :, :13])


@pytest.mark.parametrize(
    ("levels", "width", "fold"), [(0, 8, 1), (9, 8, 1), (5, 0, 1), (5, -2, 1), (5, 8, 0)]
)
def test_an_impossible_network_is_refused_with_a_sentence(
    levels: int, width: int, fold: int
) -> None:
    with pytest.raises(McnetError, match="impossible; give a whole number"):
        UNetConfig(levels=levels, width=width, fold=fold)


def test_an_unknown_head_is_refused() -> None:
    config = UNetConfig()
    object.__setattr__(config, "head", "sideways")  # past the type checker of the tests
    with pytest.raises(McnetError, match="none of direct, residual"):
        config.__post_init__()
