"""Conjugate gradients for motion that is known: exact, stopping as said, good on a real head."""

from dataclasses import replace

import moving_head
import numpy as np
import pytest
from properties import relative_error

from mcnet.core.errors import McnetError
from mcnet.motion.trace import still
from mcnet.physics.in_plane import SliceGrid
from mcnet.reconstruction.known_motion import SolverSettings, still_head
from mcnet.reconstruction.operator import CoilScan
from mcnet.reconstruction.reconstruct import reconstruct
from mcnet.reconstruction.routes import in_plane_route

GRID = SliceGrid((9, 11), (5.0, 4.0), 0)


def scan_and_matrix(rng):
    """An operator, and the same as a matrix on real images."""
    poses = np.column_stack([0.1 * rng.normal(size=9), rng.normal(size=(9, 2))])
    scan = CoilScan(GRID, np.ones((1, 1, 9, 11), np.complex64), poses)
    units = np.eye(99, dtype=np.float32).reshape(99, 1, 9, 11)
    columns = [scan.kspace(unit).ravel() for unit in units]
    matrix = np.stack(columns, axis=1)
    return scan, np.concatenate([matrix.real, matrix.imag])


def test_the_solution_is_that_of_ridge_regression(rng):
    scan, matrix = scan_and_matrix(rng)
    kspace = (rng.normal(size=(1, 1, 9, 11)) + 1j * rng.normal(size=(1, 1, 9, 11))).astype(
        np.complex64
    )
    settings = SolverSettings(ridge=0.05, tolerance=1e-6, most_iterations=200)
    weight = np.linspace(0.2, 1, 9)
    found = still_head(scan, kspace, line_weight=weight, settings=settings)
    rows = np.tile(np.repeat(weight, 11), 2)
    wanted = np.concatenate([kspace.ravel().real, kspace.ravel().imag])
    normal = matrix.T @ (rows[:, None] * matrix) + 0.05 * np.eye(99)
    expected = np.linalg.solve(normal, matrix.T @ (rows * wanted))
    assert relative_error(found.images.ravel(), expected) < 1e-3
    # the ridge may hold to another image than zero
    other = rng.normal(size=(1, 9, 11)).astype(np.float32)
    found = still_head(scan, kspace, line_weight=weight, towards=other, settings=settings)
    expected = np.linalg.solve(normal, matrix.T @ (rows * wanted) + 0.05 * other.ravel())
    assert relative_error(found.images.ravel(), expected) < 1e-3


def test_it_stops_at_the_tolerance_or_after_the_most_iterations(rng):
    scan, _ = scan_and_matrix(rng)
    kspace = scan.kspace(rng.normal(size=(1, 9, 11)).astype(np.float32))
    loose = still_head(scan, kspace, settings=SolverSettings(tolerance=0.05))
    assert loose.gradient <= 0.05
    few = still_head(scan, kspace, settings=SolverSettings(tolerance=1e-9, most_iterations=2))
    assert few.n_iterations == 2 > 0
    assert loose.n_iterations < 40


def test_residuals_belong_to_their_lines(rng):
    scan, _ = scan_and_matrix(rng)
    kspace = scan.kspace(rng.normal(size=(1, 9, 11)).astype(np.float32))
    kspace[:, :, 6] += 3 * np.abs(kspace).max()
    found = still_head(scan, kspace)
    assert int(found.line_misfit.argmax()) in (6, 2)


@pytest.mark.parametrize("settings", [{"ridge": -1.0}, {"tolerance": 0.0}, {"most_iterations": 0}])
def test_settings_that_solve_nothing_are_refused(settings):
    with pytest.raises(McnetError, match="give"):
        SolverSettings(**settings)


def test_known_severe_motion_is_undone_nearly_wholly():
    raw = moving_head.raw_scan(20.0)
    result = reconstruct(raw, motion=moving_head.motion(20.0))
    assert moving_head.ssim(raw.planes_of(result.corrupted.values)) < 0.93
    assert moving_head.ssim(raw.planes_of(result.image.values)) >= 0.985
    assert result.accepted
    assert result.motion_known


@pytest.mark.parametrize("n_coils", [1, 4])
def test_with_noise_it_is_within_two_hundredths_of_the_still_scan(n_coils):
    moved, quiet = (moving_head.raw_scan(factor, n_coils, 30.0, True) for factor in (8.0, 0.0))
    corrected = reconstruct(moved, motion=moving_head.motion(8.0))
    same = reconstruct(quiet, motion=still(quiet.n_lines))
    found, best = (moving_head.ssim(moved.planes_of(one.image.values)) for one in (corrected, same))
    assert found > best - 0.02


def test_a_sign_of_the_motion_that_is_wrong_is_told():
    raw = moving_head.raw_scan(8.0)
    result = reconstruct(raw, motion=moving_head.motion(-8.0))
    assert not result.accepted
    assert "does not fit" in result.verdict


def test_poses_measured_from_another_line_only_move_the_image():
    raw = moving_head.raw_scan(4.0)
    route = in_plane_route(raw, moving_head.motion(4.0))
    other = replace(route, poses=route.measured_from(route.poses, 20))
    maps = route.maps()
    misfits = [
        float(still_head(one.scan(maps), one.kspace).line_misfit.sum()) for one in (route, other)
    ]
    assert misfits[1] == pytest.approx(misfits[0], rel=0.2)
