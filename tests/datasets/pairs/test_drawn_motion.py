"""Recorded motion drawn anew: mirrored, reversed and scaled, and nothing else."""

import numpy as np
import pytest

from mcnet.core.errors import McnetError
from mcnet.datasets.pairs.drawn_motion import RecordedMotion
from mcnet.motion.poses import pose_matrix
from mcnet.motion.trace import MotionTrace
from mcnet.physics.acquisition import Acquisition

SCAN = Acquisition((8, 21, 24), (80.0, 105.0, 120.0))


def trace(seed: int, name: str = "t") -> MotionTrace:
    rng = np.random.default_rng(seed)
    steps = rng.normal(size=(21, 6)).cumsum(axis=0)
    return MotionTrace(steps[:, :3], steps[:, 3:], 2.0, name)


def test_what_is_drawn_is_a_mirror_image_of_a_trace_in_space_or_time():
    motion = RecordedMotion((trace(1),), "six-dof", scale=(1.0, 1.0))
    poses = trace(1).poses
    found = set()
    for seed in range(60):
        drawn = motion.drawn(SCAN, np.random.default_rng(seed)).poses
        for step in (1, -1):
            for mirror in np.ndindex(2, 2, 2):
                plane = np.diag([*(1.0 - 2 * np.array(mirror)), 1.0])
                seen = plane @ poses[::step] @ plane  # how a mirror shows the motion
                # the order of turns about three axes is not that of the mirror image
                expected = seen @ np.linalg.inv(seen[SCAN.centre_time])
                if np.allclose(expected, drawn, atol=0.02):
                    found.add((step, mirror))
    assert len(found) == 16


def test_scale_mode_and_rest_are_kept():
    motion = RecordedMotion((trace(1), trace(2, "u")), "rotation", scale=(0.5, 2.0))
    drawn = [motion.drawn(SCAN, np.random.default_rng(seed)) for seed in range(40)]
    for one in drawn:
        assert np.array_equal(one.translation_mm, np.zeros((21, 3)))
        assert np.allclose(one.rotation_deg[SCAN.centre_time], 0)
        assert np.array_equal(one.rotation_deg[:, 1:], np.zeros((21, 2)))
    assert {one.name for one in drawn} == {"t", "u"}
    whole = {name: np.ptp(trace(seed).rotation_deg[:, 0]) for name, seed in (("t", 1), ("u", 2))}
    sizes = [np.ptp(one.rotation_deg[:, 0]) / whole[one.name] for one in drawn]
    assert 0.5 <= min(sizes) < 0.8
    assert 1.6 < max(sizes) <= 2.0


def test_the_same_seed_draws_the_same():
    motion = RecordedMotion((trace(1), trace(2)))
    one, again = (motion.drawn(SCAN, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(one.translation_mm, again.translation_mm)
    assert np.isfinite(pose_matrix(one.translation_mm[0], one.rotation_deg[0])).all()


@pytest.mark.parametrize(
    ("traces", "scale"), [((), (1.0, 1.0)), ((trace(1),), (2.0, 1.0)), ((trace(1),), (0.0, 1.0))]
)
def test_no_motion_is_refused(traces, scale):
    with pytest.raises(McnetError, match="give no motion"):
        RecordedMotion(traces, scale=scale)
