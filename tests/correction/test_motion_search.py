"""The search for the motion: guided by what is right it finds it, of a still head it finds none."""

from dataclasses import replace

import numpy as np
import pytest
from properties import ellipsoid, relative_error
from scipy.ndimage import gaussian_filter

from mcnet.correction.motion_search import (
    FoundMotion,
    SearchSettings,
    believed,
    find_motion,
)
from mcnet.simulation.generators import generate_motion
from mcnet.simulation.in_plane import (
    InPlaneScan,
    SliceGrid,
    centred_poses,
    poses_in_plane,
    still_images,
    zero_poses,
)

SHAPE, SIZE = (60, 52), (3.0, 3.5)
SETTINGS = SearchSettings(n_waves=24, n_iterations=12)


@pytest.fixture(scope="module")
def slices():
    shape, size = (3, *SHAPE), (20.0, *SIZE)
    outside = ellipsoid(shape, size, centre_mm=(0, 6, -5), radii_mm=(90, 60, 55))
    inside = ellipsoid(shape, size, centre_mm=(5, 20, 10), radii_mm=(60, 20, 15))
    y = np.arange(SHAPE[0])[None, :, None]
    return (outside * (1 + 0.3 * np.sin(y)) + 0.7 * inside).astype(np.float32)


def seen(slices, grid, seed=5):
    """Magnitudes of a head that moves by several mm."""
    motion = generate_motion(grid.n_lines, np.random.default_rng(seed)).scaled(16.0)
    poses = poses_in_plane(motion.restricted_to("rotation+translation"), np.arange(grid.n_lines))
    poses = centred_poses(poses, np.exp(-np.abs(np.arange(grid.n_lines) - grid.n_lines / 2) / 4))
    scan = InPlaneScan(grid, len(slices), poses)
    return np.abs(scan.ifft(scan.kspace(slices))).astype(np.float32)


def knowing(slices, share=0.1):
    """A network that sees the way to the still head, and goes a part of it."""
    return lambda images: np.float32(share) * (slices - images)


def smoothing(images):
    """A network that knows nothing of motion, and smooths all that it sees."""
    return np.float32(0.1) * (gaussian_filter(images, (0, 0.7, 0.7)) - images)


def back(magnitudes, found: FoundMotion):
    scan = InPlaneScan(found.grid, len(magnitudes), found.poses)
    return still_images(magnitudes, scan, n_steps=6)


@pytest.mark.parametrize("line_axis", [0, 1])
def test_motion_is_found_and_undone_where_the_network_knows_the_way(slices, line_axis):
    grid = SliceGrid(SHAPE, SIZE, line_axis)
    magnitudes = seen(slices, grid)
    found = find_motion(magnitudes, grid, knowing(slices), severity_mm=2.0, settings=SETTINGS)
    before = relative_error(magnitudes, slices)
    assert before > 0.03
    assert relative_error(back(magnitudes, found), slices) < 0.95 * before
    assert found.change_after < found.change_before
    assert found.rms_mm > 0.1


def test_of_a_still_head_no_motion_is_believed(slices):
    found = find_motion(
        slices, SliceGrid(SHAPE, SIZE), smoothing, severity_mm=0.3, settings=SETTINGS
    )
    assert found.rms_mm < 0.1
    assert relative_error(back(slices, found), slices) < 0.02


def test_poses_shrink_by_the_variance_that_spurious_ones_have():
    grid = SliceGrid((40, 52), SIZE)
    poses = zero_poses(grid)
    poses[:, 1] = np.tile([0.5, -0.5], 20)  # root mean square .5 mm, of which .2 mm are spurious
    found = FoundMotion(grid, poses, change_before=0.01, change_after=0.01)
    left = believed(found)
    assert left is not None
    assert left.share == pytest.approx(0.84)
    assert np.allclose(left.poses, 0.84 * poses)
    assert left.as_dict["share_of_found"] == left.share


def test_poses_as_small_as_spurious_ones_are_no_motion():
    grid = SliceGrid((40, 52), SIZE)
    poses = zero_poses(grid)
    assert believed(FoundMotion(grid, poses, 0.01, 0.01)) is None
    poses[:, 0] = np.tile([0.0038, -0.0038], 20)  # radians: .19 mm at 50 mm
    assert believed(FoundMotion(grid, poses, 0.01, 0.01)) is None
    assert believed(FoundMotion(grid, 1.1 * poses, 0.01, 0.01)) is not None


def test_the_scale_of_the_scan_does_not_matter_and_the_same_is_found_again(slices):
    grid = SliceGrid(SHAPE, SIZE)
    magnitudes = seen(slices, grid)
    short = replace(SETTINGS, n_iterations=3)
    one, again = (
        find_motion(magnitudes, grid, knowing(slices), severity_mm=2.0, settings=short)
        for _ in range(2)
    )
    assert np.array_equal(one.poses, again.poses)
    bright = find_motion(
        1000 * magnitudes, grid, knowing(1000 * slices), severity_mm=2.0, settings=short
    )
    assert np.allclose(bright.poses, one.poses, atol=1e-3 * np.abs(one.poses).max())


def test_a_severer_scan_is_searched_for_more_motion(slices):
    grid = SliceGrid(SHAPE, SIZE)
    magnitudes, short = seen(slices, grid), replace(SETTINGS, n_iterations=3, prior=1e-5)
    mild, severe = (
        find_motion(magnitudes, grid, knowing(slices), severity_mm=mm, settings=short).rms_mm
        for mm in (0.2, 3.0)
    )
    assert severe > 1.5 * mild


def test_progress_is_told_and_the_record_says_what_was_found(slices):
    grid, told = SliceGrid(SHAPE, SIZE, 1), []
    found = find_motion(
        *(slices, grid, smoothing),
        severity_mm=0.5,
        settings=replace(SETTINGS, n_iterations=2),
        on_progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(1, 2), (2, 2)]
    assert found.as_dict["phase_encoding_axis"] == "z"
    assert found.as_dict["rms_mm"] == found.rms_mm
