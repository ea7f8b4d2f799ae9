"""The fast preview: every line brought back by its pose and weighted by how dense lines lie there.

One adjoint instead of tens: gaps that motion tore stay empty, but crowded frequencies do not count
twice. The weights are those of Pipe and Menon (Magn Reson Med 41:179, 1999): by fixed-point steps
``w <- w / (kernel * w)`` until the weighted points are everywhere as dense.
"""

import numpy as np
from jaxtyping import Complex64, Float32, Shaped

from mcnet.physics.broadcasting import along_axis
from mcnet.reconstruction.operator import CoilScan

N_STEPS = 8
_SPARSEST = 0.05
"""Of the mean density: fewer samples than this say more of the kernel's tails than of k-space."""


def density_weights(
    scan: CoilScan, shape: tuple[int, ...], *, n_steps: int = N_STEPS
) -> Float32[np.ndarray, "*shape"]:
    """Weight of each sample of a scan of one coil whose map is 1, with shifts that are zero.

    The kernel is the spectrum of a triangle as wide as the field of view, nowhere negative: two
    samples count as close where they are less than about one step of the grid apart. The mean of
    the weights is 1, and so is each where the head keeps still.
    """
    triangle = np.ones(shape, np.float32)
    for axis, n in enumerate(shape):
        along = np.maximum(1 - np.abs(np.arange(n) - n // 2) / (n / 2), 0).astype(np.float32)
        triangle *= along_axis(along, axis, len(shape))

    def blurred(weights: np.ndarray) -> np.ndarray:
        images = scan.adjoint(weights[None, None].astype(np.complex64))
        return np.asarray(np.maximum(scan.kspace(triangle * images)[0, 0].real, 0))

    weights = np.ones(shape, np.float32)
    inside = blurred(weights) > 0  # beyond the band nothing is there, and nothing comes back
    for _ in range(n_steps):
        density = blurred(weights)
        sparsest = _SPARSEST * float(density[inside].mean())
        weights = np.where(inside, weights / np.maximum(density, sparsest), 0)
        weights *= np.float32(inside.sum() / weights.sum())
    return np.asarray(weights, dtype=np.float32)


def gridded(
    scan: CoilScan,
    kspace: Complex64[np.ndarray, "n_coils n_images *shape"],
    weights: Float32[np.ndarray, "*shape"],
    *,
    real: bool = True,
) -> Shaped[np.ndarray, "n_images *shape"]:
    """Images by one weighted adjoint; ``weights`` are of `density_weights`."""
    images = scan.adjoint((kspace * weights).astype(np.complex64, copy=False))
    return np.asarray(images.real if real else images)
