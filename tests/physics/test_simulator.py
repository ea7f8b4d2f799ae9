"""The laws of physics that hold for the image of a moving head."""

import numpy as np
import pytest
from properties import ellipsoid, ellipsoid_spectrum, plain_spectrum, relative_error

from mcnet.core.errors import McnetError
from mcnet.motion.poses import AXES
from mcnet.motion.trace import MotionTrace, still
from mcnet.physics.acquisition import Acquisition
from mcnet.physics.fourier import centred_fft, centred_ifft
from mcnet.physics.simulator import (
    corrupt,
    corrupt_slices,
    corrupt_still_slices,
    corrupt_volume,
    image_at_rest,
    slices_to_corrupt,
    still_slices,
)

SHAPE, SIZE = (13, 17, 15), (1.5, 1.2, 1.0)
SCAN = Acquisition(matrix=(9, 11, 7), fov_mm=(20.0, 21.0, 15.0))


@pytest.fixture
def head(rng):
    """No symmetry at all: every axis mix-up and every wrong sign shows."""
    return rng.random(SHAPE).astype(np.float32)


def constant_motion(n_points, *, shift=(0, 0, 0), turn=(0, 0, 0)):
    return MotionTrace(
        np.tile(np.array(shift, dtype=float), (n_points, 1)),
        np.tile(np.array(turn, dtype=float), (n_points, 1)),
    )


def random_motion(rng, n_points, *, in_plane=False):
    shifts, turns = rng.normal(size=(n_points, 3)), 10 * rng.normal(size=(n_points, 3))
    motion = MotionTrace(shifts, turns)
    return motion.restricted_to("rotation+translation") if in_plane else motion


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("order", ["sequential", "centric", "interleaved"])
def test_a_still_head_is_imaged_unchanged(head, axis, order):
    scan = Acquisition(SCAN.matrix, SCAN.fov_mm, phase_encoding_axis=axis, order=order, n_shots=2)
    expected = image_at_rest(head, SIZE, scan)
    assert relative_error(corrupt_volume(head, SIZE, still(scan.n_lines), scan), expected) < 1e-5
    assert relative_error(corrupt(head, SIZE, still(scan.n_lines), scan), expected) < 1e-5


def test_a_still_head_at_its_own_resolution_is_itself(head):
    fov = tuple(n * size for n, size in zip(SHAPE, SIZE, strict=True))
    image = image_at_rest(head, SIZE, Acquisition(SHAPE, fov))
    assert relative_error(image, head) < 1e-6


@pytest.mark.parametrize("axis", AXES)
def test_kspace_is_the_plain_sum_over_the_moved_places(rng, head, axis):
    """Oracle: move every voxel of the head, line by line, and sum its waves one by one."""
    scan = Acquisition(SCAN.matrix, SCAN.fov_mm, phase_encoding_axis=axis, order="centric")
    motion = random_motion(rng, scan.n_lines)
    places = np.stack(
        np.meshgrid(
            *((np.arange(n) - n // 2) * s for n, s in zip(SHAPE, SIZE, strict=True)), indexing="ij"
        )
    ).reshape(3, -1)
    k = np.stack(np.meshgrid(*(scan.axis_frequencies(a) for a in AXES), indexing="ij"))
    expected = np.empty(scan.matrix, dtype=complex)
    for time, line in enumerate(scan.line_at_time):
        at_line = [slice(None)] * 3
        at_line[AXES.index(axis)] = line
        pose = motion.poses[time]
        moved = pose[:3, :3] @ places + pose[:3, 3:]
        frequencies = k[(slice(None), *at_line)]
        inside = np.abs(np.einsum("cd,c...->d...", pose[:3, :3], frequencies))
        inside = (inside * np.array(SIZE).reshape(3, 1, 1) <= 0.5).all(axis=0)
        waves = np.exp(-2j * np.pi * np.einsum("c...,cp->...p", frequencies, moved))
        expected[tuple(at_line)] = (waves @ head.reshape(-1)) * inside
    expected *= np.prod(SIZE) / np.prod(scan.voxel_size_mm)
    found = centred_fft(corrupt_volume(head, SIZE, motion, scan), (0, 1, 2))
    assert relative_error(found, expected) < 1e-4


@pytest.mark.parametrize(
    ("shift", "roll"), [((2, 0, 0), (2, 0, 0)), ((0, -3, 0), (0, -3, 0)), ((0, 0, 1), (0, 0, 1))]
)
def test_a_whole_voxel_shift_is_a_roll(head, shift, roll):
    fov = tuple(n * size for n, size in zip(SHAPE, SIZE, strict=True))
    scan = Acquisition(SHAPE, fov)
    shift_mm = tuple(step * size for step, size in zip(shift, SIZE, strict=True))
    image = corrupt_volume(head, SIZE, constant_motion(scan.n_lines, shift=shift_mm), scan)
    assert relative_error(image, np.roll(head, roll, axis=(0, 1, 2))) < 1e-5


@pytest.mark.parametrize(
    ("turn", "plane"), [((90, 0, 0), (1, 2)), ((0, 90, 0), (2, 0)), ((0, 0, 90), (0, 1))]
)
def test_a_quarter_turn_is_rot90(rng, turn, plane):
    """The right-hand rule about x takes y to z; about y, z to x; about z, x to y."""
    cube = rng.random((11, 11, 11)).astype(np.float32)
    scan = Acquisition((11, 11, 11), (11.0, 11.0, 11.0))
    image = corrupt_volume(cube, (1.0, 1.0, 1.0), constant_motion(11, turn=turn), scan)
    assert relative_error(image, np.rot90(cube, axes=plane)) < 1e-5


def test_a_scan_of_two_poses_is_the_two_scans_mixed_line_by_line(head):
    scan = Acquisition(SCAN.matrix, SCAN.fov_mm, order="interleaved", n_shots=3)
    first = constant_motion(scan.n_lines, shift=(1, 2, -1), turn=(4, -7, 9))
    second = constant_motion(scan.n_lines, shift=(-2, 0, 1), turn=(-5, 3, 12))
    late = np.arange(scan.n_lines) >= 5
    both = MotionTrace(
        np.where(late[:, None], second.translation_mm, first.translation_mm),
        np.where(late[:, None], second.rotation_deg, first.rotation_deg),
    )
    kspace = [
        centred_fft(corrupt_volume(head, SIZE, motion, scan), (0, 1, 2))
        for motion in (first, second, both)
    ]
    of_second = late[scan.time_of_line][None, :, None]
    assert relative_error(kspace[2], np.where(of_second, kspace[1], kspace[0])) < 1e-5


def test_pure_translation_is_undone_exactly_by_the_opposite_phase(rng, head):
    motion = MotionTrace(4 * rng.normal(size=(SCAN.n_lines, 3)), np.zeros((SCAN.n_lines, 3)))
    kspace = centred_fft(corrupt_volume(head, SIZE, motion, SCAN), (0, 1, 2))
    k = np.stack(np.meshgrid(*(SCAN.axis_frequencies(axis) for axis in AXES), indexing="ij"))
    of_line = motion.translation_mm[SCAN.time_of_line]
    undone = kspace * np.exp(2j * np.pi * np.einsum("lc,cxlz->xlz", of_line, k))
    expected = image_at_rest(head, SIZE, SCAN)
    assert relative_error(centred_ifft(undone, (0, 1, 2)), expected) < 1e-5


@pytest.mark.parametrize("axis", ["y", "z"])
@pytest.mark.parametrize("mode", ["rotation", "rotation+translation"])
def test_the_slice_route_equals_the_volume_route(rng, head, axis, mode):
    scan = Acquisition(SCAN.matrix, SCAN.fov_mm, phase_encoding_axis=axis, order="centric")
    motion = random_motion(rng, scan.n_lines).restricted_to(mode)
    by_slices = corrupt_slices(head, SIZE, motion, scan, scan.axis_positions_mm("x"))
    assert relative_error(by_slices, corrupt_volume(head, SIZE, motion, scan)) < 1e-5


def test_in_plane_motion_encoded_along_x_takes_the_volume_route(rng, head):
    scan = Acquisition(SCAN.matrix, SCAN.fov_mm, phase_encoding_axis="x")
    motion = random_motion(rng, scan.n_lines, in_plane=True)
    found = corrupt(head, SIZE, motion, scan)
    np.testing.assert_array_equal(found, corrupt_volume(head, SIZE, motion, scan))


def test_slices_between_the_partitions_are_where_they_should_be(head):
    """A slice at a partition's place is that partition; the references share the places."""
    places = SCAN.axis_positions_mm("x")[[2, 7]]
    slices = corrupt_slices(head, SIZE, still(SCAN.n_lines), SCAN, places)
    assert relative_error(slices, image_at_rest(head, SIZE, SCAN)[[2, 7]]) < 1e-5
    between = places + 0.7
    rest = image_at_rest(head, SIZE, SCAN, positions_mm=between)
    found = corrupt_slices(head, SIZE, still(SCAN.n_lines), SCAN, between)
    assert relative_error(found, rest) < 1e-5
    assert relative_error(found, slices) > 0.01


def test_imaging_is_linear_in_the_head(rng, head):
    other = rng.random(SHAPE).astype(np.float32)
    motion = random_motion(rng, SCAN.n_lines)
    apart = 2 * corrupt_volume(head, SIZE, motion, SCAN) - corrupt_volume(other, SIZE, motion, SCAN)
    assert relative_error(corrupt_volume(2 * head - other, SIZE, motion, SCAN), apart) < 1e-5


@pytest.mark.slow
def test_kspace_of_an_ellipsoid_is_the_analytic_one():
    """Second route: the spectrum of a turned and shifted ellipsoid from a formula, no voxels."""
    size, radii, centre = (1.0, 1.0, 1.0), (13.0, 18.0, 15.0), (2.0, -3.0, 1.0)
    # averaging 4^3 points a voxel gives the uniform ellipsoid's partial volumes
    fine = np.stack(np.meshgrid(*[(np.arange(4 * 64) - 4 * 32 - 1.5) / 4] * 3, indexing="ij"))
    inside = sum(((axis - c) / r) ** 2 for axis, c, r in zip(fine, centre, radii, strict=True)) <= 1
    head = inside.reshape(64, 4, 64, 4, 64, 4).mean(axis=(1, 3, 5)).astype(np.float32)
    scan = Acquisition((15, 17, 13), (64.0, 64.0, 64.0))
    motion = constant_motion(17, shift=(3, -2, 4), turn=(20, -30, 10))
    kspace = centred_fft(corrupt_volume(head, size, motion, scan), (0, 1, 2))
    k = np.stack(np.meshgrid(*(scan.axis_frequencies(a) for a in AXES), indexing="ij"))
    pose = motion.poses[0]
    turned = np.einsum("cd,c...->d...", pose[:3, :3], k).reshape(3, -1)
    expected = ellipsoid_spectrum(turned, radii, centre).reshape(k.shape[1:])
    expected = expected * np.exp(-2j * np.pi * np.einsum("c,c...->...", pose[:3, 3], k))
    assert relative_error(kspace * np.prod(scan.voxel_size_mm), expected) < 0.01


def test_intensity_survives_a_change_of_voxel_size():
    head = ellipsoid((40, 44, 42), (1, 1, 1), centre_mm=(0, 0, 0), radii_mm=(14, 15, 13))
    scan = Acquisition((20, 22, 21), (40.0, 44.0, 42.0))
    image = np.abs(corrupt(head, (1.0, 1.0, 1.0), still(22), scan))
    assert image[10, 11, 10] == pytest.approx(1, abs=0.03)


def test_a_trace_of_the_wrong_length_is_refused(head):
    with pytest.raises(McnetError, match="has 10 poses, but the scan has 11 phase-encoding lines"):
        corrupt(head, SIZE, still(10), SCAN)


def test_slices_refuse_motion_that_leaves_them(rng, head):
    slices = still_slices(head, SIZE, SCAN, np.array([0.0]))
    with pytest.raises(McnetError, match="does not stay within sagittal slices"):
        corrupt_still_slices(
            slices_to_corrupt(slices, SIZE), random_motion(rng, SCAN.n_lines), SCAN
        )


def test_the_oracle_itself_is_right_on_one_voxel():
    volume = np.zeros((3, 3, 3))
    volume[2, 1, 1] = 1  # at x = +2 mm
    found = plain_spectrum(volume, (2, 2, 2), np.array([[0.1], [0.3], [0.2]]))
    assert found[0] == pytest.approx(np.exp(-2j * np.pi * 0.2))
