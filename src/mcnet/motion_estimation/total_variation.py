"""Total variation of images, smoothed: what is smallest, of all images that fit, for a still head.

Motion that is left in an image blurs edges and sets ghosts of them beside; both add to the sum of
absolute differences between neighbours.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

_AFTER, _BEFORE = slice(1, None), slice(None, -1)

Images = Float32[np.ndarray, "n *shape"]


@dataclass(frozen=True)
class TotalVariation:
    """``sum of weight * sqrt(d^2 + width^2)``, over differences ``d`` along each axis."""

    weights: tuple[float, ...]
    """One an axis."""
    width: float
    """Differences below this count as none, nearly: the images' brightest is about 1."""
    majorising: float = 0.05
    """Share of the curvature that is taken from the parabola above the function, which keeps
    steps safe; the rest is the second derivative, which lets edges move."""

    def value(self, images: Images) -> float:
        """Of all images together."""
        return sum(
            weight * float(np.sqrt(one**2 + self.width**2).sum(dtype=float))
            for weight, one in zip(self.weights, _differences(images), strict=True)
        )

    def gradient(self, images: Images) -> Images:
        """Derivative by the images."""
        return _adjoint(
            np.float32(weight) * one / np.sqrt(one**2 + np.float32(self.width**2))
            for weight, one in zip(self.weights, _differences(images), strict=True)
        )

    def curvature(self, images: Images) -> list[Images]:
        """For each axis and difference, to be multiplied with a change of it; see `curved`."""
        return [
            self._curvature(weight, np.sqrt(one**2 + np.float32(self.width**2)))
            for weight, one in zip(self.weights, _differences(images), strict=True)
        ]

    def _curvature(self, weight: float, size: Images) -> Images:
        safe = np.float32(self.majorising) / size
        exact = np.float32((1 - self.majorising) * self.width**2) / size**3
        return np.asarray(np.float32(weight) * (safe + exact))


def curved(curvature: Sequence[Images], change: Images) -> Images:
    """Second derivative times a change of the images."""
    return _adjoint(one * along for one, along in zip(curvature, _differences(change), strict=True))


def _differences(images: Images) -> Iterator[Images]:
    """To the next pixel along each axis; zero at the end."""
    for axis in range(1, images.ndim):
        yield np.diff(images, axis=axis, append=images.take([-1], axis))


def _adjoint(differences: Iterable[Images]) -> Images:
    """Adjoint of `_differences`."""
    images: np.ndarray | None = None
    for axis, along in enumerate(differences, start=1):
        images = -along if images is None else images - along
        after, before = ((slice(None),) * axis + (part,) for part in (_AFTER, _BEFORE))
        images[after] += along[before]
    return np.asarray(images)
