"""Gridding: a fast preview by one adjoint with density compensation.

One adjoint instead of tens: gaps that rotation leaves in k-space stay empty, but densely sampled
frequencies do not count twice. The density weights are those of Pipe and Menon (Magn Reson Med
41:179, 1999), by the fixed-point iteration ``w <- w / (kernel * w)``.
"""

import numpy as np
from jaxtyping import Complex64, Float32, Shaped

from mcnet.physics.broadcasting import along_axis
from mcnet.reconstruction.sense_operator import SenseOperator

N_STEPS = 8
_SPARSEST = 0.05
"""Share of the mean density that weights are limited at: below, the kernel's tails dominate."""


def density_weights(
    operator: SenseOperator, shape: tuple[int, ...], *, n_steps: int = N_STEPS
) -> Float32[np.ndarray, "*shape"]:
    """Density weight of each sample, for an operator of one coil with map 1 and no translation.

    The kernel is the spectrum of a triangle as wide as the field of view, nowhere negative: its
    width is about one step of the grid. The mean of the weights is 1; of a still head each is 1.
    """
    triangle = np.ones(shape, np.float32)
    for axis, n in enumerate(shape):
        along = np.maximum(1 - np.abs(np.arange(n) - n // 2) / (n / 2), 0).astype(np.float32)
        triangle *= along_axis(along, axis, len(shape))

    def blurred(weights: np.ndarray) -> np.ndarray:
        images = operator.adjoint(weights[None, None].astype(np.complex64))
        return np.asarray(np.maximum(operator.kspace(triangle * images)[0, 0].real, 0))

    weights = np.ones(shape, np.float32)
    inside = blurred(weights) > 0  # beyond the band of the grid there is no signal
    for _ in range(n_steps):
        density = blurred(weights)
        sparsest = _SPARSEST * float(density[inside].mean())
        weights = np.where(inside, weights / np.maximum(density, sparsest), 0)
        weights *= np.float32(inside.sum() / weights.sum())
    return np.asarray(weights, dtype=np.float32)


def gridded(
    operator: SenseOperator,
    kspace: Complex64[np.ndarray, "n_coils n_images *shape"],
    weights: Float32[np.ndarray, "*shape"],
    *,
    real: bool = True,
) -> Shaped[np.ndarray, "n_images *shape"]:
    """Images by one adjoint weighted by `density_weights`."""
    images = operator.adjoint((kspace * weights).astype(np.complex64, copy=False))
    return np.asarray(images.real if real else images)
