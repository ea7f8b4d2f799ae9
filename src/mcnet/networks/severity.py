"""How far the head moved, and an out-of-distribution score, from slices alone."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from mcnet.networks.config import SeverityConfig

OFFSET_MM = 0.1
"""Added before the logarithm is taken: less motion than this is hard to tell from none."""


class SeverityNetwork(nn.Module):
    """From slices to the logarithm of their severity, with its standard deviation."""

    def __init__(self, config: SeverityConfig) -> None:
        super().__init__()
        self.config = config
        layers: list[nn.Module] = []
        n_in = config.fold**2
        for level, n_out in enumerate(config.widths):
            layers += [nn.MaxPool2d(2)] if level else []
            for n_before in (n_in, n_out):
                layers.append(nn.Conv2d(n_before, n_out, kernel_size=3, padding=1, bias=False))
                layers += [nn.BatchNorm2d(n_out), nn.ReLU(inplace=True)]
            n_in = n_out
        self.body = nn.Sequential(*layers)
        self.last = nn.Linear(n_in, 2)

    def features(self, images: Float[Tensor, "n 1 rows columns"]) -> Float[Tensor, "n features"]:
        """Features of each slice, averaged over its pixels."""
        multiple = self.config.fold * 2 ** (self.config.levels - 1)
        beyond = (0, -images.shape[-1] % multiple, 0, -images.shape[-2] % multiple)
        padded = functional.pad(images, beyond, mode="replicate") if any(beyond) else images
        found: Tensor = self.body(functional.pixel_unshuffle(padded, self.config.fold))
        return found.mean((2, 3))

    def forward(self, images: Float[Tensor, "n 1 rows columns"]) -> Float[Tensor, "n 2"]:
        """Mean and logarithm of the standard deviation of ``log(severity_mm + OFFSET_MM)``."""
        return self.estimate(self.features(images))

    def estimate(self, features: Float[Tensor, "n features"]) -> Float[Tensor, "n 2"]:
        """The same, of features."""
        mean, log_deviation = self.last(features).unbind(1)
        return torch.stack([mean, log_deviation.clamp(-5, 3)], dim=1)


def severity_loss(
    estimate: Float[Tensor, "n 2"], severity_mm: Float[Tensor, "n"]
) -> Float[Tensor, ""]:
    """Negative logarithm of the likelihood of the severities, Gaussian in their logarithm."""
    mean, log_deviation = estimate.unbind(1)
    error = (torch.log(severity_mm + OFFSET_MM) - mean) / log_deviation.exp()
    return (error.square() / 2 + log_deviation).mean()


def out_of_distribution_score(
    features: Float[Tensor, "n features"],
    mean: Float[Tensor, "features"],
    precision: Float[Tensor, "features features"],
) -> Float[Tensor, "n"]:
    """Mahalanobis distance of scans from those trained on (Lee et al. 2018), per feature.

    Divided by the square root of the number of features, so that it is about 1 for a scan like
    those, whatever that number.
    """
    beyond = features - mean
    squared = torch.einsum("ni,ij,nj->n", beyond, precision, beyond)
    return (squared.clamp(min=0) / len(mean)).sqrt()
