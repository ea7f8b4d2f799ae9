"""CG-SENSE with known motion: the exact minimum, its stopping rule, and a real head."""

from dataclasses import replace

import moving_head
import numpy as np
import pytest
from properties import relative_error

from mcnet.core.errors import McnetError
from mcnet.motion.trace import still
from mcnet.physics.in_plane import SliceGrid
from mcnet.physics.line_poses import relative_to
from mcnet.reconstruction.cg_sense import SolverSettings, cg_sense
from mcnet.reconstruction.moving_scan import moving_slices
from mcnet.reconstruction.reconstruct import reconstruct
from mcnet.reconstruction.sense_operator import SenseOperator

GRID = SliceGrid((9, 11), (5.0, 4.0), 0)


def scan_and_matrix(rng):
    """An operator, and the same as a matrix on real images."""
    poses = np.column_stack([0.1 * rng.normal(size=9), rng.normal(size=(9, 2))])
    scan = SenseOperator(GRID, np.ones((1, 1, 9, 11), np.complex64), poses)
    units = np.eye(99, dtype=np.float32).reshape(99, 1, 9, 11)
    columns = [scan.kspace(unit).ravel() for unit in units]
    matrix = np.stack(columns, axis=1)
    return scan, np.concatenate([matrix.real, matrix.imag])


def test_the_solution_is_that_of_ridge_regression(rng):
    scan, matrix = scan_and_matrix(rng)
    kspace = (rng.normal(size=(1, 1, 9, 11)) + 1j * rng.normal(size=(1, 1, 9, 11))).astype(
        np.complex64
    )
    settings = SolverSettings(ridge=0.05, tolerance=1e-6, max_iterations=200)
    weight = np.linspace(0.2, 1, 9)
    found = cg_sense(scan, kspace, line_weight=weight, settings=settings)
    rows = np.tile(np.repeat(weight, 11), 2)
    wanted = np.concatenate([kspace.ravel().real, kspace.ravel().imag])
    normal = matrix.T @ (rows[:, None] * matrix) + 0.05 * np.eye(99)
    expected = np.linalg.solve(normal, matrix.T @ (rows * wanted))
    assert relative_error(found.images.ravel(), expected) < 1e-3
    # towards a prior image instead of zero
    other = rng.normal(size=(1, 9, 11)).astype(np.float32)
    found = cg_sense(scan, kspace, line_weight=weight, prior=other, settings=settings)
    expected = np.linalg.solve(normal, matrix.T @ (rows * wanted) + 0.05 * other.ravel())
    assert relative_error(found.images.ravel(), expected) < 1e-3


def test_it_stops_at_the_tolerance_or_after_the_most_iterations(rng):
    scan, _ = scan_and_matrix(rng)
    kspace = scan.kspace(rng.normal(size=(1, 9, 11)).astype(np.float32))
    loose = cg_sense(scan, kspace, settings=SolverSettings(tolerance=0.05))
    assert loose.gradient <= 0.05
    few = cg_sense(scan, kspace, settings=SolverSettings(tolerance=1e-9, max_iterations=2))
    assert few.n_iterations == 2 > 0
    assert loose.n_iterations < 40


def test_residuals_belong_to_their_lines(rng):
    scan, _ = scan_and_matrix(rng)
    kspace = scan.kspace(rng.normal(size=(1, 9, 11)).astype(np.float32))
    kspace[:, :, 6] += 3 * np.abs(kspace).max()
    found = cg_sense(scan, kspace)
    assert int(found.line_residual_energy.argmax()) in (6, 2)


@pytest.mark.parametrize("settings", [{"ridge": -1.0}, {"tolerance": 0.0}, {"max_iterations": 0}])
def test_settings_that_solve_nothing_are_refused(settings):
    with pytest.raises(McnetError, match="give"):
        SolverSettings(**settings)


@pytest.mark.slow
def test_known_severe_motion_is_corrected_nearly_entirely():
    raw = moving_head.raw_scan(20.0)
    result = reconstruct(raw, motion=moving_head.motion(20.0))
    assert moving_head.ssim(raw.planes_of(result.corrupted.values)) < 0.93
    assert moving_head.ssim(raw.planes_of(result.image.values)) >= 0.985
    assert result.accepted
    assert result.motion_known


@pytest.mark.slow
@pytest.mark.parametrize("n_coils", [1, 4])
def test_with_noise_it_is_within_two_hundredths_of_the_still_scan(n_coils):
    moved, quiet = (moving_head.raw_scan(factor, n_coils, 30.0, True) for factor in (8.0, 0.0))
    corrected = reconstruct(moved, motion=moving_head.motion(8.0))
    same = reconstruct(quiet, motion=still(quiet.n_lines))
    found, best = (moving_head.ssim(moved.planes_of(one.image.values)) for one in (corrected, same))
    assert found > best - 0.02


@pytest.mark.slow
def test_motion_of_the_wrong_sign_is_rejected():
    raw = moving_head.raw_scan(8.0)
    result = reconstruct(raw, motion=moving_head.motion(-8.0))
    assert not result.accepted
    assert "does not fit" in result.data_consistency


def test_poses_relative_to_another_line_only_move_the_image():
    raw = moving_head.raw_scan(4.0)
    moving = moving_slices(raw, moving_head.motion(4.0))
    other = replace(moving, poses=relative_to(moving.poses, 20))
    maps = moving.maps()
    residuals = [
        float(cg_sense(one.operator(maps), one.kspace).line_residual_energy.sum())
        for one in (moving, other)
    ]
    assert residuals[1] == pytest.approx(residuals[0], rel=0.2)
