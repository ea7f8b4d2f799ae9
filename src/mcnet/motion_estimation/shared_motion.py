"""Poses without the spurious part of what lines ``k`` and ``-k`` share (Hermitian-even part).

What they do not share is told by the data: a real image has each line twice. What they share is
told by the total variation alone, and some of it is found in still heads too. Of slices that is
little; of volumes it is more, and wanders slowly from the centre of k-space outward.
"""

from itertools import pairwise

import numpy as np
import scipy.fft
from jaxtyping import Float

from mcnet.motion_estimation.mirrored import alike
from mcnet.physics.line_poses import LinePoses, from_mm, in_mm


def shrunk(poses: LinePoses, spurious_mm: float) -> LinePoses:
    """Poses whose shared part is less by the share of its variance that is spurious.

    James and Stein 1961: the less was found, the more of it is held to be spurious.

    Parameters
    ----------
    poses
        Measured from their mean.
    spurious_mm
        Root mean square of the spurious part, rotations as translations
        (`mcnet.physics.line_poses`).
    """
    shared = alike(poses)
    squared_mm = float((in_mm(shared) ** 2).sum(axis=1).mean())
    return np.asarray(poses - min(spurious_mm**2 / max(squared_mm, 1e-12), 1) * shared)


def filtered(poses: LinePoses, spurious_mm: float) -> LinePoses:
    """Poses whose shared part is about as large as the part that is certain, at every scale of k.

    A head knows nothing of lines: what ``k`` and ``-k`` share of its motion is about as large as
    what they do not. Where the second is small, from octave to octave, there much of the first is
    held to be spurious: a Wiener filter, whose signal is the power of the second.

    Parameters
    ----------
    poses
        Measured from their mean.
    spurious_mm
        Root mean square of the cosine ``j = 1``, along lines from the centre outward, of each
        degree of freedom of the spurious part. It falls as ``1 / j``, as that of a random walk
        does, and is as large where ``j = 0``.
    """
    poses_mm = in_mm(poses)
    shared = alike(poses_mm)
    n_lines = len(poses_mm)
    outward = slice(n_lines // 2, None)
    found, signal = (_cosines(one[outward]) for one in (shared, poses_mm - shared))
    spurious = spurious_mm / np.maximum(np.arange(len(found)), 1)
    kept = np.empty(len(found))
    for octave in _octaves(len(found)):
        power = float((signal[octave] ** 2).mean())
        kept[octave] = power / (power + float((spurious[octave] ** 2).mean()))
    taken_off = _lines((1 - kept[:, None]) * found)
    distance = np.abs(np.arange(n_lines) - n_lines // 2)
    return from_mm(poses_mm - taken_off[np.minimum(distance, len(taken_off) - 1)])


def _cosines(of_lines: Float[np.ndarray, "n m"]) -> Float[np.ndarray, "n m"]:
    """Amplitudes whose squares sum to the mean square."""
    return np.asarray(scipy.fft.dct(of_lines, axis=0, norm="ortho") / np.sqrt(len(of_lines)))


def _lines(cosines: Float[np.ndarray, "n m"]) -> Float[np.ndarray, "n m"]:
    """The inverse of `_cosines`."""
    return np.asarray(scipy.fft.idct(cosines * np.sqrt(len(cosines)), axis=0, norm="ortho"))


def _octaves(n: int) -> list[slice]:
    """0, 1, 2 and 3, 4 to 7, and so on below ``n``."""
    edges = [0, *(2**power for power in range((n - 1).bit_length())), n]
    return [slice(first, last) for first, last in pairwise(edges)]
