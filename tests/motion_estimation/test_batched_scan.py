"""Slices in batches: what one scan of all makes, and its derivatives by poses in mm."""

import numpy as np
import pytest
from properties import relative_error

from mcnet.motion_estimation.batched_scan import BatchedScan
from mcnet.physics.in_plane import InPlaneScan
from mcnet.physics.line_poses import from_mm


def test_batches_make_what_one_scan_makes(grid, images, poses_mm, pool, rng):
    alone = InPlaneScan(grid, 7, from_mm(poses_mm))
    together = BatchedScan(grid, 7, poses_mm, pool)
    kspace = alone.kspace(images)
    assert relative_error(together.kspace(images), kspace) < 1e-5
    noise = (rng.normal(size=(2, *kspace.shape)) + 0j)[0].astype(np.complex64)
    assert relative_error(together.adjoint(noise), alone.adjoint(noise).real) < 1e-5
    np.testing.assert_allclose(
        together.of_lines(kspace, kspace), alone.of_lines(kspace, kspace), rtol=1e-4
    )


@pytest.mark.parametrize("freedom", [0, 1, 2], ids=["turn", "row shift", "column shift"])
def test_derivatives_are_those_of_kspace_by_each_pose(grid, images, poses_mm, pool, freedom):
    poses, step = poses_mm, 0.02
    moved = np.zeros_like(poses)
    moved[:, freedom] = step
    there, back = (
        BatchedScan(grid, 7, poses + sign * moved, pool).kspace(images) for sign in (1, -1)
    )
    scan = BatchedScan(grid, 7, poses, pool)
    found = scan.derivatives(images)[freedom] * scan.within_band
    expected = (there - back) / (2 * step) * scan.within_band
    assert relative_error(found, expected) < 0.02


def test_a_change_of_slices_and_poses_changes_kspace_by_both(grid, images, poses_mm, pool):
    scan = BatchedScan(grid, 7, poses_mm, pool)
    change, turn = images[::-1].copy(), 1e-2 * poses_mm[::-1]
    found = scan.changed_kspace(change, turn, scan.derivatives(images))
    there, back = (
        BatchedScan(grid, 7, poses_mm + sign * turn, pool).kspace(images) for sign in (1, -1)
    )
    expected = (scan.kspace(change) + (there - back) / 2) * scan.within_band
    assert relative_error(found, expected) < 1e-3
    only_poses = found - scan.kspace(change) * scan.within_band
    assert relative_error(only_poses, (there - back) / 2 * scan.within_band) < 0.02
