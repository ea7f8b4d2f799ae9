"""Total variation of images, smoothed: what is smallest, of all images that fit, for a still head.

Motion that is left in an image blurs edges and sets ghosts of them beside; both add to the sum of
absolute differences between neighbours.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

Images = Float32[np.ndarray, "n rows columns"]


@dataclass(frozen=True)
class TotalVariation:
    """``weight * sum of sqrt(d^2 + width^2)`` over differences ``d`` along rows and columns."""

    weight: float
    width: float
    """Differences below this count as none, nearly: the images' brightest is about 1."""
    majorising: float = 0.05
    """Share of the curvature that is taken from the parabola above the function, which keeps
    steps safe; the rest is the second derivative, which lets edges move."""

    def value(self, images: Images) -> float:
        """Of all images together."""
        return self.weight * sum(
            float(np.sqrt(one**2 + self.width**2).sum(dtype=float)) for one in _differences(images)
        )

    def gradient(self, images: Images) -> Images:
        """Derivative by the images."""
        return _adjoint(
            *(
                np.float32(self.weight) * one / np.sqrt(one**2 + np.float32(self.width**2))
                for one in _differences(images)
            )
        )

    def curvature(self, images: Images) -> tuple[Images, Images]:
        """For each difference, to be multiplied with a change of it; see `curved`."""
        along_rows, along_columns = (
            self._curvature(np.sqrt(one**2 + np.float32(self.width**2)))
            for one in _differences(images)
        )
        return along_rows, along_columns

    def _curvature(self, size: Images) -> Images:
        safe = np.float32(self.majorising) / size
        exact = np.float32((1 - self.majorising) * self.width**2) / size**3
        return np.asarray(np.float32(self.weight) * (safe + exact))


def curved(curvature: tuple[Images, Images], change: Images) -> Images:
    """Second derivative times a change of the images."""
    along_rows, along_columns = _differences(change)
    return _adjoint(curvature[0] * along_rows, curvature[1] * along_columns)


def _differences(images: Images) -> tuple[Images, Images]:
    """To the next row and to the next column; zero at the end."""
    return (
        np.diff(images, axis=1, append=images[:, -1:]),
        np.diff(images, axis=2, append=images[:, :, -1:]),
    )


def _adjoint(along_rows: Images, along_columns: Images) -> Images:
    images = -along_rows - along_columns
    images[:, 1:] += along_rows[:, :-1]
    images[:, :, 1:] += along_columns[:, :, :-1]
    return np.asarray(images)
