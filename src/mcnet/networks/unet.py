"""The layers of MC-Net, the paper's network, derived from U-Net (Ronneberger et al. 2015)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from mcnet.networks.architectures.unet import UNetConfig
from mcnet.networks.base import ImageNetwork, begin_at_identity


def _convolutions(n_in: int, n_out: int) -> nn.Sequential:
    """Twice 3x3 convolution, batch norm (which holds the bias) and ReLU."""
    layers: list[nn.Module] = []
    for n_before in (n_in, n_out):
        layers += [
            nn.Conv2d(n_before, n_out, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(n_out),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


class UNet(ImageNetwork):
    """U-Net from corrupted to corrected images."""

    def __init__(self, config: UNetConfig) -> None:
        super().__init__(config)
        widths = [config.width * 2**level for level in range(config.levels)]
        self.down = nn.ModuleList(
            _convolutions(n_in, n_out)
            for n_in, n_out in zip([config.n_channels_in, *widths], widths, strict=False)
        )
        steps_up = list(zip(widths[1:], widths, strict=False))[::-1]
        self.enlarge = nn.ModuleList(
            nn.ConvTranspose2d(n_in, n_out, kernel_size=2, stride=2) for n_in, n_out in steps_up
        )
        self.up = nn.ModuleList(_convolutions(2 * n_out, n_out) for _, n_out in steps_up)
        self.last = nn.Conv2d(widths[0], config.n_channels_out, kernel_size=1)
        begin_at_identity(config, self.last)

    def body(
        self, features: Float[Tensor, "n channels_in rows columns"]
    ) -> Float[Tensor, "n channels_out rows columns"]:
        """Return what the levels, down and up again, make of folded images."""
        skipped: list[Tensor] = []
        for level, convolutions in enumerate(self.down):
            features = convolutions(functional.max_pool2d(features, 2) if level else features)
            skipped.append(features)
        skipped.pop()
        for enlarge, convolutions in zip(self.enlarge, self.up, strict=True):
            features = convolutions(torch.cat([skipped.pop(), enlarge(features)], dim=1))
        body: Tensor = self.last(features)
        return body
