"""The search for the motion in magnitudes: it undoes slight motion, and of a still head finds none.

Slight motion, because of a magnitude only the mean of the poses of line ``k`` and ``-k`` is seen.
"""

from dataclasses import replace

import moving_head
import numpy as np
import pytest

from mcnet.correction.magnitude_motion import SEARCH, FoundMotion, believed, find_motion
from mcnet.reconstruction.solving import as_scanned
from mcnet.simulation.in_plane import InPlaneScan, SliceGrid, still_images, zero_poses

SHORT = replace(SEARCH, n_steps=(3, 2, 2))
SIZE = (2.0, 3.0)
"""Pixels of which .15 mm are spurious."""


def scanned(factor):
    """Magnitudes of the built-in head, and their grid."""
    raw = moving_head.raw_scan(factor)
    return raw.planes_of(as_scanned(raw).values), raw.grid


def ssim_back(magnitudes, found: FoundMotion):
    scan = InPlaneScan(found.grid, len(magnitudes), found.poses)
    return moving_head.ssim(still_images(magnitudes, scan, n_steps=6))


def test_motion_is_found_and_undone_along_the_axis_of_the_lines():
    magnitudes, grid = scanned(4.0)
    found = find_motion(magnitudes, grid)
    missing = 1 - moving_head.ssim(magnitudes)
    assert missing > 0.007
    assert 1 - ssim_back(magnitudes, found) < 0.6 * missing
    other = find_motion(magnitudes, replace(grid, line_axis=1 - grid.line_axis))
    assert 1 - ssim_back(magnitudes, other) > 0.9 * missing


def test_it_is_found_along_the_other_axis_too():
    magnitudes, grid = scanned(4.0)
    turned = np.ascontiguousarray(magnitudes.transpose(0, 2, 1))
    plain = find_motion(magnitudes, grid, settings=SHORT)
    found = find_motion(
        turned,
        replace(grid, pixel_mm=grid.pixel_mm[::-1], line_axis=1 - grid.line_axis),
        settings=SHORT,
    )
    # rows and columns change places, and turns their sense
    expected = plain.poses[:, [0, 2, 1]] * (-1, 1, 1)
    assert np.allclose(found.poses, expected, atol=0.05 * np.abs(plain.poses).max())


def test_of_a_still_head_hardly_any_motion_is_believed():
    magnitudes, grid = scanned(1e-3)
    found = find_motion(magnitudes, grid)
    assert not found.is_certain
    left = believed(found)
    assert left is None or left.share < 0.5
    assert left is None or ssim_back(magnitudes, left) > 0.998


def test_poses_shrink_by_the_variance_that_spurious_ones_have():
    grid = SliceGrid((40, 52), SIZE)
    poses = zero_poses(grid)
    poses[:, 1] = np.tile([0.375, -0.375], 20)  # of this root mean square, .15 mm are spurious
    left = believed(FoundMotion(grid, poses))
    assert left is not None
    assert left.share == pytest.approx(0.84)
    assert np.allclose(left.poses, 0.84 * poses)
    assert left.as_dict["share_of_found"] == left.share


def test_poses_as_small_as_spurious_ones_are_no_motion():
    grid = SliceGrid((40, 52), SIZE)
    poses = zero_poses(grid)
    assert believed(FoundMotion(grid, poses)) is None
    poses[:, 0] = np.tile([0.0029, -0.0029], 20)  # radians: .145 mm at 50 mm
    assert believed(FoundMotion(grid, poses)) is None
    assert believed(FoundMotion(grid, 1.1 * poses)) is not None


def test_the_scale_of_the_scan_does_not_matter_and_the_same_is_found_again():
    magnitudes, grid = scanned(4.0)
    one, again = (find_motion(magnitudes, grid, settings=SHORT) for _ in range(2))
    assert np.array_equal(one.poses, again.poses)
    bright = find_motion(1000 * magnitudes, grid, settings=SHORT)
    assert np.allclose(bright.poses, one.poses, atol=1e-2 * np.abs(one.poses).max())


def test_progress_is_told_and_the_record_says_what_was_found():
    told = []
    found = find_motion(
        *scanned(4.0), settings=SHORT, on_progress=lambda done, total: told.append((done, total))
    )
    assert told[-1] == (7, 7)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert found.as_dict["phase_encoding_axis"] == "y"
    assert found.as_dict["rms_mm"] == found.rms_mm
