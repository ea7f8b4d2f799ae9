"""Poses in space as numbers and as matrices."""

import numpy as np

from mcnet.motion.poses import pose_matrix
from mcnet.physics.in_space import matrices_of, measured_from_mean, poses_of


def test_turns_are_in_radians_and_shifts_in_mm():
    poses = np.array([[0.1, -0.2, 0.3, 1, 2, 3]])
    expected = pose_matrix(np.array([1.0, 2, 3]), np.degrees([0.1, -0.2, 0.3]))
    np.testing.assert_allclose(matrices_of(poses)[0], expected)
    np.testing.assert_allclose(poses_of(matrices_of(poses)), poses)


def test_what_moves_all_lines_alike_is_taken_off(rng):
    mean = np.array([0.1, 0.05, -0.08, 3.0, -2.0, 1.0])
    still = np.repeat(mean[None], 7, axis=0)
    np.testing.assert_allclose(measured_from_mean(still, np.ones(7)), 0, atol=1e-12)
    # the head first brought back from the mean, then moved
    poses = still.copy()
    poses[3] += [0.2, 0, 0, 1, 0, 0]
    weights = np.ones(7)
    weights[3] = 0
    found = measured_from_mean(poses, weights)
    np.testing.assert_allclose(
        matrices_of(found[3:4]) @ matrices_of(mean[None]), matrices_of(poses[3:4]), atol=1e-12
    )
