"""A volume scanned in parts: what one scan of all makes, and its derivatives by poses in mm."""

import numpy as np
import pytest
from properties import ellipsoid, relative_error

from mcnet.motion_estimation.volume_in_parts import VolumeInParts
from mcnet.physics.line_poses import from_mm
from mcnet.physics.operators import ScanGrid, ScanOperator

SHAPE, SIZE = (18, 25, 22), (9.0, 7.0, 8.0)


@pytest.fixture(params=[0, 1, 2], ids=["x", "y", "z"])
def grid(request):
    return ScanGrid(SHAPE, SIZE, request.param)


@pytest.fixture
def volume():
    outer = ellipsoid(SHAPE, SIZE, centre_mm=(4, 3, -5), radii_mm=(50, 60, 55))
    inner = ellipsoid(SHAPE, SIZE, centre_mm=(10, 20, 9), radii_mm=(20, 24, 18))
    return (0.6 * outer + 0.4 * inner).astype(np.float32)[None]


@pytest.fixture
def poses_mm(grid):
    return np.random.default_rng(1).normal(size=(grid.n_lines, 6)).cumsum(axis=0) * 0.3


def test_parts_make_what_one_scan_makes(grid, volume, poses_mm, pool, rng):
    alone = ScanOperator(grid, 1, from_mm(poses_mm))
    parts = VolumeInParts(grid, poses_mm, pool)
    kspace = alone.kspace(volume)
    assert relative_error(parts.kspace(volume), kspace) < 1e-3
    noise = (rng.normal(size=(2, *kspace.shape)) + 0j)[0].astype(np.complex64)
    assert relative_error(parts.adjoint(noise), alone.adjoint(noise).real) < 1e-3
    np.testing.assert_allclose(
        parts.of_lines(kspace, kspace), alone.of_lines(kspace, kspace), rtol=1e-4
    )
    np.testing.assert_array_equal(parts.within_band, alone.within_band)


@pytest.mark.parametrize("freedom", range(6))
def test_derivatives_are_those_of_kspace_by_each_pose(grid, volume, poses_mm, pool, freedom):
    step = 0.02
    moved = np.zeros_like(poses_mm)
    moved[:, freedom] = step
    there, back = (
        ScanOperator(grid, 1, from_mm(poses_mm + sign * moved), tolerance=1e-6).kspace(volume)
        for sign in (1, -1)
    )
    scan = VolumeInParts(grid, poses_mm, pool)
    # a sample that turns over the edge of the band makes a jump
    inner = np.s_[:, 3:-3, 3:-3, 3:-3]
    found = scan.derivatives(volume)[freedom][inner]
    assert relative_error(found, ((there - back) / (2 * step))[inner]) < 0.02


def test_a_change_of_volume_and_poses_changes_kspace_by_both(grid, volume, poses_mm, pool):
    scan = VolumeInParts(grid, poses_mm, pool)
    change, turn = volume[:, ::-1].copy(), 0.01 * poses_mm[::-1]
    derivatives = scan.derivatives(volume)
    along = [1, 1, 1, 1]
    along[1 + grid.line_axis] = grid.n_lines
    expected = scan.kspace(change)
    for derivative, by in zip(derivatives, turn.T, strict=True):
        expected = expected + derivative * by.reshape(along)
    found = scan.changed_kspace(change, turn, derivatives)
    assert relative_error(found, expected * scan.within_band) < 1e-5


def test_the_same_volume_gives_the_same_bytes(grid, volume, poses_mm, pool):
    kspace = [VolumeInParts(grid, poses_mm, pool).kspace(volume) for _ in range(2)]
    np.testing.assert_array_equal(*kspace)
    back = [VolumeInParts(grid, poses_mm, pool).adjoint(kspace[0]) for _ in range(2)]
    np.testing.assert_array_equal(*back)
