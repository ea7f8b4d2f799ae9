"""The operator in space: the simulator's law, its adjoint, its derivative. In the plane it is
tested in `test_in_plane`."""

import numpy as np
import pytest
from properties import ellipsoid, relative_error
from scipy.ndimage import gaussian_filter

from mcnet.motion.generators import generate_motion
from mcnet.motion.poses import AXES
from mcnet.physics.acquisition import Acquisition
from mcnet.physics.fourier import centred_fft
from mcnet.physics.line_poses import poses_of
from mcnet.physics.operators import ScanGrid, ScanOperator, rotation_derivatives, rotations
from mcnet.physics.simulator import corrupt

SHAPE, SIZE = (20, 27, 24), (8.0, 6.0, 7.0)
LINE_AXES = [0, 1, 2]


@pytest.fixture(scope="module")
def volume():
    """A head with detail, of the scan's own grid, off the centre."""
    outside = ellipsoid(SHAPE, SIZE, centre_mm=(5, 6, -5), radii_mm=(50, 60, 55))
    inside = ellipsoid(SHAPE, SIZE, centre_mm=(10, 20, 10), radii_mm=(20, 24, 15))
    texture = gaussian_filter(np.random.default_rng(2).standard_normal(SHAPE), 1.5)
    return ((outside + 0.7 * inside) * (1 + 3 * texture)).astype(np.float32)


def motion_of(n_lines):
    return generate_motion(n_lines, np.random.default_rng(3)).scaled(8.0)


@pytest.mark.parametrize("line_axis", LINE_AXES)
def test_it_is_the_law_of_the_simulator(volume, line_axis):
    fov = tuple(n * size for n, size in zip(SHAPE, SIZE, strict=True))
    scan = Acquisition(SHAPE, fov, AXES[line_axis], "interleaved")
    motion = motion_of(SHAPE[line_axis])
    image = corrupt(volume, SIZE, motion, scan)
    expected = centred_fft(image, (0, 1, 2)) / np.sqrt(volume.size)
    poses = poses_of(motion.poses[scan.time_of_line])
    operator = ScanOperator(ScanGrid(SHAPE, SIZE, line_axis), 1, poses)
    assert relative_error(operator.kspace(volume[None])[0], expected) < 3e-4
    for freedom in range(6):
        wrong = poses.copy()
        wrong[:, freedom] *= -1
        other = ScanOperator(ScanGrid(SHAPE, SIZE, line_axis), 1, wrong).kspace(volume[None])
        assert relative_error(other[0], expected) > 0.001, freedom


@pytest.mark.parametrize("line_axis", LINE_AXES)
def test_the_adjoint_is_one(rng, line_axis):
    grid = ScanGrid(SHAPE, SIZE, line_axis)
    poses = 0.1 * rng.standard_normal((grid.n_lines, 6))
    scan = ScanOperator(grid, 2, poses)
    image = rng.standard_normal((2, *SHAPE)).astype(np.float32)
    kspace = rng.standard_normal((2, *SHAPE, 2)).astype(np.float32).view(np.complex64)[..., 0]
    there, back = np.vdot(scan.kspace(image), kspace), np.vdot(image, scan.adjoint(kspace))
    assert abs(there - back) < 1e-3 * np.linalg.norm(image) * np.linalg.norm(kspace) / 40


@pytest.mark.parametrize("line_axis", LINE_AXES)
@pytest.mark.parametrize("freedom", range(6))
def test_the_gradient_is_that_of_finite_differences(volume, line_axis, freedom, rng):
    grid = ScanGrid(SHAPE, SIZE, line_axis)
    poses = poses_of(motion_of(grid.n_lines).poses)
    scan = ScanOperator(grid, 1, poses, tolerance=1e-6)
    # not at the edges: a sample that turns over the edge of the band makes a jump
    inner = np.zeros(SHAPE, np.float32)
    inner[4:-4, 4:-4, 4:-4] = 1
    change = gaussian_filter(rng.standard_normal(SHAPE), 2).astype(np.float32)[None]
    towards = scan.kspace(change) * inner
    step = 2e-4 if freedom < 3 else 1e-2
    found = scan.of_lines(scan.derivatives(volume[None])[freedom], towards)
    moved = np.zeros_like(poses)
    moved[:, freedom] = step
    there, back = (
        ScanOperator(grid, 1, poses + sign * moved, tolerance=1e-6).kspace(volume[None])
        for sign in (1, -1)
    )
    expected = scan.of_lines((there - back) / (2 * step), towards)
    np.testing.assert_allclose(found, expected, atol=0.03 * np.abs(expected).max())


@pytest.mark.parametrize("line_axis", LINE_AXES)
def test_some_of_the_lines_are_a_part_of_all(volume, line_axis):
    grid = ScanGrid(SHAPE, SIZE, line_axis)
    poses = poses_of(motion_of(grid.n_lines).poses)
    chosen = slice(3, 11)
    part = ScanOperator(grid, 1, poses[chosen], lines=chosen)
    whole = ScanOperator(grid, 1, poses)
    at = [slice(None)] * 4
    at[1 + line_axis] = chosen
    assert relative_error(part.kspace(volume[None]), whole.kspace(volume[None])[tuple(at)]) < 1e-4
    np.testing.assert_array_equal(part.within_band, whole.within_band[tuple(at[1:])])


@pytest.mark.parametrize("n_rotations", [1, 3])
def test_turned_rotations_are_the_derivatives_of_rotations(rng, n_rotations):
    turns = rng.normal(size=(4, n_rotations))
    for index, found in enumerate(rotation_derivatives(turns)):
        step = np.zeros(n_rotations)
        step[index] = 1e-6
        expected = (rotations(turns + step) - rotations(turns - step)) / 2e-6
        np.testing.assert_allclose(found, expected, atol=1e-8)


def test_a_turn_in_the_plane_is_one_about_x():
    turn = np.array([[0.3]])
    in_space = rotations(np.array([[0.3, 0, 0]]))
    np.testing.assert_allclose(rotations(turn)[0], in_space[0, 1:, 1:])
