"""A residual network of plain 3x3 convolutions at one resolution, without batch norm.

As DnCNN (Zhang et al. 2017) and EDSR (Lim et al. 2017) have it: what a layer sees grows by two
pixels with each layer, so it suits motion whose traces lie close to the edges that they come from.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mcnet.networks.config import NetworkConfig, check_within

if TYPE_CHECKING:
    from mcnet.networks.base import ImageNetwork


@dataclass(frozen=True)
class ResidualCNNConfig(NetworkConfig):
    """The shape of a residual network."""

    blocks: int = 8
    """Residual blocks, of two convolutions each."""
    width: int = 32
    """Channels of every layer."""
    architecture: Literal["residual-cnn"] = "residual-cnn"

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        check_within("blocks", self.blocks, 1, 64)
        check_within("width", self.width, 1, 1024)
        super().__post_init__()

    def build(self) -> "ImageNetwork":
        """A network of this shape with random weights."""
        from torch import nn  # reading settings does without

        from mcnet.networks.base import Residual, StackedNetwork

        def convolution(n_in: int, n_out: int) -> nn.Conv2d:
            return nn.Conv2d(n_in, n_out, kernel_size=3, padding=1)

        return StackedNetwork(
            self,
            convolution(self.n_channels_in, self.width),
            *(
                Residual(
                    convolution(self.width, self.width),
                    nn.ReLU(inplace=True),
                    convolution(self.width, self.width),
                )
                for _ in range(self.blocks)
            ),
            convolution(self.width, self.n_channels_out),
        )
