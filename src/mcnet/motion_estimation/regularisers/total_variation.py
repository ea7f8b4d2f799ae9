"""Smoothed total variation: of all images that explain the data, the still one has the least.

Motion that remains in an image blurs edges and puts ghosts of them beside; both add to the sum of
absolute differences between neighbours.
"""

from dataclasses import dataclass

import numpy as np

from mcnet.motion_estimation.regularisers.differences import (
    DifferenceHessian,
    adjoint_of_differences,
    differences,
)
from mcnet.motion_estimation.regularisers.protocol import Images, RegulariserInputs
from mcnet.motion_estimation.regularisers.registry import register


@dataclass(frozen=True)
class TotalVariation:
    """``sum of weight * sqrt(d^2 + epsilon^2)``, over differences ``d`` along each axis."""

    weights: tuple[float, ...]
    """One for each axis."""
    epsilon: float
    """Differences far below this count as none."""
    majorising: float = 0.05
    """Share of the Hessian that is that of the parabola which touches the function from above
    (it keeps steps safe); the rest is the second derivative (it lets edges move)."""

    def value(self, images: Images) -> float:
        """Total variation of all images together."""
        return sum(
            weight * float(np.sqrt(one**2 + self.epsilon**2).sum(dtype=float))
            for weight, one in zip(self.weights, differences(images), strict=True)
        )

    def gradient(self, images: Images) -> Images:
        """Derivative by the images."""
        return adjoint_of_differences(
            np.float32(weight) * one / self._size(one)
            for weight, one in zip(self.weights, differences(images), strict=True)
        )

    def hessian(self, images: Images) -> DifferenceHessian:
        """Second derivative, in part replaced by that of a parabola above: see `majorising`."""
        return DifferenceHessian(
            tuple(
                self._hessian_weights(weight, self._size(one))
                for weight, one in zip(self.weights, differences(images), strict=True)
            )
        )

    def _size(self, difference: Images) -> Images:
        return np.asarray(np.sqrt(difference**2 + np.float32(self.epsilon**2)))

    def _hessian_weights(self, weight: float, size: Images) -> Images:
        safe = np.float32(self.majorising) / size
        exact = np.float32((1 - self.majorising) * self.epsilon**2) / size**3
        return np.asarray(np.float32(weight) * (safe + exact))


@register("total-variation")
def total_variation(inputs: RegulariserInputs) -> TotalVariation:
    """Total variation with one weight for each axis."""
    return TotalVariation(inputs.weights, inputs.epsilon)
