"""The operator of motion within the plane: the simulator's law, its adjoint, its derivative."""

import numpy as np
import pytest
from properties import ellipsoid, relative_error
from scipy.ndimage import gaussian_filter

from mcnet.motion.generators import generate_motion
from mcnet.physics.acquisition import Acquisition
from mcnet.physics.in_plane import InPlaneScan, SliceGrid, still_images
from mcnet.physics.line_poses import in_plane_poses
from mcnet.physics.simulator import corrupt_slices

SHAPE, SIZE = (44, 38), (4.0, 5.0)
AXES = [("y", 0), ("z", 1)]


@pytest.fixture(scope="module")
def slices():
    """Three slices with detail, of the scan's own grid, off the centre."""
    outside = ellipsoid((3, *SHAPE), (20.0, *SIZE), centre_mm=(0, 6, -5), radii_mm=(90, 60, 55))
    inside = ellipsoid((3, *SHAPE), (20.0, *SIZE), centre_mm=(5, 20, 10), radii_mm=(60, 20, 15))
    return (outside + 0.7 * inside).astype(np.float32)


def motion_of(n_lines, seed=3, factor=6.0):
    motion = generate_motion(n_lines, np.random.default_rng(seed)).scaled(factor)
    return motion.restricted_to("rotation+translation")


def poses_in_plane(motion, time_of_line):
    """Rotation about x in radians, translations along y and z in mm, of each line."""
    of_time = np.column_stack([np.radians(motion.rotation_deg[:, 0]), motion.translation_mm[:, 1:]])
    return of_time[time_of_line]


def moved(slices, axis, line_axis, order="interleaved"):
    """What the simulator makes of the slices, and the poses of its lines."""
    fov = tuple(n * size for n, size in zip(SHAPE, SIZE, strict=True))
    scan = Acquisition((3, *SHAPE), (60.0, *fov), axis, order)
    motion = motion_of(SHAPE[line_axis])
    image = corrupt_slices(slices, (20.0, *SIZE), motion, scan, scan.axis_positions_mm("x"))
    return image, in_plane_poses(motion, scan.time_of_line)


@pytest.mark.parametrize(("axis", "line_axis"), AXES)
def test_it_is_the_law_of_the_simulator(slices, axis, line_axis):
    image, poses = moved(slices, axis, line_axis)
    scan = InPlaneScan(SliceGrid(SHAPE, SIZE, line_axis), 3, poses)
    assert relative_error(scan.ifft(scan.kspace(slices)), image) < 1e-3
    wrong = InPlaneScan(SliceGrid(SHAPE, SIZE, line_axis), 3, -poses)
    assert relative_error(wrong.ifft(wrong.kspace(slices)), image) > 0.05


@pytest.mark.parametrize(("axis", "line_axis"), AXES)
def test_the_adjoint_is_one(slices, axis, line_axis, rng):
    scan = InPlaneScan(
        SliceGrid(SHAPE, SIZE, line_axis), 3, 0.1 * rng.standard_normal((SHAPE[line_axis], 3))
    )
    image = rng.standard_normal((3, *SHAPE)).astype(np.float32)
    kspace = rng.standard_normal((3, *SHAPE, 2)).astype(np.float32).view(np.complex64)[..., 0]
    there, back = np.vdot(scan.kspace(image), kspace), np.vdot(image, scan.adjoint(kspace))
    assert abs(there - back) < 1e-3 * np.linalg.norm(image) * np.linalg.norm(kspace) / 40


def test_a_still_head_is_seen_as_it_is(slices):
    grid = SliceGrid(SHAPE, SIZE)
    scan = InPlaneScan(grid, 3, grid.still_poses())
    assert relative_error(scan.ifft(scan.kspace(slices)), slices) < 1e-3
    assert relative_error(still_images(slices, scan, n_steps=4), slices) < 1e-3


@pytest.mark.parametrize("line_axis", [0, 1])
@pytest.mark.parametrize("freedom", [0, 1, 2])
def test_the_gradient_is_that_of_finite_differences(slices, line_axis, freedom, rng):
    grid = SliceGrid(SHAPE, SIZE, line_axis)
    poses = in_plane_poses(motion_of(grid.n_lines), np.arange(grid.n_lines))
    # smooth, since a sample that turns over the edge of the band makes a jump
    change = gaussian_filter(rng.standard_normal(slices.shape), (0, 2, 2)).astype(np.float32)
    scan = InPlaneScan(grid, 3, poses)
    wanted = scan.kspace(change).astype(complex)
    step = np.zeros_like(poses)
    step[:, freedom] = rng.standard_normal(grid.n_lines) * (1e-3, 0.05, 0.05)[freedom]

    def along(shifted):
        return np.vdot(InPlaneScan(grid, 3, shifted).kspace(slices), wanted).real

    of_lines = [scan.of_lines(one, scan.kspace(change)) for one in scan.derivatives(slices)]
    gradient = np.stack(of_lines, axis=1)
    expected = (along(poses + step) - along(poses - step)) / 2
    assert np.sum(gradient * step) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize(("axis", "line_axis"), AXES)
def test_known_motion_is_undone_from_magnitudes_alone(slices, axis, line_axis):
    image, poses = moved(slices, axis, line_axis)
    magnitudes = np.abs(image).astype(np.float32)
    scan = InPlaneScan(SliceGrid(SHAPE, SIZE, line_axis), 3, poses)
    back = still_images(magnitudes, scan, n_steps=20)
    assert back.min() >= 0
    assert relative_error(back, slices) < 0.3 * relative_error(magnitudes, slices)


def test_two_scans_of_one_size_do_not_share_their_poses(slices):
    grid = SliceGrid(SHAPE, SIZE)
    one = InPlaneScan(grid, 3, grid.still_poses())
    before = one.kspace(slices)
    InPlaneScan(grid, 3, grid.still_poses() + 0.3)
    assert np.array_equal(one.kspace(slices), before)
