"""MC-Net: the paper's network, derived from U-Net (Ronneberger et al. 2015)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from mcnet.networks.config import NetworkConfig


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


class UNet(nn.Module):
    """Network from corrupted to corrected images, of any number of rows and columns."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        n_pixels = config.fold**2
        widths = [config.width * 2**level for level in range(config.levels)]
        self.down = nn.ModuleList(
            _convolutions(n_in, n_out)
            for n_in, n_out in zip([config.n_inputs * n_pixels, *widths], widths, strict=False)
        )
        steps_up = list(zip(widths[1:], widths, strict=False))[::-1]
        self.enlarge = nn.ModuleList(
            nn.ConvTranspose2d(n_in, n_out, kernel_size=2, stride=2) for n_in, n_out in steps_up
        )
        self.up = nn.ModuleList(_convolutions(2 * n_out, n_out) for _, n_out in steps_up)
        self.last = nn.Conv2d(widths[0], n_pixels, kernel_size=1)
        if config.head == "residual":
            nn.init.zeros_(self.last.weight)
            if self.last.bias is not None:
                nn.init.zeros_(self.last.bias)

    @property
    def n_parameters(self) -> int:
        """Number of trained parameters."""
        return sum(parameter.numel() for parameter in self.parameters())

    def forward(
        self, image: Float[Tensor, "n n_inputs rows columns"]
    ) -> Float[Tensor, "n 1 rows columns"]:
        """Return the middle slices corrected; the padding is cut off again."""
        rows, columns = image.shape[-2:]
        multiple = self.config.multiple
        beyond = (0, -columns % multiple, 0, -rows % multiple)
        padded = functional.pad(image, beyond, mode="replicate") if any(beyond) else image
        body = self._body(functional.pixel_unshuffle(padded, self.config.fold))
        body = functional.pixel_shuffle(body, self.config.fold)[..., :rows, :columns]
        if self.config.head == "direct":
            return body
        middle = self.config.adjacent
        return image[:, middle : middle + 1] + body

    def _body(self, features: Tensor) -> Tensor:
        skipped: list[Tensor] = []
        for level, convolutions in enumerate(self.down):
            features = convolutions(functional.max_pool2d(features, 2) if level else features)
            skipped.append(features)
        skipped.pop()
        for enlarge, convolutions in zip(self.enlarge, self.up, strict=True):
            features = convolutions(torch.cat([skipped.pop(), enlarge(features)], dim=1))
        body: Tensor = self.last(features)
        return body
