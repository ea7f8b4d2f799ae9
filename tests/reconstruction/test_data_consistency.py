"""The data-consistency check rejects wrong poses by the residual of their lines, not noise."""

from dataclasses import replace

import moving_head
import numpy as np
import pytest

from mcnet.motion.trace import still
from mcnet.physics.fourier import centred_fft
from mcnet.reconstruction.cg_sense import cg_sense
from mcnet.reconstruction.data_consistency import data_consistency, noise_variance, pose_deviations
from mcnet.reconstruction.moving_scan import moving_slices


def checked(raw, poses):
    """Check of poses of a scan, and the images that they give."""
    unmoved = moving_slices(raw, still(raw.n_lines))
    maps = unmoved.maps()
    moving = replace(unmoved, poses=poses)
    found = cg_sense(moving.operator(maps), moving.kspace)
    return data_consistency(found, moving.kspace, moving.grid.line_axis), found


@pytest.mark.slow
@pytest.mark.parametrize("snr", [None, 20.0])
def test_the_true_motion_is_accepted_with_noise_or_without(snr):
    raw = moving_head.raw_scan(6.0, 1, snr)
    consistency, _ = checked(raw, raw.poses_of(moving_head.motion(6.0)))
    assert consistency.accepted
    assert consistency.share_rejected < 0.05
    assert "explains" in consistency.sentence("another")


@pytest.mark.slow
@pytest.mark.parametrize("snr", [None, 20.0])
def test_no_motion_and_another_motion_are_rejected(snr):
    raw = moving_head.raw_scan(30.0, 1, snr)
    other = raw.poses_of(moving_head.motion(30.0, seed=8))
    for poses in (0 * other, other):
        consistency, _ = checked(raw, poses)
        assert not consistency.accepted
        sentence = consistency.sentence("the scan as it is")
        assert sentence.endswith("the result is the scan as it is instead.")


@pytest.mark.slow
def test_a_line_with_a_wrong_pose_gets_a_lower_weight():
    raw = moving_head.raw_scan(6.0)
    poses = raw.poses_of(moving_head.motion(6.0))
    line = raw.n_lines // 2 + 14
    poses[line] += (0.1, 0, 7.0)
    consistency, _ = checked(raw, poses)
    mirror = raw.n_lines - line
    assert set(np.argsort(consistency.line_residual)[-2:]) <= {line, mirror}
    assert consistency.line_weight[line] < 0.7
    assert np.median(consistency.line_weight) == 1


@pytest.mark.parametrize("line_axis", [0, 1])
def test_noise_is_told_from_the_air_along_the_readout(rng, line_axis):
    noise = rng.normal(0, 3.0, size=(2, 4, 61, 44, 2)).astype(np.float32).view(np.complex64)[..., 0]
    assert noise_variance(noise, line_axis) == pytest.approx(2 * 9.0, rel=0.1)
    image = np.zeros((2, 4, 61, 44))
    # a head with ghosts along all lines, and air along the readout
    (image[..., 8:36] if line_axis == 0 else image[:, :, 10:50])[:] = 500
    kspace = (noise + centred_fft(image, (2, 3)) / np.sqrt(61 * 44)).astype(np.complex64)
    assert noise_variance(kspace, line_axis) == pytest.approx(2 * 9.0, rel=0.2)


@pytest.mark.slow
def test_deviations_grow_with_noise_and_towards_the_centre_along_the_lines():
    quiet, loud = (moving_head.raw_scan(6.0, 1, snr) for snr in (60.0, 15.0))
    poses = quiet.poses_of(moving_head.motion(6.0))
    spread = [pose_deviations(raw.grid, poses, checked(raw, poses)[1]) for raw in (quiet, loud)]
    quarter = slice(24, 72)
    assert np.all(np.median(spread[1][quarter], axis=0) > np.median(spread[0][quarter], axis=0))
    assert spread[0][48, 1] > 5 * np.median(spread[0][quarter, 1])
