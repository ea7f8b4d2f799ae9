"""Poses in mm throughout, as a search takes its steps: turns by the shift that they make."""

import numpy as np
from jaxtyping import Complex64, Float

from mcnet.physics.operators import LinePoses

RADIUS_MM = 50.0
"""Turns count as the shift that they make at this distance from the centre."""
_N_ROTATIONS = {3: 1, 6: 3}
"""Of poses with so many degrees of freedom: in a plane, and in space."""


def in_mm(
    poses: LinePoses,
) -> LinePoses:
    """Poses whose turns, in radians, become shifts at `RADIUS_MM`."""
    return np.asarray(poses / _units(poses.shape[1]))


def from_mm(
    poses_mm: LinePoses,
) -> LinePoses:
    """Poses with turns in radians again: the inverse of `in_mm`."""
    return np.asarray(poses_mm * _units(poses_mm.shape[1]))


def by_mm(
    derivatives: Complex64[np.ndarray, "n_dof *kspace"],
) -> Complex64[np.ndarray, "n_dof *kspace"]:
    """Derivatives by poses as those by poses in mm; written over."""
    for derivative, unit in zip(derivatives, _units(len(derivatives)), strict=True):
        derivative *= np.float32(unit)
    return derivatives


def _units(n_dof: int) -> Float[np.ndarray, "n_dof"]:
    """What 1 mm is of each."""
    n_rotations = _N_ROTATIONS[n_dof]
    return np.array([1 / RADIUS_MM] * n_rotations + [1.0] * (n_dof - n_rotations))
