import numpy as np
import pytest
import torch

from mcnet.core.errors import McnetError
from mcnet.correction.slices import correct_slices, ready_network, slices_at_once
from mcnet.networks.unet import UNet, UNetConfig


@pytest.fixture
def images(rng: np.random.Generator) -> np.ndarray:
    return rng.random((7, 9, 11), dtype=np.float32)


@pytest.fixture
def input_scale(rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(0.5, 50, 7).astype(np.float32)


def test_a_network_that_changes_nothing_gives_the_images_back(
    images: np.ndarray, input_scale: np.ndarray
) -> None:
    network = UNet(UNetConfig(levels=2, width=2, head="residual"))
    assert np.allclose(correct_slices(network, images, input_scale), images, rtol=1e-6)


def test_the_network_sees_images_on_their_own_scale(
    images: np.ndarray, input_scale: np.ndarray
) -> None:
    network = UNet(UNetConfig(levels=2, width=3))
    corrected = correct_slices(network, images, input_scale)
    doubled = correct_slices(network, images * input_scale[:, None, None], input_scale**2)
    assert np.allclose(doubled, corrected * input_scale[:, None, None], rtol=1e-4, atol=1e-5)


def test_each_image_is_corrected_by_itself(images: np.ndarray, input_scale: np.ndarray) -> None:
    network = UNet(UNetConfig(levels=2, width=3))
    network.train()(torch.rand(5, 1, 8, 8))
    together = correct_slices(network, images, input_scale)
    for batch_size in (1, 3, 7):
        batched = correct_slices(network, images, input_scale, batch_size=batch_size)
        assert np.allclose(batched, together, atol=1e-5)


def test_a_magnitude_is_never_negative(images: np.ndarray, input_scale: np.ndarray) -> None:
    network = UNet(UNetConfig(levels=2, width=3))
    assert network.last.bias is not None
    torch.nn.init.constant_(network.last.bias, -100.0)
    assert correct_slices(network, images, input_scale).max() == 0


def test_no_images_give_no_images(images: np.ndarray, input_scale: np.ndarray) -> None:
    network = UNet(UNetConfig(levels=2, width=3))
    assert correct_slices(network, images[:0], input_scale[:0]).shape == (0, 9, 11)


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan])
def test_a_scale_that_is_no_scale_is_refused(
    images: np.ndarray, input_scale: np.ndarray, bad: float
) -> None:
    input_scale[3] = bad
    network = UNet(UNetConfig(levels=2, width=3))
    with pytest.raises(McnetError, match="must be a positive number"):
        correct_slices(network, images, input_scale)


def test_a_network_made_ready_computes_the_same(images: np.ndarray) -> None:
    network = UNet(UNetConfig(levels=2, width=3))
    network.train()(torch.rand(5, 1, 8, 8))
    quick = ready_network(network, "cpu")
    seen = torch.from_numpy(images)[:, None]
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in quick.modules())
    assert torch.allclose(quick(seen), network.eval()(seen), atol=1e-6)


def test_a_gpu_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(McnetError, match="device cuda is not there"):
        ready_network(UNet(UNetConfig(levels=1, width=1)), "cuda")


def test_batches_are_never_empty() -> None:
    assert slices_at_once((256, 256), "cpu") == 8
    assert slices_at_once((5000, 5000), "cpu") == 1
    assert slices_at_once((0, 7), "cpu") >= 1
