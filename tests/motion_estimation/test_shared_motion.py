"""What is held to be spurious in poses: what lines share beyond what they do not share."""

import numpy as np
import pytest

from mcnet.motion_estimation.mirrored import alike
from mcnet.motion_estimation.shared_motion import filtered, shrunk
from mcnet.physics.line_poses import from_mm, in_mm


def walks(n_lines, step_mm, rng, n_dof=6):
    """Motion that wanders slowly, measured from its mean."""
    walk = np.cumsum(rng.normal(scale=step_mm, size=(n_lines, n_dof)), axis=0)
    return walk - walk.mean(axis=0)


def rms(poses_mm):
    return float(np.sqrt((poses_mm**2).sum(axis=1).mean()))


@pytest.mark.parametrize("n_dof", [3, 6])
@pytest.mark.parametrize("n_lines", [64, 65])
def test_what_lines_do_not_share_stays_as_it_is(n_lines, n_dof, rng):
    poses = walks(n_lines, 0.1, rng, n_dof)
    found = in_mm(filtered(from_mm(poses), 0.03))
    apart = slice(1 - n_lines % 2, None)  # line -n/2 has no mirror line
    np.testing.assert_allclose((found - alike(found))[apart], (poses - alike(poses))[apart])
    assert not np.allclose(found, poses)


def test_of_a_still_head_nothing_is_left(rng):
    spurious = alike(walks(128, 0.05, rng))
    found = in_mm(filtered(from_mm(spurious), 0.03))
    assert rms(found[1:]) < 1e-9  # line -n/2 has no mirror line


def test_nothing_spurious_takes_nothing_off(rng):
    poses = from_mm(walks(128, 0.1, rng))
    np.testing.assert_allclose(filtered(poses, 0.0), poses)


def test_mild_motion_is_told_from_a_spurious_walk(rng):
    """White motion of .12 mm, and a walk that only what lines share has."""
    true = rng.normal(scale=0.05, size=(128, 6))
    spurious = alike(walks(128, 0.012, rng))
    found = in_mm(filtered(from_mm(true + spurious), 0.03))
    assert rms(found - true) < 0.7 * rms(spurious)


def test_motion_that_is_far_larger_stays(rng):
    poses = walks(128, 0.4, rng)
    found = in_mm(filtered(from_mm(poses), 0.03))
    assert rms(found - poses) < 0.03 * rms(poses)


def test_slow_motion_is_kept_where_what_lines_do_not_share_is_slow_too(rng):
    """The same size, but rough: then a slow shared part is not believed."""
    k = np.linspace(-1, 1, 129)[:-1, None] * np.ones(6)
    slow_shared = 0.1 * (k**2 - (k**2).mean())
    accepted = in_mm(filtered(from_mm(slow_shared + 0.3 * k), 0.03))
    rough = rng.choice([-0.1, 0.1], size=(128, 6))
    rejected = in_mm(filtered(from_mm(slow_shared + rough - alike(rough)), 0.03))
    assert rms(alike(accepted)) > 0.7 * rms(slow_shared)
    assert rms(alike(rejected)) < 0.3 * rms(slow_shared)


def test_what_lines_share_shrinks_by_the_variance_that_is_spurious():
    shared, apart = np.zeros((9, 3)), np.zeros((9, 3))
    shared[:, 1] = 0.07 * np.sqrt(9 / 8) * np.array([1, -1, 1, -1, 0, -1, 1, -1, 1])
    apart[:, 2] = np.arange(-4, 5)
    # twice the spurious root mean square: a quarter of the variance
    assert np.allclose(shrunk(shared + apart, 0.035), 0.75 * shared + apart)
    assert np.allclose(shrunk(0.4 * shared + apart, 0.035), apart)
