"""What a regulariser of joint estimation has to give: value, gradient and Hessian product."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

Images = Float32[np.ndarray, "n_images *shape"]


@runtime_checkable
class Hessian(Protocol):
    """Second derivative of a regulariser at fixed images, or a positive approximation of it."""

    @property
    def mean_diagonal(self) -> float:
        """About the mean of its diagonal: the preconditioner of the images divides by it."""
        ...

    def product(self, change: Images) -> Images:
        """Hessian times a change of the images."""
        ...


@runtime_checkable
class Regulariser(Protocol):
    """A penalty on images that is small for the image of a still head."""

    def value(self, images: Images) -> float:
        """Penalty of all images together."""
        ...

    def gradient(self, images: Images) -> Images:
        """Derivative of the value by the images."""
        ...

    def hessian(self, images: Images) -> Hessian:
        """Hessian at these images, kept as it is while conjugate gradients solve with it."""
        ...


@dataclass(frozen=True, eq=False)
class RegulariserInputs:
    """What a regulariser is made from, at one resolution of the search."""

    weights: tuple[float, ...]
    """One for each axis of an image; the images' brightest is about 1."""
    epsilon: float
    """Differences between neighbours far below this count as smooth."""
    first: Images
    """Images from which the search starts: a network's, or the scan's own."""
