"""Where the image of a moving head lies: the weights of the mean pose that aligns its reference."""

import numpy as np
from jaxtyping import Float

from mcnet.geometry import AXES
from mcnet.simulation.acquisition import Acquisition

COARSE_PER_MM = 0.1
"""Spatial frequencies that place an image: a shift of several mm turns finer ones by whole cycles,
so that they no longer tell where it lies."""


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
    spectra = np.fft.fftshift(np.fft.fft2(references), axes=(1, 2))
    energy = (np.abs(spectra) ** 2).sum(axis=0)
    along_y, along_z = acquisition.axis_frequencies("y"), acquisition.axis_frequencies("z")
    squared = along_y[:, None] ** 2 + along_z[None, :] ** 2
    weights = energy * squared * (squared < COARSE_PER_MM**2)
    line_axis = AXES.index(acquisition.phase_encoding_axis) - 1
    of_lines = weights.sum(axis=1 - line_axis)
    return np.asarray(of_lines[acquisition.line_at_time])
