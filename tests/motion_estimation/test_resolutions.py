"""Grids and images of one extent at other resolutions."""

import numpy as np
import pytest

from mcnet.motion_estimation.resolutions import (
    Shares,
    VoxelSizes,
    coarser,
    cropped,
    resampled,
    with_voxels,
)
from mcnet.physics.fourier import centred_fft
from mcnet.physics.in_plane import SliceGrid
from mcnet.physics.operators import ScanGrid


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
def test_the_resolutions_of_a_volume_end_with_its_own_and_are_coarser_across_lines(line_axis):
    grid = ScanGrid((96, 100, 104), (2.7, 2.6, 2.5), line_axis)
    grids = VoxelSizes().grids(grid)
    assert grids[-1] == grid
    sizes = np.array([one.pixel_mm for one in grids])
    assert np.all(np.diff(sizes, axis=0) <= 0)
    across = (line_axis + 1) % 3
    assert sizes[0][across] > 2 * sizes[0][line_axis]


def test_the_resolutions_of_slices_are_shares_of_their_lines():
    grid = SliceGrid((96, 64), (2.0, 3.0))
    assert [one.shape for one in Shares().grids(grid)] == [(36, 24), (60, 40), (96, 64)]
