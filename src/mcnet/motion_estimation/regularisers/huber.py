"""Huber penalty of differences: quadratic for small ones, as total variation for large ones.

Huber, Ann Math Stat 35:73, 1964. Smooth shading costs less than under total variation, so that it
makes fewer flat patches with steps between them; edges cost the same.
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
class Huber:
    """``sum of weight * h(d)`` with ``h`` of slope ``d / epsilon``, at most 1 and at least -1."""

    weights: tuple[float, ...]
    """One for each axis."""
    epsilon: float
    """Differences up to this are penalised by their square: ``d^2 / (2 epsilon)``."""
    majorising: float = 0.05
    """As that of `total_variation.TotalVariation`."""

    def value(self, images: Images) -> float:
        """Penalty of all images together."""
        return sum(
            weight * float(self._penalty(np.abs(one)).sum(dtype=float))
            for weight, one in zip(self.weights, differences(images), strict=True)
        )

    def gradient(self, images: Images) -> Images:
        """Derivative by the images."""
        return adjoint_of_differences(
            np.float32(weight) * np.clip(one / np.float32(self.epsilon), -1, 1)
            for weight, one in zip(self.weights, differences(images), strict=True)
        )

    def hessian(self, images: Images) -> DifferenceHessian:
        """Second derivative, in part replaced by that of a parabola above: see `majorising`."""
        return DifferenceHessian(
            tuple(
                np.float32(weight) * self._second_derivative(np.abs(one))
                for weight, one in zip(self.weights, differences(images), strict=True)
            )
        )

    def _penalty(self, size: Images) -> Images:
        epsilon = np.float32(self.epsilon)
        return np.where(size <= epsilon, size**2 / (2 * epsilon), size - epsilon / 2)

    def _second_derivative(self, size: Images) -> Images:
        epsilon = np.float32(self.epsilon)
        safe = np.float32(self.majorising) / np.maximum(size, epsilon)
        exact = np.float32((1 - self.majorising) / self.epsilon) * (size <= epsilon)
        return np.asarray(safe + exact)


@register("huber")
def huber(inputs: RegulariserInputs) -> Huber:
    """Huber penalty with one weight for each axis."""
    return Huber(inputs.weights, inputs.epsilon)
