"""Differences between neighbouring pixels, their adjoint, and Hessians of what is summed of them.

With ``D`` the differences along all axes, a penalty ``sum of phi(D f)`` has the gradient
``D^T phi'(D f)`` and the Hessian ``D^T diag(phi''(D f)) D``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from mcnet.motion_estimation.regularisers.protocol import Images

_AFTER, _BEFORE = slice(1, None), slice(None, -1)


def differences(images: Images) -> Iterator[Images]:
    """To the next pixel along each axis; zero at the last pixel."""
    for axis in range(1, images.ndim):
        yield np.diff(images, axis=axis, append=images.take([-1], axis))


def adjoint_of_differences(of_axes: Iterable[Images]) -> Images:
    """Adjoint of `differences`."""
    images: np.ndarray | None = None
    for axis, along in enumerate(of_axes, start=1):
        images = -along if images is None else images - along
        after, before = ((slice(None),) * axis + (part,) for part in (_AFTER, _BEFORE))
        images[after] += along[before]
    return np.asarray(images)


@dataclass(frozen=True, eq=False)
class DifferenceHessian:
    """``D^T diag(weights) D``."""

    weights: tuple[Images, ...]
    """For each axis, of each difference."""

    @property
    def mean_diagonal(self) -> float:
        """About the mean of its diagonal: a pixel has two differences an axis."""
        return 2 * len(self.weights) * float(self.weights[0].mean())

    def product(self, change: Images) -> Images:
        """Hessian times a change of the images."""
        return adjoint_of_differences(
            one * along for one, along in zip(self.weights, differences(change), strict=True)
        )
