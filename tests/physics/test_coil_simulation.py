"""Coils, phase and noise: a plain sum is the judge."""

import numpy as np
import pytest
from properties import relative_error

from mcnet.core.errors import McnetError
from mcnet.motion.poses import AXES
from mcnet.motion.trace import MotionTrace, still
from mcnet.physics.acquisition import Acquisition
from mcnet.physics.coil_simulation import add_noise, background_phase, coil_maps, kspace_of_coils
from mcnet.physics.fourier import centred_fft, centred_ifft
from mcnet.physics.simulator import corrupt, corrupt_slices, image_at_rest

SHAPE, SIZE = (13, 17, 15), (1.5, 1.2, 1.0)
SCAN = Acquisition(matrix=(9, 11, 7), fov_mm=(20.0, 21.0, 15.0), order="centric")
HEAD_COIL_MM = tuple(np.linspace(-100, 100, n) for n in (9, 11, 7))


@pytest.fixture
def head(rng):
    return rng.random(SHAPE).astype(np.float32)


def positions(scan):
    return [scan.axis_positions_mm(axis) for axis in AXES]


def random_motion(rng, n_points, mode):
    shifts, turns = rng.normal(size=(n_points, 3)), 10 * rng.normal(size=(n_points, 3))
    return MotionTrace(shifts, turns).restricted_to(mode)


def plain_line(head, pose, coil, scan, line):
    """One line by plain sums: the voxels moved, imaged on the grid, seen by the coil, summed."""
    places = np.stack(
        np.meshgrid(
            *((np.arange(n) - n // 2) * s for n, s in zip(SHAPE, SIZE, strict=True)), indexing="ij"
        )
    ).reshape(3, -1)
    k = np.stack(np.meshgrid(*(scan.axis_frequencies(a) for a in AXES), indexing="ij"))
    turned = np.einsum("cd,c...->d...", pose[:3, :3], k)
    inside = (np.abs(turned) * np.array(SIZE).reshape(3, 1, 1, 1) <= 0.5).all(axis=0)
    moved = pose[:3, :3] @ places + pose[:3, 3:]
    spectrum = np.exp(-2j * np.pi * np.einsum("cxyz,cp->xyzp", k, moved)) @ head.reshape(-1)
    spectrum *= inside * np.prod(SIZE) / np.prod(scan.voxel_size_mm)
    grid = np.stack(np.meshgrid(*positions(scan), indexing="ij")).reshape(3, -1)
    waves = np.exp(2j * np.pi * (k.reshape(3, -1).T @ grid))
    seen = (spectrum.reshape(-1) @ waves / waves.shape[0]) * coil.reshape(-1)
    received = (waves.conj() @ seen).reshape(scan.matrix)
    return np.take(received, line, axis=AXES.index(scan.phase_encoding_axis))


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["rotation+translation", "six-dof"])
@pytest.mark.parametrize("axis", ["y", "z"])
def test_each_line_is_the_plain_sum_over_the_moved_head_times_the_coil(rng, head, axis, mode):
    scan = Acquisition(SCAN.matrix, SCAN.fov_mm, phase_encoding_axis=axis, order="centric")
    motion = random_motion(rng, scan.n_lines, mode)
    maps = coil_maps(positions(scan), 3, 14.0) * background_phase(HEAD_COIL_MM, rng)
    found = kspace_of_coils(head, SIZE, motion, scan, maps)
    for time in (0, 3, scan.n_lines - 1):
        line = int(scan.line_at_time[time])
        along = AXES.index(axis)
        for coil in range(3):
            expected = plain_line(head, motion.poses[time], maps[coil], scan, line)
            assert relative_error(np.take(found[coil], line, axis=along), expected) < 1e-4


def test_lines_along_x_are_seen_as_well(rng, head):
    scan = Acquisition(SCAN.matrix, SCAN.fov_mm, phase_encoding_axis="x")
    motion = random_motion(rng, scan.n_lines, "six-dof")
    maps = coil_maps(positions(scan), 2, 14.0)
    found = kspace_of_coils(head, SIZE, motion, scan, maps)
    expected = plain_line(head, motion.poses[4], maps[1], scan, 4)
    assert relative_error(found[1, 4], expected) < 1e-4


@pytest.mark.parametrize("mode", ["rotation", "six-dof"])
def test_a_coil_that_receives_all_places_alike_sees_the_corrupted_image(rng, head, mode):
    motion = random_motion(rng, SCAN.n_lines, mode)
    found = kspace_of_coils(head, SIZE, motion, SCAN, coil_maps(positions(SCAN), 1))
    image = corrupt(head, SIZE, motion, SCAN)
    assert relative_error(found[0], centred_fft(image, (0, 1, 2))) < 1e-4


def test_slices_have_frequencies_along_y_and_z_alone(rng, head):
    motion = random_motion(rng, SCAN.n_lines, "rotation+translation")
    places = SCAN.axis_positions_mm("x")[2:6]
    grid = [places, *positions(SCAN)[1:]]
    found = kspace_of_coils(head, SIZE, motion, SCAN, coil_maps(grid, 1), positions_mm=places)
    image = corrupt_slices(head, SIZE, motion, SCAN, places)
    assert relative_error(found[0], centred_fft(image, (1, 2))) < 1e-4
    # and those of several coils are the slices of the whole scan
    all_slices = kspace_of_coils(head, SIZE, motion, SCAN, coil_maps(positions(SCAN), 2, 14.0))
    some = kspace_of_coils(head, SIZE, motion, SCAN, coil_maps(grid, 2, 14.0), positions_mm=places)
    assert relative_error(some, centred_ifft(all_slices, (1,))[:, 2:6]) < 1e-5


def test_of_a_still_head_each_coil_sees_the_image_times_its_map(rng, head):
    maps = coil_maps(positions(SCAN), 4, 14.0) * background_phase(HEAD_COIL_MM, rng)
    found = kspace_of_coils(head, SIZE, still(SCAN.n_lines), SCAN, maps)
    expected = maps * image_at_rest(head, SIZE, SCAN)
    assert relative_error(centred_ifft(found, (1, 2, 3)), expected) < 1e-5


def test_coils_stay_in_place_while_the_head_moves(head):
    """A head shifted by whole voxels throughout is seen as the roll times the unmoved map."""
    fov = tuple(n * size for n, size in zip(SHAPE, SIZE, strict=True))
    scan = Acquisition(SHAPE, fov)
    shift = np.tile([0.0, 3 * SIZE[1], 0.0], (scan.n_lines, 1))
    maps = coil_maps(positions(scan), 3, 14.0)
    found = kspace_of_coils(head, SIZE, MotionTrace(shift, 0 * shift), scan, maps)
    expected = maps * np.roll(head, 3, axis=1)
    assert relative_error(centred_ifft(found, (1, 2, 3)), expected) < 1e-5


@pytest.mark.parametrize("n_coils", [1, 2, 8, 32])
def test_maps_are_smooth_and_their_root_sum_of_squares_is_one(n_coils):
    grid = [np.linspace(-128, 126, 33)] * 3
    maps = coil_maps(grid, n_coils)
    np.testing.assert_allclose(np.sqrt((np.abs(maps) ** 2).sum(axis=0)), 1, atol=1e-5)
    for axis in (1, 2, 3):
        assert np.abs(np.diff(maps, axis=axis)).max() < 0.15  # a step is 8 mm
    if n_coils > 1:
        assert np.ptp(np.abs(maps[0])) > 0.3
        assert np.ptp(np.angle(maps[0])) > 0.3


def test_a_coil_hears_its_own_side_best():
    """The first of 8 lies to the right, as its angle is zero."""
    grid = [np.linspace(-80, 80, 11)] * 3
    size = np.abs(coil_maps(grid, 8)[0])
    assert np.argmax(size.sum(axis=(1, 2))) == 10


def test_the_phase_is_smooth_and_seeded():
    grid = [np.linspace(-100, 100, n) for n in (21, 25, 23)]
    found, again, other = (
        background_phase(grid, np.random.default_rng(seed)) for seed in (3, 3, 4)
    )
    np.testing.assert_allclose(np.abs(found), 1, atol=1e-6)
    np.testing.assert_array_equal(found, again)
    assert np.abs(found - other).max() > 0.5
    steps = np.angle(found[1:] * found[:-1].conj())
    assert np.abs(steps).max() < 0.9
    assert np.ptp(np.angle(found)) > 0.5


@pytest.mark.parametrize("axes", [(1, 2, 3), (2, 3)])
def test_noise_of_an_image_pixel_is_the_signal_divided_by_the_ratio(rng, axes):
    noise = add_noise(np.zeros((3, 20, 31, 22), np.complex64), axes, signal=5.0, snr=20.0, rng=rng)
    image = centred_ifft(noise, axes)
    for part in (image.real, image.imag):
        assert part.std() == pytest.approx(0.25, rel=0.02)
        assert part.mean() == pytest.approx(0, abs=0.01)
    coils = image.reshape(3, -1)
    shared = np.abs(coils @ coils.conj().T / coils.shape[1] - 2 * 0.25**2 * np.eye(3))
    assert shared.max() < 0.005


def test_noise_is_added_to_what_is_there_and_seeded(rng):
    kspace = (rng.normal(size=(2, 5, 7, 9)) + 0j).astype(np.complex64)
    options = {"signal": 1.0, "snr": 1e6}
    found = add_noise(kspace, (1, 2, 3), rng=np.random.default_rng(1), **options)
    again = add_noise(kspace, (1, 2, 3), rng=np.random.default_rng(1), **options)
    assert relative_error(found, kspace) < 1e-3
    assert found.dtype == np.complex64
    np.testing.assert_array_equal(found, again)
    assert np.abs(found - kspace).max() > 0


@pytest.mark.parametrize("snr", [0.0, -3.0, float("nan"), float("inf")])
def test_impossible_ratios_are_refused(rng, snr):
    with pytest.raises(McnetError, match="signal-to-noise ratio of"):
        add_noise(np.zeros((1, 2, 2, 2), np.complex64), (1,), signal=1.0, snr=snr, rng=rng)


def test_what_cannot_be_received_is_refused(rng, head):
    with pytest.raises(McnetError, match="0 coils receive nothing"):
        coil_maps(positions(SCAN), 0)
    maps = coil_maps(positions(SCAN), 2)
    with pytest.raises(McnetError, match="12 poses, but the scan has 11 phase-encoding lines"):
        kspace_of_coils(head, SIZE, still(12), SCAN, maps)
    leaving = random_motion(rng, SCAN.n_lines, "six-dof")
    places = SCAN.axis_positions_mm("x")
    with pytest.raises(McnetError, match="does not stay within sagittal slices"):
        kspace_of_coils(head, SIZE, leaving, SCAN, maps, positions_mm=places)
