"""Errors of poses: a common move is none."""

from dataclasses import replace

import moving_head
import numpy as np
import pytest

from mcnet.evaluation.pose_error import pose_error
from mcnet.motion.poses import pose_matrix, pose_parameters
from mcnet.motion.trace import MotionTrace


def test_a_pose_that_all_lines_share_is_no_error_and_one_of_some_is():
    raw = moving_head.raw_scan(4.0)
    true = moving_head.motion(4.0)
    poses = raw.poses_of(true)
    moved = raw.motion_of(poses + np.array([0.01, 2.0, -1.0]))
    assert max(pose_error(raw, moved, true).values()) < 1e-9
    poses[40:44] += [0.1, 0, 0]
    expected = np.degrees(0.1) * np.sqrt(4 / 48)
    assert pose_error(raw, raw.motion_of(poses), true)["rotation_deg"] == pytest.approx(expected)


@pytest.mark.slow
def test_an_error_in_space_is_the_worst_of_its_kind_but_for_a_common_move(rng):
    raw = moving_head.raw_volume(4.0)
    true = moving_head.motion_in_space(4.0)
    common = pose_matrix(np.array([1.0, -2.0, 0.5]), np.array([2.0, -1.0, 3.0]))
    translation, rotation = pose_parameters(true.poses @ common)
    moved = replace(true, translation_mm=translation, rotation_deg=rotation)
    assert max(pose_error(raw, moved, true).values()) < 1e-6
    quarter = raw.n_lines // 4
    lines = raw.line_at_time[np.arange(quarter, quarter + 2)]
    apart = true.translation_mm.copy()
    apart[lines, 0] += 3.0
    found = pose_error(raw, replace(true, translation_mm=apart), true)
    expected = 3.0 * np.sqrt(2 / (raw.n_lines - 2 * quarter))
    assert found["other_mm"] == pytest.approx(expected, rel=0.05)
    assert found["line_axis_mm"] < 0.1 * expected


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_an_error_of_rotation_in_space_is_in_degrees(axis):
    raw = moving_head.raw_volume(4.0)
    still_head = MotionTrace(np.zeros((raw.n_lines, 3)), np.zeros((raw.n_lines, 3)))
    quarter = raw.n_lines // 4
    times = raw.line_at_time.argsort()[quarter : quarter + 3]
    apart = np.zeros((raw.n_lines, 3))
    apart[times, axis] = 2.0
    found = pose_error(raw, replace(still_head, rotation_deg=apart), still_head)
    expected = 2.0 * np.sqrt(3 / (raw.n_lines - 2 * quarter))
    assert found["rotation_deg"] == pytest.approx(expected)
