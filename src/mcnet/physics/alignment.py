"""Where the image of a moving head lies: the weights of the mean pose that aligns its reference."""

import numpy as np
from jaxtyping import Float

from mcnet.motion.poses import AXES
from mcnet.physics.acquisition import Acquisition
from mcnet.physics.broadcasting import along_axis
from mcnet.physics.operators import ScanGrid

COARSE_PER_MM = 0.1
"""Spatial frequencies that place an image: a translation of several mm moves finer ones by whole
cycles, so that they no longer tell where it lies."""


def alignment_weights(
    references: Float[np.ndarray, "n_slices n_y n_z"], acquisition: Acquisition
) -> Float[np.ndarray, "n_lines"]:
    """Weight of the pose at each time, for `MotionTrace.at_rest_on_average`.

    The energy of each line's coarse spatial frequencies times their square: the mean pose by these
    weights is, for small motion, the rigid move that makes the mean squared difference between
    the image and its reference smallest (set the derivative of ``sum |F(k)|^2 |exp(-2 pi i k.t) -
    exp(-2 pi i k.u)|^2`` by ``u`` to zero).

    Parameters
    ----------
    references
        Sagittal slices of the head at rest, on the grid of the acquisition.
    acquisition
        Its phase-encoding axis is y or z.
    """
    along_y, along_z = (
        (acquisition.matrix[axis], acquisition.voxel_size_mm[axis]) for axis in (1, 2)
    )
    line_axis = AXES.index(acquisition.phase_encoding_axis) - 1
    grid = ScanGrid((along_y[0], along_z[0]), (along_y[1], along_z[1]), line_axis)
    return np.asarray(line_weights(references, grid)[acquisition.line_at_time])


def line_weights(
    images: Float[np.ndarray, "n_images *shape"], grid: ScanGrid
) -> Float[np.ndarray, "n_lines"]:
    """The same of slices or volumes on the grid of the scan, by the lines' place in k-space."""
    axes = tuple(range(1, images.ndim))
    spectra = np.fft.fftshift(np.fft.fftn(images, axes=axes), axes=axes)
    energy = (np.abs(spectra) ** 2).sum(axis=0)
    squared = np.zeros(grid.shape)
    for axis in range(len(grid.shape)):
        k = grid.frequencies(axis)
        squared += along_axis(k**2, axis, len(grid.shape))
    weights = energy * squared * (squared < COARSE_PER_MM**2)
    others = tuple(axis for axis in range(len(grid.shape)) if axis != grid.line_axis)
    return np.asarray(weights.sum(axis=others))
