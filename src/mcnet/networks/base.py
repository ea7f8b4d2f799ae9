"""What every network that corrects images does around its own layers."""

import copy

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from mcnet.networks.config import NetworkConfig


class ImageNetwork(nn.Module):
    """Network from corrupted to corrected images, of any number of rows and columns.

    An architecture adds its layers and `body`; padding, folding and the head are the same for all.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config

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
        body = self.body(functional.pixel_unshuffle(padded, self.config.fold))
        body = functional.pixel_shuffle(body, self.config.fold)[..., :rows, :columns]
        if self.config.head == "direct":
            return body
        middle = self.config.adjacent
        return image[:, middle : middle + 1] + body

    def body(
        self, features: Float[Tensor, "n channels_in rows columns"]
    ) -> Float[Tensor, "n channels_out rows columns"]:
        """Return what the layers make of folded images, in as many rows and columns."""
        raise NotImplementedError

    def folded(self) -> "ImageNetwork":
        """Copy for inference that computes the same faster: batch norm is in the convolutions.

        It holds for every convolution that batch norm follows in an ``nn.Sequential``.
        """
        quick = copy.deepcopy(self).eval()
        for module in quick.modules():
            if isinstance(module, nn.Sequential):
                _fold_batch_norm(module)
        return quick


class StackedNetwork(ImageNetwork):
    """Network of layers one after another, the last of which is a convolution."""

    def __init__(self, config: NetworkConfig, *layers: nn.Module) -> None:
        super().__init__(config)
        self.layers = nn.Sequential(*layers)
        begin_at_identity(config, layers[-1])

    def body(
        self, features: Float[Tensor, "n channels_in rows columns"]
    ) -> Float[Tensor, "n channels_out rows columns"]:
        """Return what the layers make of folded images."""
        found: Tensor = self.layers(features)
        return found


class Residual(nn.Sequential):
    """Layers whose result is added to what they see."""

    def forward(
        self, features: Float[Tensor, "n channels rows columns"]
    ) -> Float[Tensor, "n channels rows columns"]:
        """Return the features with those of the layers added."""
        added: Tensor = super().forward(features)  # type: ignore[no-untyped-call]
        return features + added


def begin_at_identity(config: NetworkConfig, last: nn.Module) -> None:
    """Make the last layer of a network with a residual head give zero before training."""
    if config.head == "residual":
        for parameter in last.parameters():
            nn.init.zeros_(parameter)


def _fold_batch_norm(layers: nn.Sequential) -> None:
    for index, layer in enumerate(layers):
        after = layers[index + 1] if index + 1 < len(layers) else None
        if isinstance(layer, nn.Conv2d) and isinstance(after, nn.BatchNorm2d):
            layers[index] = fuse_conv_bn_eval(layer, after)
            layers[index + 1] = nn.Identity()
