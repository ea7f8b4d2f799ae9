"""Planes, motion and signs of k-space in memory."""

import numpy as np
import pytest
from properties import relative_error
from synthetic_raw import random_image

from mcnet.core.engine import ONE_CORE
from mcnet.io.kspace import RawScan
from mcnet.motion.poses import AXES
from mcnet.motion.trace import MotionTrace
from mcnet.physics.acquisition import Acquisition
from mcnet.physics.fourier import centred_fft, centred_ifft
from mcnet.physics.in_plane import InPlaneScan
from mcnet.physics.simulator import corrupt_slices, corrupt_volume, image_at_rest

SHAPE, SIZE = (9, 11, 7), (2.0, 1.5, 3.0)
AFFINE = np.diag([*SIZE, 1.0])
PLANES = {"x": ("x", "y", "z"), "y": ("y", "z", "x"), "z": ("z", "x", "y")}
PAIRS = [(line, other) for other in AXES for line in AXES if line != other]


def scan_of(rng, line, other, *, is_3d=False, image=None):
    image = random_image(rng, 2, *SHAPE) if image is None else image
    axes = [1 + index for index, axis in enumerate(AXES) if is_3d or axis != other]
    kspace = centred_fft(image, axes).astype(np.complex64)
    order = rng.permutation(SHAPE[AXES.index(line)])
    return RawScan(kspace, AFFINE.copy(), line, other, is_3d, order, 2.0)


def motion_in(scan, rng):
    """A trace that stays within the slices of a scan."""
    turned = AXES.index(scan.slice_axis)
    shifts, turns = rng.normal(size=(scan.n_lines, 3)), np.zeros((scan.n_lines, 3))
    turns[:, turned] = 5 * rng.normal(size=scan.n_lines)
    shifts[:, turned] = 0
    return MotionTrace(shifts, turns, 2.0)


@pytest.mark.parametrize(("line", "other"), PAIRS)
def test_rows_and_columns_follow_the_slice_axis(rng, line, other):
    scan = scan_of(rng, line, other)
    assert scan.plane == PLANES[other]
    _, rows, columns = (AXES.index(axis) for axis in scan.plane)
    assert scan.grid.shape == (SHAPE[rows], SHAPE[columns])
    assert scan.grid.pixel_mm == pytest.approx((SIZE[rows], SIZE[columns]))
    assert scan.plane[1 + scan.grid.line_axis] == line
    assert scan.n_lines == scan.grid.n_lines == SHAPE[AXES.index(line)]
    assert (scan.n_coils, scan.matrix) == (2, SHAPE)
    assert scan.voxel_size_mm == pytest.approx(SIZE)


@pytest.mark.parametrize("is_3d", [True, False])
@pytest.mark.parametrize(("line", "other"), PAIRS)
def test_slices_are_the_kspace_of_planes_of_the_image(rng, line, other, is_3d):
    image = random_image(rng, 2, *SHAPE)
    scan = scan_of(rng, line, other, is_3d=is_3d, image=image)
    slices = scan.slices()
    first = AXES.index(other)
    for number in (0, 3, SHAPE[first] - 1):
        plane = np.take(image, number, axis=1 + first)
        if other == "y":  # a volume's plane has x before z; z follows y in the cycle, then x
            plane = plane.swapaxes(1, 2)
        expected = centred_fft(plane, (1, 2))
        assert relative_error(slices[:, number], expected) < 1e-5
    np.testing.assert_allclose(scan.volume_of(centred_ifft(slices, (2, 3))[1]), image[1], atol=1e-4)


def test_encoded_axes_leave_out_the_slices(rng):
    assert scan_of(rng, "y", "x").encoded_axes == (1, 2)
    assert scan_of(rng, "x", "z").encoded_axes == (0, 1)
    assert scan_of(rng, "y", "x", is_3d=True).encoded_axes == (0, 1, 2)


@pytest.mark.parametrize(("line", "other"), PAIRS)
def test_poses_and_motion_are_inverse_of_each_other(rng, line, other):
    scan = scan_of(rng, line, other)
    motion = motion_in(scan, rng)
    poses = scan.poses_of(motion)
    back = scan.motion_of(poses, "found")
    np.testing.assert_allclose(back.translation_mm, motion.translation_mm, atol=1e-12)
    np.testing.assert_allclose(back.rotation_deg, motion.rotation_deg, atol=1e-12)
    assert (back.interval_s, back.name) == (2.0, "found")
    np.testing.assert_allclose(scan.poses_of(back), poses, atol=1e-12)
    # the line measured third has the pose of the third time
    turned = motion.rotation_deg[2, AXES.index(other)]
    assert poses[scan.line_at_time[2], 0] == pytest.approx(np.radians(turned))
    assert scan.time_of_line[scan.line_at_time[2]] == 2


@pytest.mark.parametrize("other", AXES)
def test_only_motion_of_the_slices_own_plane_stays_in_it(rng, other):
    scan = scan_of(rng, next(axis for axis in AXES if axis != other), other)
    assert scan.stays_in_plane(motion_in(scan, rng))
    for index, axis in enumerate(AXES):
        one = np.zeros((scan.n_lines, 3))
        one[4, index] = 0.1
        assert scan.stays_in_plane(MotionTrace(one, 0 * one)) == (axis != other)
        assert scan.stays_in_plane(MotionTrace(0 * one, one)) == (axis == other)


@pytest.mark.parametrize("line", ["y", "z"])
def test_sagittal_slices_have_the_signs_of_the_simulator(rng, line):
    """K-space of `corrupt_slices` is what the operator makes of the still head and these poses."""
    scan_settings = Acquisition(SHAPE, (18.0, 16.5, 21.0), line, "interleaved", 3)
    head = rng.random(SHAPE).astype(np.float32)
    motion = MotionTrace(
        rng.normal(size=(scan_settings.n_lines, 3)), 8 * rng.normal(size=(scan_settings.n_lines, 3))
    ).restricted_to("rotation+translation")
    places = scan_settings.axis_positions_mm("x")
    image = corrupt_slices(head, SIZE, motion, scan_settings, places)
    kspace = centred_fft(image, (1, 2)).astype(np.complex64)[None]
    scan = RawScan(kspace, AFFINE, line, "x", False, scan_settings.line_at_time)
    assert scan.stays_in_plane(motion)
    operator = InPlaneScan(scan.grid, SHAPE[0], scan.poses_of(motion), ONE_CORE)
    still = image_at_rest(head, SIZE, scan_settings)
    found = operator.kspace(still) * np.sqrt(np.prod(scan.grid.shape))
    assert relative_error(found, scan.slices()[0]) < 1e-3
    backwards = InPlaneScan(scan.grid, SHAPE[0], -scan.poses_of(motion), ONE_CORE)
    wrong = backwards.kspace(still) * np.sqrt(np.prod(scan.grid.shape))
    assert relative_error(wrong, scan.slices()[0]) > 0.1


@pytest.mark.parametrize(("line", "other"), PAIRS)
def test_slices_of_any_axis_turn_and_shift_as_the_whole_head_does(rng, line, other):
    """The 3D route moves the head by the trace that `motion_of` gives; the slices agree."""
    fov = tuple(n * size for n, size in zip(SHAPE, SIZE, strict=True))
    settings = Acquisition(SHAPE, fov, line)
    head = rng.random(SHAPE).astype(np.float32)
    scan = scan_of(rng, line, other, is_3d=True, image=head[None])
    scan = RawScan(scan.kspace, AFFINE, line, other, True, settings.line_at_time)
    poses = rng.normal(size=(scan.n_lines, 3)) * [0.1, 1, 1]
    moved = corrupt_volume(head, SIZE, scan.motion_of(poses), settings)
    operator = InPlaneScan(scan.grid, len(scan.slices()[0]), poses, ONE_CORE)
    still = np.moveaxis(head, AXES.index(other), 0)
    still = still.swapaxes(1, 2) if other == "y" else still
    kspace = operator.kspace(still.astype(np.complex64)) * np.sqrt(np.prod(scan.grid.shape))
    found = scan.volume_of(centred_ifft(kspace, (1, 2)))
    assert relative_error(found, moved) < 1e-3
