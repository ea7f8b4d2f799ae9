"""Poses of a head that moves in space, as `mcnet.physics.operators` wants them."""

import numpy as np
from jaxtyping import Float

from mcnet.motion.poses import inverse_pose, pose_matrix, pose_parameters

SpacePoses = Float[np.ndarray, "n_lines 6"]
"""A pose for each line, by its place in k-space: turns about x, y and z in radians, shifts along
them in mm, as `mcnet.motion.poses` has them."""


def matrices_of(poses: SpacePoses) -> Float[np.ndarray, "n_lines 4 4"]:
    """The same poses as matrices."""
    return pose_matrix(poses[:, 3:], np.degrees(poses[:, :3]))


def poses_of(matrices: Float[np.ndarray, "n_lines 4 4"]) -> SpacePoses:
    """The same poses as turns and shifts: the inverse of `matrices_of`."""
    translation_mm, rotation_deg = pose_parameters(matrices)
    return np.concatenate([np.radians(rotation_deg), translation_mm], axis=1)


def measured_from_mean(poses: SpacePoses, weights: Float[np.ndarray, "n_lines"]) -> SpacePoses:
    """Poses measured from their weighted mean: the head is brought back from it and then moved."""
    mean = np.average(poses, axis=0, weights=weights)
    return poses_of(matrices_of(poses) @ inverse_pose(matrices_of(mean[None])))
