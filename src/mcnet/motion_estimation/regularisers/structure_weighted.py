"""Total variation that costs less where a still image of the same head has its edges.

After Ehrhardt and Betcke (SIAM J Imaging Sci 9:1084, 2016) and, for motion, Rizzuti et al. (IEEE
Trans Comput Imaging 8:967, 2022). The still image is the one from which the search starts: of a
network, or another contrast that the caller gives.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mcnet.motion_estimation.regularisers.differences import (
    DifferenceHessian,
    adjoint_of_differences,
    differences,
)
from mcnet.motion_estimation.regularisers.protocol import Images, RegulariserInputs
from mcnet.motion_estimation.regularisers.registry import register
from mcnet.motion_estimation.regularisers.total_variation import TotalVariation

EDGE = 0.05
"""Difference between neighbours of the still image, whose brightest is about 1, at which the weight
has fallen to ``1 / sqrt(2)``."""


@dataclass(frozen=True, eq=False)
class StructureWeighted:
    """``sum of s * weight * sqrt(d^2 + epsilon^2)`` with shares ``s`` of each difference."""

    plain: TotalVariation
    """The same with shares of 1."""
    shares: tuple[Images, ...]
    """For each axis, of each difference; between 0 and 1."""

    def value(self, images: Images) -> float:
        """Penalty of all images together."""
        return sum(
            weight * float((share * np.sqrt(one**2 + self._squared)).sum(dtype=float))
            for weight, share, one in self._by_axis(images)
        )

    def gradient(self, images: Images) -> Images:
        """Derivative by the images."""
        return adjoint_of_differences(
            np.float32(weight) * share * one / np.sqrt(one**2 + self._squared)
            for weight, share, one in self._by_axis(images)
        )

    def hessian(self, images: Images) -> DifferenceHessian:
        """As that of `TotalVariation`, by the shares."""
        plain = self.plain.hessian(images).weights
        return DifferenceHessian(
            tuple(share * one for share, one in zip(self.shares, plain, strict=True))
        )

    @property
    def _squared(self) -> np.float32:
        return np.float32(self.plain.epsilon**2)

    def _by_axis(self, images: Images) -> Iterator[tuple[float, Images, Images]]:
        return zip(self.plain.weights, self.shares, differences(images), strict=True)


@register("structure-weighted-total-variation")
def structure_weighted(inputs: RegulariserInputs) -> StructureWeighted:
    """Total variation with less weight at the edges of the first images."""
    shares = tuple(
        np.asarray(EDGE / np.sqrt(one**2 + EDGE**2), np.float32)
        for one in differences(inputs.first)
    )
    return StructureWeighted(TotalVariation(inputs.weights, inputs.epsilon), shares)
