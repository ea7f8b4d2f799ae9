"""Newton's method for images and poses together: descent, and what it finds."""

import numpy as np
import pytest

from mcnet.motion_estimation.batched_scan import BatchedScan
from mcnet.motion_estimation.joint import JointProblem, JointSettings
from mcnet.motion_estimation.regularisers.registry import regularisers
from mcnet.physics.operators import ScanGrid


@pytest.mark.slow
def test_every_step_lowers_the_objective_and_the_poses_come_nearer(grid, images, poses_mm, pool):
    true = poses_mm
    kspace = BatchedScan(grid, 7, true, pool).kspace(images)
    settings = JointSettings(regulariser_weight=1e-3)
    problem = JointProblem(kspace, grid, images, settings, pool)
    start = problem.state(images, 0 * true)
    objectives = [start.objective]
    state = start
    for _ in range(6):
        state = problem.minimised(state, 1)
        objectives.append(state.objective)
    assert np.all(np.diff(objectives) <= 0)
    assert np.linalg.norm(state.residual) < 0.2 * np.linalg.norm(start.residual)
    central = slice(grid.n_lines // 4, -(grid.n_lines // 4))

    def apart(poses):
        error = (poses - true)[central]
        return float(np.sqrt(((error - np.median(error, axis=0)) ** 2).mean()))

    assert apart(state.poses_mm) < 0.5 * apart(0 * true)


@pytest.mark.parametrize("grid", [0], indirect=True, ids=["rows"])
def test_the_truth_stays_where_it_is(grid, images, poses_mm, pool):
    true = poses_mm
    kspace = BatchedScan(grid, 7, true, pool).kspace(images)
    settings = JointSettings(regulariser_weight=1e-5, pose_smoothness=1e-6)
    problem = JointProblem(kspace, grid, images, settings, pool)
    state = problem.minimised(problem.state(images, true), 4)
    # what moves all lines alike moves the image alone, so that it may drift
    moved = (state.poses_mm - true)[8:-8]
    assert np.sqrt(((moved - np.median(moved, axis=0)) ** 2).mean()) < 0.25 * true.std()


@pytest.mark.parametrize("grid", [0], indirect=True, ids=["rows"])
@pytest.mark.parametrize("name", sorted(regularisers()))
def test_every_regulariser_that_settings_name_lowers_its_objective(
    grid, images, poses_mm, pool, name
):
    kspace = BatchedScan(grid, 7, poses_mm, pool).kspace(images)
    settings = JointSettings(regulariser=name, regulariser_weight=1e-3)
    problem = JointProblem(kspace, grid, images, settings, pool)
    start = problem.state(images, 0 * poses_mm)
    state = problem.minimised(start, 3)
    assert np.linalg.norm(state.residual) < 0.6 * np.linalg.norm(start.residual)
    assert state.objective < start.objective


@pytest.mark.parametrize("grid", [0], indirect=True, ids=["rows"])
@pytest.mark.parametrize("weight", [1.0, 3.0])
def test_the_objective_counts_the_regulariser_once_by_its_weight(grid, images, pool, weight):
    """Of the first images, still, that explain the data: nothing else is in the objective."""
    still = grid.still_poses()
    kspace = BatchedScan(grid, 7, still, pool).kspace(images)
    settings = JointSettings(regulariser_weight=weight, regulariser_epsilon=1e-3)
    problem = JointProblem(kspace, grid, images, settings, pool)
    steps = [np.diff(images, axis=axis) for axis in (1, 2)]
    lasts = images[:, -1].size + images[:, :, -1].size  # pixels without a neighbour
    expected = sum(float(np.sqrt(one**2 + 1e-6).sum(dtype=float)) for one in steps) + 1e-3 * lasts
    assert problem.state(images, still).objective == pytest.approx(weight * expected, rel=1e-4)


def test_the_regulariser_of_a_volume_has_weights_of_cubic_voxels(pool):
    volume = np.zeros((1, 9, 11, 7), np.float32)
    grid = ScanGrid((9, 11, 7), (2.0, 4.0, 5.0), 1)
    problem = JointProblem(volume + 0j, grid, volume, JointSettings(regulariser_weight=0.1), pool)
    assert problem.regulariser.weights == pytest.approx((0.1, 0.05, 0.04))


@pytest.mark.parametrize("grid", [0], indirect=True, ids=["rows"])
def test_images_are_fitted_to_the_minimum_of_the_objective(grid, images, pool):
    """A regulariser with another weight in the gradient than in the objective would miss it."""
    still = grid.still_poses()
    kspace = BatchedScan(grid, 7, still, pool).kspace(images)
    settings = JointSettings(regulariser_weight=0.1, regulariser_epsilon=0.1)
    problem = JointProblem(kspace, grid, images, settings, pool)
    fitted = images
    for _ in range(6):
        fitted = problem.state(fitted, still, n_cg_images=20).images
    smoothed = fitted - images
    assert np.linalg.norm(smoothed) > 0.02 * np.linalg.norm(images)
    less, found, more = (
        problem.state(fitted + share * smoothed, still).objective
        for share in (np.float32(-0.1), np.float32(0), np.float32(0.1))
    )
    assert found < min(less, more)
