"""Small models and guards for tests of what is around them."""

from dataclasses import dataclass
from pathlib import Path

import torch

from mcnet.correction.models import Model, load_model
from mcnet.correction.outcome import Assessment, Severity
from mcnet.data.volume import Volume
from mcnet.learning.network import NetworkConfig, UNet
from mcnet.learning.weights import save_network

CARD = {
    "name": "tiny",
    "purpose": "tests",
    "plane": "sagittal",
    "trained_pixel_mm": [0.5, 20.0],
    "data": "none",
    "licence": "CC0-1.0",
    "metrics": {"ssim": 0.5},
}


def tiny_weights(path: Path, seed: int = 3) -> Path:
    """Write a network of random weights that changes every image a little."""
    torch.manual_seed(seed)
    network = UNet(NetworkConfig(levels=2, width=4, head="residual"))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape))
    save_network(path, network, card=CARD)
    return path


def tiny_model(folder: Path, seed: int = 3) -> Model:
    """The network of `tiny_weights`, loaded."""
    return load_model(str(tiny_weights(folder / f"tiny-{seed}.safetensors", seed)))


@dataclass(frozen=True)
class FixedGuard:
    """Judges all scans alike."""

    is_still: bool = False
    warnings: tuple[str, ...] = ()

    def assess(self, volume: Volume) -> Assessment:  # noqa: ARG002
        """The same of every volume."""
        return Assessment(Severity(1.25, 0.75, 2.0), self.is_still, self.warnings)
