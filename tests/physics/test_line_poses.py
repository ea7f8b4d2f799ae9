"""The forms of the poses of lines, and what they are measured from."""

import numpy as np
import pytest

from mcnet.motion.poses import AXES, pose_matrix
from mcnet.motion.trace import MotionTrace
from mcnet.physics.line_poses import (
    RADIUS_MM,
    derivatives_by_mm,
    from_mm,
    in_mm,
    in_plane_poses,
    matrices_of,
    poses_of,
    relative_to,
    relative_to_mean,
    space_poses,
    trace_of,
)

PLANES = [("x", "y", "z"), ("y", "z", "x"), ("z", "x", "y")]
TO_MATRICES = {3: lambda poses: matrices_of(in_space(poses)), 6: matrices_of}


def in_space(poses):
    """Poses within the sagittal plane as poses in space."""
    found = np.zeros((len(poses), 6))
    found[:, [0, 4, 5]] = poses
    return found


def test_rotations_are_in_radians_and_translations_in_mm():
    poses = np.array([[0.1, -0.2, 0.3, 1, 2, 3]])
    expected = pose_matrix(np.array([1.0, 2, 3]), np.degrees([0.1, -0.2, 0.3]))
    np.testing.assert_allclose(matrices_of(poses)[0], expected)
    np.testing.assert_allclose(poses_of(matrices_of(poses)), poses)


@pytest.mark.parametrize("plane", PLANES)
def test_a_trace_within_a_plane_rotates_about_its_normal(rng, plane):
    poses, line_at_time = rng.normal(size=(7, 3)), np.array([3, 4, 2, 5, 1, 6, 0])
    trace = trace_of(poses, line_at_time, plane=plane, interval_s=2.0, name="found")
    normal, row, column = (AXES.index(axis) for axis in plane)
    np.testing.assert_allclose(np.radians(trace.rotation_deg[:, normal]), poses[line_at_time, 0])
    np.testing.assert_array_equal(trace.translation_mm[:, [row, column]], poses[line_at_time, 1:])
    assert not np.delete(trace.rotation_deg, normal, axis=1).any()
    assert not trace.translation_mm[:, normal].any()
    assert (trace.interval_s, trace.name) == (2.0, "found")
    back = in_plane_poses(trace, np.argsort(line_at_time), plane)
    np.testing.assert_allclose(back, poses)


def test_a_trace_in_space_is_in_the_order_of_time(rng):
    poses, line_at_time = 0.3 * rng.normal(size=(7, 6)), np.array([3, 4, 2, 5, 1, 6, 0])
    trace = trace_of(poses, line_at_time)
    np.testing.assert_allclose(trace.poses, matrices_of(poses)[line_at_time])
    np.testing.assert_allclose(space_poses(trace, np.argsort(line_at_time)), poses)


def test_angles_beyond_half_a_turn_are_those_of_the_same_matrix():
    trace = MotionTrace(np.zeros((1, 3)), np.array([[190.0, 0, 0]]))
    np.testing.assert_allclose(space_poses(trace, np.array([0]))[0, 0], np.radians(-170))


@pytest.mark.parametrize(("n_dof", "n_rotations"), [(3, 1), (6, 3)])
def test_rotations_in_mm_are_the_translation_that_they_make(rng, n_dof, n_rotations):
    poses = rng.normal(size=(5, n_dof))
    mm = in_mm(poses)
    np.testing.assert_allclose(mm[:, :n_rotations], RADIUS_MM * poses[:, :n_rotations])
    np.testing.assert_array_equal(mm[:, n_rotations:], poses[:, n_rotations:])
    np.testing.assert_allclose(from_mm(mm), poses)


@pytest.mark.parametrize("n_dof", [3, 6])
def test_derivatives_by_mm_times_mm_are_derivatives_times_poses(rng, n_dof):
    derivatives = rng.normal(size=(n_dof, 4, 7)).astype(np.complex64)
    pose = rng.normal(size=(1, n_dof))
    expected = np.tensordot(pose[0], derivatives, 1)
    found = np.tensordot(in_mm(pose)[0], derivatives_by_mm(derivatives.copy()), 1)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("n_dof", [3, 6])
def test_poses_relative_to_a_line_come_after_its_own(rng, n_dof):
    matrices = TO_MATRICES[n_dof]
    poses = 0.3 * rng.normal(size=(7, n_dof))
    found = relative_to(poses, 2)
    np.testing.assert_allclose(found[2], 0, atol=1e-12)
    np.testing.assert_allclose(matrices(found) @ matrices(poses[2:3]), matrices(poses), atol=1e-12)


def test_what_moves_all_lines_alike_is_taken_off(rng):
    mean = np.array([0.1, 0.05, -0.08, 3.0, -2.0, 1.0])
    still = np.repeat(mean[None], 7, axis=0)
    np.testing.assert_allclose(relative_to_mean(still, np.ones(7)), 0, atol=1e-12)
    # the head first brought back from the mean, then moved
    poses = still.copy()
    poses[3] += [0.2, 0, 0, 1, 0, 0]
    weights = np.ones(7)
    weights[3] = 0
    found = relative_to_mean(poses, weights)
    np.testing.assert_allclose(
        matrices_of(found[3:4]) @ matrices_of(mean[None]), matrices_of(poses[3:4]), atol=1e-12
    )


def test_poses_in_a_plane_relative_to_their_mean_have_no_weighted_mean(rng):
    poses, weights = rng.normal(size=(9, 3)), rng.random(9)
    assert np.allclose(weights @ relative_to_mean(poses, weights), 0)
