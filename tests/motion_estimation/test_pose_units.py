"""Poses in mm and back."""

import numpy as np
import pytest

from mcnet.motion_estimation.pose_units import RADIUS_MM, by_mm, from_mm, in_mm


@pytest.mark.parametrize(("n_dof", "n_rotations"), [(3, 1), (6, 3)])
def test_turns_count_as_the_shift_that_they_make(rng, n_dof, n_rotations):
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
    found = np.tensordot(in_mm(pose)[0], by_mm(derivatives.copy()), 1)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
