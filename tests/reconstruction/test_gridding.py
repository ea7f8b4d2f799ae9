"""The gridding preview: of a still head the inverse FFT, of a moving one better than that."""

import moving_head
import numpy as np
import pytest

from mcnet.physics.fourier import centred_fft
from mcnet.physics.in_plane import SliceGrid
from mcnet.physics.simulator import image_at_rest
from mcnet.reconstruction.gridding import density_weights, gridded
from mcnet.reconstruction.options import ReconstructionOptions
from mcnet.reconstruction.reconstruct import reconstruct
from mcnet.reconstruction.sense_operator import SenseOperator


def test_of_a_still_head_it_is_the_image(rng):
    grid = SliceGrid((24, 31), (4.0, 5.0), 0)
    image = rng.normal(size=(1, 24, 31)).astype(np.float32)
    scan = SenseOperator(grid, np.ones((1, 1, 24, 31), np.complex64), grid.still_poses())
    kspace = (centred_fft(image, (1, 2)) / np.sqrt(24 * 31)).astype(np.complex64)[None]
    weights = density_weights(scan, grid.shape)
    found = gridded(scan, kspace, weights, real=True)
    np.testing.assert_allclose(found, image, atol=0.05 * np.abs(image).max())


@pytest.mark.slow
def test_a_preview_is_better_than_the_scan_and_worse_than_the_image():
    raw, motion = moving_head.raw_scan(20.0), moving_head.motion(20.0)
    image = reconstruct(raw, motion=motion)
    preview = reconstruct(raw, motion=motion, options=ReconstructionOptions(preview=True))
    scores = [
        moving_head.ssim(raw.planes_of(one.values))
        for one in (image.corrupted, preview.image, image.image)
    ]
    assert scores[0] < scores[1] < scores[2]


@pytest.mark.slow
def test_so_it_is_of_a_head_that_moved_in_space():
    raw, motion = moving_head.raw_volume(20.0), moving_head.motion_in_space(20.0)
    image = reconstruct(raw, motion=motion)
    preview = reconstruct(raw, motion=motion, options=ReconstructionOptions(preview=True))
    scan = moving_head.subject()
    still = np.abs(image_at_rest(scan.values, scan.voxel_size_mm, moving_head.VOLUME))
    errors = [
        float(((one.values - still) ** 2).mean())
        for one in (image.corrupted, preview.image, image.image)
    ]
    assert errors[0] > errors[1] > errors[2]
