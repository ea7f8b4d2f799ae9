"""The paper's network, MC-Net: a U-Net (Ronneberger et al. 2015)."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mcnet.networks.config import NetworkConfig, check_within

if TYPE_CHECKING:
    from mcnet.networks.unet import UNet


@dataclass(frozen=True)
class UNetConfig(NetworkConfig):
    """The shape of a U-Net; the default is near the paper's."""

    levels: int = 5
    """Resolutions; between two of them the image is halved."""
    width: int = 64
    """Channels of the first level; every further level has twice as many."""
    architecture: Literal["unet"] = "unet"

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        check_within("levels", self.levels, 1, 8)
        check_within("width", self.width, 1, 1024)
        super().__post_init__()

    @property
    def multiple(self) -> int:
        """Rows and columns are padded to a multiple of this: the deepest level has whole pixels."""
        return int(self.fold * 2 ** (self.levels - 1))

    def n_normalised(self, rows: int, columns: int) -> int:
        """Values a channel of one image at the deepest level, where batch norm has fewest."""
        return math.ceil(rows / self.multiple) * math.ceil(columns / self.multiple)

    def build(self) -> "UNet":
        """A U-Net of this shape with random weights."""
        from mcnet.networks.unet import UNet  # torch, which reading settings does without

        return UNet(self)
