"""How poses are told in the end; that motion is found is tested where it is looked for."""

import numpy as np
import pytest
from properties import relative_error

from mcnet.motion_estimation.coarse_to_fine import continued, in_place
from mcnet.physics.in_plane import InPlaneScan, SliceGrid
from mcnet.physics.line_poses import matrices_of, poses_of
from mcnet.physics.operators import ScanGrid


@pytest.mark.parametrize("line_axis", [0, 1])
def test_shifts_that_a_line_cannot_tell_apart_go_on_smoothly(line_axis):
    grid = SliceGrid((64, 60), (4.0, 4.0), line_axis)
    poses = np.zeros((grid.n_lines, 3))
    poses[:, 1 + line_axis] = np.linspace(-3, 5, grid.n_lines)
    k = grid.frequencies(line_axis)
    wrapped = poses.copy()
    far = np.abs(np.arange(grid.n_lines) - grid.n_lines // 2) >= 6
    wrapped[far, 1 + line_axis] += np.where(np.arange(far.sum()) % 3 == 0, 1, -1) / k[far]
    np.testing.assert_allclose(continued(wrapped, grid), poses, atol=1e-9)
    image = np.random.default_rng(0).normal(size=(1, 64, 60)).astype(np.float32)
    there, same = (InPlaneScan(grid, 1, one).kspace(image) for one in (poses, wrapped))
    assert relative_error(same, there) < 1e-3


def test_poses_in_space_are_measured_from_their_mean(rng):
    grid = ScanGrid((8, 20, 9), (8.0, 4.0, 9.0), 1)
    volume = rng.random((1, *grid.shape)).astype(np.float32)
    poses = 0.02 * rng.normal(size=(20, 6)) * np.array([1, 1, 1, 50, 50, 50])
    moved = matrices_of(poses) @ matrices_of(np.array([[0.02, -0.01, 0.03, 4.0, -3.0, 2.0]]))
    found, same = (in_place(one, volume, grid) for one in (poses, poses_of(moved)))
    # but for what turns of some degrees and shifts of some mm do to one another
    np.testing.assert_allclose(same[:, :3], found[:, :3], atol=2e-3)
    np.testing.assert_allclose(same[:, 3:], found[:, 3:], atol=0.3)
    assert np.abs(poses_of(moved) - poses)[:, 3:].max() > 3
