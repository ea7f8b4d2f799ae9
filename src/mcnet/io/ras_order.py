"""The order of a scan's axes: as stored, and nearest to right, anterior and superior."""

from itertools import permutations

import numpy as np
from jaxtyping import Float64, Shaped


class RasOrder:
    """Reordering from stored axes to those nearest to right, anterior and superior, and back."""

    def __init__(self, affine: Float64[np.ndarray, "4 4"]) -> None:
        axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
        self.order = max(
            permutations(range(3)),
            key=lambda order: sum(abs(axes[world, axis]) for world, axis in enumerate(order)),
        )
        """The stored axis that becomes x, y and z."""
        self.flips = tuple(world for world in range(3) if axes[world, self.order[world]] < 0)
        """Which of x, y and z run backwards in the file."""

    def to_ras(self, stored: Shaped[np.ndarray, "i j k"]) -> Shaped[np.ndarray, "x y z"]:
        """Values in RAS+ order."""
        return np.flip(stored.transpose(self.order), self.flips)

    def from_ras(self, values: Shaped[np.ndarray, "x y z"]) -> Shaped[np.ndarray, "i j k"]:
        """Values in stored order."""
        return np.flip(values, self.flips).transpose(np.argsort(self.order))

    def ras_affine(
        self, affine: Float64[np.ndarray, "4 4"], shape: tuple[int, ...]
    ) -> Float64[np.ndarray, "4 4"]:
        """Affine of the values in RAS+ order, from that of the stored ones and their shape."""
        stored_of_ras = np.zeros((4, 4))
        stored_of_ras[3, 3] = 1
        for world, axis in enumerate(self.order):
            flipped = world in self.flips
            stored_of_ras[axis, world] = -1 if flipped else 1
            stored_of_ras[axis, 3] = shape[axis] - 1 if flipped else 0
        return np.asarray(affine @ stored_of_ras)
