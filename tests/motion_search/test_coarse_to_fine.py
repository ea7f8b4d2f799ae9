"""Grids and images from coarse to fine; that motion is found is tested where it is looked for."""

import numpy as np
import pytest
from properties import relative_error

from mcnet.fourier import centred_fft
from mcnet.motion_search.coarse_to_fine import (
    VolumeSearchSettings,
    coarser,
    continued,
    cropped,
    in_place,
    resampled,
    with_voxels,
)
from mcnet.simulation.in_plane import InPlaneScan, SliceGrid
from mcnet.simulation.in_space import matrices_of, poses_of
from mcnet.simulation.scan_operator import ScanGrid


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


def test_voxels_get_as_large_as_asked_for_and_no_smaller():
    grid = ScanGrid((64, 96, 50), (4.0, 2.0, 5.0), 1)
    larger = with_voxels(grid, (8.0, 4.1, 2.0))
    assert larger.shape == (32, 46, 50)
    assert np.multiply(larger.shape, larger.pixel_mm) == pytest.approx((256.0, 192.0, 250.0))
    assert with_voxels(grid, (1.0, 1.0, 1.0)) == grid


@pytest.mark.parametrize("line_axis", [0, 1, 2])
def test_the_resolutions_of_a_volume_end_with_its_own_and_none_comes_twice(line_axis):
    grid = ScanGrid((96, 96, 96), (2.7, 2.7, 2.7), line_axis)
    grids = [one for one, _ in VolumeSearchSettings().resolutions(grid)]
    assert grids[-1] == grid
    sizes = [grid.pixel_mm for grid in grids]
    assert len(set(sizes)) == len(sizes)
    assert sizes == sorted(sizes, reverse=True)
    across = (line_axis + 1) % 3
    assert sizes[0][across] > 2 * sizes[0][line_axis]


def test_poses_in_space_are_measured_from_their_mean(rng):
    grid = ScanGrid((8, 20, 9), (8.0, 4.0, 9.0), 1)
    volume = rng.random((1, *grid.shape)).astype(np.float32)
    poses = 0.02 * rng.normal(size=(20, 6)) * np.array([1, 1, 1, 50, 50, 50])
    moved = matrices_of(poses) @ matrices_of(np.array([[0.02, -0.01, 0.03, 4.0, -3.0, 2.0]]))
    found, same = (in_place(one, volume, grid) for one in (poses, poses_of(moved)))
    # but for what turns of some degrees and shifts of some mm do to one another
    np.testing.assert_allclose(same[:, :3], found[:, :3], atol=2e-3)
    np.testing.assert_allclose(same[:, 3:], found[:, 3:], atol=0.3)
    assert np.abs(poses_of(moved) - poses)[:, 3:].max() > 3
