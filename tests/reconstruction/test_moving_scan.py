"""Poses of a moving scan in the units of the estimation, and as a trace again."""

import numpy as np

from mcnet.io.kspace import RawScan
from mcnet.motion.trace import MotionTrace
from mcnet.reconstruction.moving_scan import moving_volume


def test_six_degrees_of_freedom_are_radians_in_the_search_and_degrees_in_the_trace(rng):
    kspace = np.zeros((1, 5, 12, 7), np.complex64)
    raw = RawScan(kspace, np.eye(4), "y", "z", True, rng.permutation(12), 2.0)
    translation_mm = rng.uniform(-5, 5, (raw.n_lines, 3))
    rotation_deg = rng.uniform(-20, 20, (raw.n_lines, 3))
    moving = moving_volume(raw, MotionTrace(translation_mm, rotation_deg))
    line = 4
    time = raw.time_of_line[line]
    by_hand = [*(rotation_deg[time] * np.pi / 180), *translation_mm[time]]
    np.testing.assert_allclose(moving.poses[line], by_hand, atol=1e-9)
    found = moving.motion_of(moving.poses, "found")
    np.testing.assert_allclose(found.rotation_deg, rotation_deg, atol=1e-9)
    np.testing.assert_allclose(found.translation_mm, translation_mm, atol=1e-9)
