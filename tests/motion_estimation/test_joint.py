"""Newton's method for images and poses together: descent, and what it finds."""

import numpy as np
import pytest

from mcnet.motion_estimation.batched_scan import BatchedScan
from mcnet.motion_estimation.joint import JointProblem, JointSettings


def test_every_step_lowers_what_is_minimised_and_the_poses_come_nearer(
    grid, images, poses_mm, pool
):
    true = poses_mm
    kspace = BatchedScan(grid, 7, true, pool).kspace(images)
    settings = JointSettings(variation=1e-3)
    problem = JointProblem(kspace, grid, images, settings, pool)
    start = problem.state(images, 0 * true)
    values = [start.value]
    state = start
    for _ in range(6):
        state = problem.minimised(state, 1)
        values.append(state.value)
    assert np.all(np.diff(values) <= 0)
    assert np.linalg.norm(state.misfit) < 0.2 * np.linalg.norm(start.misfit)
    central = slice(grid.n_lines // 4, -(grid.n_lines // 4))

    def apart(poses):
        error = (poses - true)[central]
        return float(np.sqrt(((error - np.median(error, axis=0)) ** 2).mean()))

    assert apart(state.poses_mm) < 0.5 * apart(0 * true)


@pytest.mark.parametrize("grid", [0], indirect=True, ids=["rows"])
def test_the_truth_stays_where_it_is(grid, images, poses_mm, pool):
    true = poses_mm
    kspace = BatchedScan(grid, 7, true, pool).kspace(images)
    settings = JointSettings(variation=1e-5, stiffness=1e-6)
    problem = JointProblem(kspace, grid, images, settings, pool)
    state = problem.minimised(problem.state(images, true), 4)
    # what moves all lines alike moves the image alone, so that it may drift
    moved = (state.poses_mm - true)[8:-8]
    assert np.sqrt(((moved - np.median(moved, axis=0)) ** 2).mean()) < 0.25 * true.std()
