"""Newton's method for images and poses together: derivatives, descent, and what it finds."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from properties import ellipsoid, relative_error

from mcnet.motion_search.joint import UNITS, BatchedScan, JointProblem, JointSettings
from mcnet.simulation.in_plane import InPlaneScan, SliceGrid

GRIDS = [SliceGrid((26, 31), (6.0, 5.0), 0), SliceGrid((26, 31), (6.0, 5.0), 1)]


@pytest.fixture
def pool():
    with ThreadPoolExecutor(2) as threads:
        yield threads


@pytest.fixture
def images():
    """Seven slices with detail, more than one batch."""
    outer = ellipsoid((7, 26, 31), (9, 6, 5), centre_mm=(0, 3, 4), radii_mm=(60, 55, 50))
    inner = ellipsoid((7, 26, 31), (9, 6, 5), centre_mm=(5, 15, 9), radii_mm=(40, 20, 14))
    return (0.6 * outer + 0.4 * inner).astype(np.float32)


def poses_mm(grid, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(grid.n_lines, 3)).cumsum(axis=0) * 0.3


@pytest.mark.parametrize("grid", GRIDS, ids=["rows", "columns"])
def test_batches_make_what_one_scan_makes(grid, images, pool, rng):
    poses = poses_mm(grid) * UNITS
    alone, together = InPlaneScan(grid, 7, poses), BatchedScan(grid, 7, poses, pool)
    kspace = alone.kspace(images)
    assert relative_error(together.kspace(images), kspace) < 1e-5
    noise = (rng.normal(size=(2, *kspace.shape)) + 0j)[0].astype(np.complex64)
    assert relative_error(together.adjoint(noise), alone.adjoint(noise).real) < 1e-5
    np.testing.assert_allclose(
        together.of_lines(kspace, kspace), alone.of_lines(kspace, kspace), rtol=1e-4
    )


@pytest.mark.parametrize("grid", GRIDS, ids=["rows", "columns"])
@pytest.mark.parametrize("freedom", [0, 1, 2], ids=["turn", "row shift", "column shift"])
def test_derivatives_are_those_of_kspace_by_each_pose(grid, images, pool, freedom):
    poses, step = poses_mm(grid), 0.02
    moved = np.zeros_like(poses)
    moved[:, freedom] = step
    there, back = (
        BatchedScan(grid, 7, (poses + sign * moved) * UNITS, pool).kspace(images)
        for sign in (1, -1)
    )
    scan = BatchedScan(grid, 7, poses * UNITS, pool)
    found = scan.derivatives(images)[freedom] * scan.within_band
    expected = (there - back) / (2 * step) * scan.within_band
    assert relative_error(found, expected) < 0.02


@pytest.mark.parametrize("grid", GRIDS, ids=["rows", "columns"])
def test_every_step_lowers_what_is_minimised_and_the_poses_come_nearer(grid, images, pool):
    true = poses_mm(grid)
    kspace = BatchedScan(grid, 7, true * UNITS, pool).kspace(images)
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


def test_the_truth_stays_where_it_is(images, pool):
    grid = GRIDS[0]
    true = poses_mm(grid)
    kspace = BatchedScan(grid, 7, true * UNITS, pool).kspace(images)
    settings = JointSettings(variation=1e-5, stiffness=1e-6)
    problem = JointProblem(kspace, grid, images, settings, pool)
    state = problem.minimised(problem.state(images, true), 4)
    # what moves all lines alike moves the image alone, so that it may drift
    moved = (state.poses_mm - true)[8:-8]
    assert np.sqrt(((moved - np.median(moved, axis=0)) ** 2).mean()) < 0.25 * true.std()
