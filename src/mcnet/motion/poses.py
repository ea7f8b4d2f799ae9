"""Rigid poses of the head; THE conventions of axes, signs and units.

Axes
    RAS+ in millimetres: x to the right, y to the front (anterior), z up (superior). A scan is
    brought to RAS+ for work and back for writing. The axes are those of the volume itself: of an
    oblique scan, the image's own axes nearest to right, anterior and superior.
Origin
    The centre of the field of view: voxel ``n // 2`` of an axis of ``n`` voxels, which is also
    where the discrete Fourier transform has its centre.
Pose
    A pose moves the head. The point ``p`` goes to ``R p + t``, ``R = Rz Ry Rx``: first the
    rotation about x, then about y, then about z, each by the right-hand rule, in degrees; ``t`` in
    mm. A pose is a 4x4 matrix ``[[R, t], [0, 1]]``, so "first a, then b" is ``b @ a``.
Spectrum
    ``F(k) = sum over p of f(p) exp(-2 pi i k.p)`` with k in cycles/mm. The moved head is
    ``g(q) = f(R^T (q - t))``, and its spectrum ``G(k) = exp(-2 pi i k.t) F(R^T k)``.
"""

from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

Axis = Literal["x", "y", "z"]
AXES: tuple[Axis, ...] = ("x", "y", "z")


def rotation_matrix(
    rotation_deg: Float[np.ndarray, "*points 3"],
) -> Float[np.ndarray, "*points 3 3"]:
    """Rotation matrices ``Rz Ry Rx`` of angles about x, y and z in degrees."""
    flat = np.asarray(rotation_deg, dtype=float).reshape(-1, 3)
    matrices = Rotation.from_euler("xyz", flat, degrees=True).as_matrix()
    return matrices.reshape(*np.shape(rotation_deg)[:-1], 3, 3)


def pose_matrix(
    translation_mm: Float[np.ndarray, "*points 3"], rotation_deg: Float[np.ndarray, "*points 3"]
) -> Float[np.ndarray, "*points 4 4"]:
    """Poses ``[[R, t], [0, 1]]`` of translations in mm and angles in degrees."""
    pose = np.zeros((*np.shape(translation_mm)[:-1], 4, 4))
    pose[..., :3, :3] = rotation_matrix(rotation_deg)
    pose[..., :3, 3] = translation_mm
    pose[..., 3, 3] = 1
    return pose


def pose_parameters(
    pose: Float[np.ndarray, "*points 4 4"],
) -> tuple[Float[np.ndarray, "*points 3"], Float[np.ndarray, "*points 3"]]:
    """Translations in mm and angles in degrees of poses: the inverse of `pose_matrix`."""
    matrices = np.ascontiguousarray(pose[..., :3, :3]).reshape(-1, 3, 3)
    angles = Rotation.from_matrix(matrices).as_euler("xyz", degrees=True)
    return pose[..., :3, 3].copy(), angles.reshape(*pose.shape[:-2], 3)


def inverse_pose(pose: Float[np.ndarray, "*points 4 4"]) -> Float[np.ndarray, "*points 4 4"]:
    """Poses that undo the given ones: ``[[R^T, -R^T t], [0, 1]]``."""
    transposed = np.swapaxes(pose[..., :3, :3], -1, -2)
    inverse = np.zeros_like(pose)
    inverse[..., :3, :3] = transposed
    inverse[..., :3, 3] = -np.einsum("...ij,...j->...i", transposed, pose[..., :3, 3])
    inverse[..., 3, 3] = 1
    return inverse
