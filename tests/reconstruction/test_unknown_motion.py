"""Motion that nobody told is found in the k-space of a moving head."""

import moving_head
import numpy as np
import pytest
from properties import relative_error

from mcnet.evaluation.raw_trial import pose_error
from mcnet.fourier import centred_fft
from mcnet.reconstruction.routes import in_plane_route
from mcnet.reconstruction.solving import as_scanned
from mcnet.reconstruction.unknown_motion import (
    SearchSettings,
    coarser,
    combined,
    continued,
    cropped,
    find_motion,
    resampled,
)
from mcnet.simulation.in_plane import InPlaneScan, SliceGrid
from mcnet.simulation.motion import still


def searched(raw, settings=None):
    route = in_plane_route(raw, still(raw.n_lines))
    maps = route.maps()
    first = raw.planes_of(as_scanned(raw).values)
    return find_motion(route.kspace, maps, raw.grid, first, settings=settings)


@pytest.mark.parametrize("n_coils", [1, 4])
def test_motion_is_found_and_the_image_with_it(n_coils):
    raw = moving_head.raw_scan(4.0, n_coils, None, n_coils > 1)
    found = searched(raw)
    error = pose_error(raw, raw.motion_of(found.poses), moving_head.motion(4.0))
    before = pose_error(raw, still(raw.n_lines), moving_head.motion(4.0))
    assert error["turn_deg"] < 0.3
    assert error["rows_mm"] < min(0.3, before["rows_mm"])
    assert error["columns_mm"] < min(0.3, 0.5 * before["columns_mm"])


def test_the_same_kspace_gives_the_same_poses():
    raw = moving_head.raw_scan(4.0)
    short = SearchSettings(n_steps=(2, 1, 1), polish=())
    first, second = searched(raw, short), searched(raw, short)
    np.testing.assert_array_equal(first.poses, second.poses)


@pytest.mark.parametrize("line_axis", [0, 1])
def test_shifts_that_a_line_cannot_tell_apart_go_on_smoothly(line_axis):
    grid = SliceGrid((64, 60), (4.0, 4.0), line_axis)
    poses = np.zeros((grid.n_lines, 3))
    poses[:, 1 + line_axis] = np.linspace(-3, 5, grid.n_lines)
    k = grid.frequencies(line_axis)
    wrapped = poses.copy()
    far = np.abs(np.arange(grid.n_lines) - grid.n_lines // 2) >= 6
    wrapped[far, 1 + line_axis] += np.where(np.arange(far.sum()) % 3 == 0, 1, -1) / k[far]
    np.testing.assert_allclose(continued(wrapped, grid), poses, atol=1e-9)
    image = np.random.default_rng(0).normal(size=(1, 64, 60)).astype(np.float32)
    there, same = (InPlaneScan(grid, 1, one).kspace(image) for one in (poses, wrapped))
    assert relative_error(same, there) < 1e-3


@pytest.mark.parametrize("shape", [(15, 22), (16, 21)])
def test_a_coarser_image_has_the_centre_of_the_spectrum_and_the_same_brightness(shape, rng):
    coarse = rng.normal(size=(2, *shape)).astype(np.float32)
    fine = resampled(coarse, (31, 44))
    assert fine.mean() == pytest.approx(coarse.mean(), abs=1e-5)
    back = cropped(centred_fft(fine, (1, 2)).astype(np.complex64), shape)
    expected = centred_fft(coarse, (1, 2)) * np.sqrt(31 * 44 / np.prod(shape))
    # the edge of an even spectrum stands for both signs, so that a real image halves it
    inner = np.s_[:, 1:, 1:]
    np.testing.assert_allclose(back[inner], expected[inner], atol=2e-3)


def test_a_coarser_grid_keeps_its_extent():
    grid = coarser(SliceGrid((96, 130), (2.0, 1.5), 1), 0.5)
    assert grid.shape == (48, 64) or grid.shape == (48, 66)
    assert np.multiply(grid.shape, grid.pixel_mm) == pytest.approx((192.0, 195.0))
    assert grid.line_axis == 1


def test_one_coil_that_sees_all_alike_is_combined_into_itself(rng):
    kspace = (rng.normal(size=(1, 2, 9, 11)) + 1j * rng.normal(size=(1, 2, 9, 11))).astype(
        np.complex64
    )
    np.testing.assert_allclose(combined(kspace, np.ones_like(kspace)), kspace[0], atol=1e-5)
