"""Models with few parameters, and guards that say what they are told to."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from mcnet.correction.models import Model, load_model
from mcnet.correction.outcome import Assessment, Severity
from mcnet.io.volume import Volume
from mcnet.networks.unet import NetworkConfig, UNet
from mcnet.networks.weights import save_network

CARD: dict[str, Any] = {
    "name": "tiny",
    "purpose": "tests",
    "plane": "sagittal",
    "trained_pixel_mm": [1.0, 1.2],
    "licence": "CC0-1.0",
    "data": ["drawn heads", "noise"],
    "metrics": {"ssim": 0.91234, "slices": 12},
}


def random_network(
    *, head: str = "residual", fold: int = 2, seed: int = 0, sees_undone: bool = False
) -> UNet:
    """A network whose batch norm has seen something and whose weights are all at work."""
    torch.manual_seed(seed)
    network = UNet(NetworkConfig(2, width=3, head=head, fold=fold, sees_undone=sees_undone))
    for name, parameter in network.named_parameters():
        if name.startswith("last"):
            torch.nn.init.normal_(parameter, std=0.1)
    network.train()(torch.rand(8, network.config.n_inputs, 16, 12))
    return network.eval()


def still_network() -> UNet:
    """A network that changes nothing."""
    return UNet(NetworkConfig(levels=2, width=2, head="residual", fold=2)).eval()


def model_of(network: UNet, **card: Any) -> Model:
    """A model that no file holds."""
    return Model("tiny", Path("tiny.safetensors"), "0" * 64, network, {**CARD, **card})


def tiny_weights(path: Path, seed: int = 3) -> Path:
    """Write a network that changes every image a little, and takes pixels of nearly any size."""
    save_network(path, random_network(seed=seed), card={**CARD, "trained_pixel_mm": [0.5, 10.0]})
    return path


def tiny_model(folder: Path, seed: int = 3) -> Model:
    """The network of `tiny_weights`, loaded."""
    return load_model(str(tiny_weights(folder / f"tiny-{seed}.safetensors", seed)))


@dataclass
class FakeGuard:
    """Judges every scan alike, and remembers which ones it saw."""

    is_still: bool = False
    warnings: tuple[str, ...] = ()
    seen: list[Volume] = field(default_factory=list)

    def assess(self, volume: Volume) -> Assessment:
        self.seen.append(volume)
        return Assessment(Severity(1.25, 0.75, 2.0), self.is_still, self.warnings)
