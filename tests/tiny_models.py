"""Models with few parameters, and severity estimators that say what they are told to."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from mcnet.correction.models import Model, load_model
from mcnet.correction.outcome import Assessment, Severity
from mcnet.io.volume import Volume
from mcnet.networks.architectures.residual_cnn import ResidualCNNConfig
from mcnet.networks.base import ImageNetwork
from mcnet.networks.cards import KEY
from mcnet.networks.model_card import ModelCard, card_of
from mcnet.networks.unet import UNet, UNetConfig
from mcnet.networks.weights import save_network

CARD: dict[str, Any] = {
    "name": "tiny",
    "purpose": "tests",
    "plane": "sagittal",
    "trained_pixel_mm": [1.0, 1.2],
    "licence": "CC0-1.0",
    "data": ["drawn heads", "noise"],
    "scores": {"ssim": 0.91234, "slices": 12},
}


def random_network(
    *, head: str = "residual", fold: int = 2, seed: int = 0, search_difference: bool = False
) -> UNet:
    """A network whose batch norm has seen something and whose weights are all at work."""
    torch.manual_seed(seed)
    network = UNet(
        UNetConfig(levels=2, width=3, head=head, fold=fold, search_difference=search_difference)
    )
    for name, parameter in network.named_parameters():
        if name.startswith("last"):
            torch.nn.init.normal_(parameter, std=0.1)
    network.train()(torch.rand(8, network.config.n_inputs, 16, 12))
    return network.eval()


def random_cnn(*, head: str = "residual", fold: int = 1, seed: int = 0) -> ImageNetwork:
    """A residual network of convolutions, all of whose weights are at work."""
    torch.manual_seed(seed)
    network = ResidualCNNConfig(blocks=2, width=4, head=head, fold=fold).build()
    for parameter in network.layers[-1].parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return network.eval()


def still_network() -> UNet:
    """A network that changes nothing."""
    return UNet(UNetConfig(levels=2, width=2, head="residual", fold=2)).eval()


def card(**entries: Any) -> ModelCard:
    """The card of a tiny model, with other entries."""
    return card_of(Path("tiny.safetensors"), {**CARD, **entries})


def write_card(path: Path, entries: object) -> None:
    """Put another card into a file of weights, also one that no model card can hold."""
    with safe_open(path, framework="pt") as stream:
        tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
        about = json.loads(stream.metadata()[KEY])
    save_file(tensors, path, metadata={KEY: json.dumps({**about, "card": entries})})


def model_of(network: ImageNetwork, **entries: Any) -> Model:
    """A model that no file holds."""
    return Model("tiny", Path("tiny.safetensors"), "0" * 64, network, card(**entries))


def tiny_weights(path: Path, seed: int = 3) -> Path:
    """Write a network that changes every image a little, and takes pixels of nearly any size."""
    save_network(path, random_network(seed=seed), card=card(trained_pixel_mm=[0.5, 10.0]))
    return path


def tiny_model(folder: Path, seed: int = 3) -> Model:
    """The network of `tiny_weights`, loaded."""
    return load_model(str(tiny_weights(folder / f"tiny-{seed}.safetensors", seed)))


@dataclass
class FakeSeverityEstimator:
    """A severity estimator that says the same of every scan, and remembers which ones it saw."""

    is_still: bool = False
    warnings: tuple[str, ...] = ()
    seen: list[Volume] = field(default_factory=list)
    about: Mapping[str, str] = field(default_factory=lambda: {"name": "fake", "sha256": "1" * 64})
    card: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(contrast="T1w"))

    def assess(self, volume: Volume) -> Assessment:
        self.seen.append(volume)
        return Assessment(Severity(1.25, 0.75, 2.0), self.is_still, self.warnings)
