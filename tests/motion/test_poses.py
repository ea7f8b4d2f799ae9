import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcnet.motion.poses import inverse_pose, pose_matrix, pose_parameters, rotation_matrix

angle = st.floats(-80, 80)
translation = st.floats(-30, 30)
poses = st.builds(
    lambda t, r: pose_matrix(np.array([t]), np.array([r]))[0],
    st.tuples(translation, translation, translation),
    st.tuples(angle, angle, angle),
)


@pytest.mark.parametrize(
    ("rotation_deg", "point", "goes_to"),
    [
        # a nod forward is a negative rotation about x: by the right-hand rule y goes to z (up)
        ([90, 0, 0], [0, 1, 0], [0, 0, 1]),
        ([0, 90, 0], [0, 0, 1], [1, 0, 0]),
        ([0, 0, 90], [1, 0, 0], [0, 1, 0]),
    ],
)
def test_a_quarter_turn_follows_the_right_hand_rule(rotation_deg, point, goes_to):
    matrix = rotation_matrix(np.array(rotation_deg, dtype=float))
    np.testing.assert_allclose(matrix @ np.array(point), goes_to, atol=1e-12)


def test_the_rotation_about_x_comes_first_and_that_about_z_last():
    x, y, z = 10.0, 20.0, 30.0
    by_hand = (
        rotation_matrix(np.array([0, 0, z]))
        @ rotation_matrix(np.array([0, y, 0]))
        @ rotation_matrix(np.array([x, 0, 0]))
    )
    np.testing.assert_allclose(rotation_matrix(np.array([x, y, z])), by_hand, atol=1e-12)


def test_a_pose_rotates_before_it_translates():
    pose = pose_matrix(np.array([5.0, 0, 0]), np.array([0, 0, 90.0]))
    np.testing.assert_allclose(pose @ [1, 0, 0, 1], [5, 1, 0, 1], atol=1e-12)


@settings(deadline=None, max_examples=50)
@given(poses)
def test_rotations_are_proper(pose):
    rotation = pose[:3, :3]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)


@settings(deadline=None, max_examples=50)
@given(poses, poses)
def test_a_pose_and_its_inverse_cancel(first, second):
    np.testing.assert_allclose(first @ inverse_pose(first), np.eye(4), atol=1e-10)
    both = inverse_pose(second @ first)
    np.testing.assert_allclose(both, inverse_pose(first) @ inverse_pose(second), atol=1e-9)


@settings(deadline=None, max_examples=50)
@given(poses)
def test_parameters_of_a_pose_give_it_back(pose):
    np.testing.assert_allclose(pose_matrix(*pose_parameters(pose)), pose, atol=1e-9)
