"""Recordings of any length as one pose a phase-encoding line: cut, resampled, or refused."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mcnet.core.errors import McnetError
from mcnet.motion.formats.line_motion import check_one_pose_a_line, motion_of_lines
from mcnet.motion.trace import MotionTrace, still


def ramp(n_points: int) -> MotionTrace:
    """Point n is translated by n mm and rotated by n / 10 degrees."""
    translations, rotations = np.zeros((2, n_points, 3))
    translations[:, 1], rotations[:, 0] = np.arange(n_points), np.arange(n_points) / 10
    return MotionTrace(translations, rotations, 2.0, "run.par")


def test_a_trace_of_the_length_of_the_scan_is_taken_as_it_is() -> None:
    for resample in (False, True):
        trace, told = motion_of_lines(ramp(11), 11, resample=resample)
        assert told is None
        np.testing.assert_array_equal(trace.translation_mm, ramp(11).translation_mm)


@pytest.mark.parametrize("start", [0, 3])
def test_a_longer_trace_is_cut_from_start_on_and_that_is_told(start: int) -> None:
    trace, told = motion_of_lines(ramp(15), 9, start=start)
    assert trace.translation_mm[:, 1].tolist() == list(range(start, start + 9))
    assert told is not None
    assert f"run.par: 9 of its 15 poses, from point {start} on, were used" in told


@pytest.mark.parametrize(("n_points", "start"), [(8, 0), (15, 7)])
def test_a_shorter_trace_is_refused_with_the_remedy(n_points: int, start: int) -> None:
    with pytest.raises(McnetError, match=r"run.par has 8 poses.*scan has 9 phase.*--resample\.$"):
        motion_of_lines(ramp(n_points), 9, start=start)


@pytest.mark.parametrize("start", [-1, 15, 1000])
def test_a_start_outside_of_the_trace_is_refused(start: int) -> None:
    for resample in (False, True):
        with pytest.raises(McnetError, match=f"none is number {start} .* --start of 0 to 14"):
            motion_of_lines(ramp(15), 9, start=start, resample=resample)


@pytest.mark.parametrize(("n_points", "n_lines"), [(15, 25), (25, 9), (2, 7)])
def test_resampled_motion_spans_the_whole_scan(n_points: int, n_lines: int) -> None:
    trace, told = motion_of_lines(ramp(n_points), n_lines, resample=True)
    np.testing.assert_allclose(trace.translation_mm[:, 1], np.linspace(0, n_points - 1, n_lines))
    np.testing.assert_allclose(trace.rotation_deg[:, 0], trace.translation_mm[:, 1] / 10)
    assert told == f"run.par: its {n_points} poses were resampled to {n_lines} lines."
    assert trace.interval_s == pytest.approx(2.0 * (n_points - 1) / (n_lines - 1))
    assert not trace.translation_mm[:, [0, 2]].any()  # still within sagittal slices
    assert not trace.rotation_deg[:, 1:].any()


def test_resampling_begins_at_start() -> None:
    trace, told = motion_of_lines(ramp(15), 23, start=4, resample=True)
    np.testing.assert_allclose(trace.translation_mm[:, 1], np.linspace(4, 14, 23))
    assert told == "run.par: its 11 poses from point 4 on were resampled to 23 lines."


def test_halfway_between_two_rotations_is_half_the_rotation_from_one_to_the_other() -> None:
    rotations = np.array([[20.0, -15, 30], [-25.0, 30, 5]])
    trace, _ = motion_of_lines(MotionTrace(np.zeros((2, 3)), rotations), 3, resample=True)
    first, last = Rotation.from_euler("xyz", rotations, degrees=True)
    whole = last * first.inv()
    halfway = Rotation.from_rotvec(whole.as_rotvec() / 2) * first
    found = Rotation.from_euler("xyz", trace.rotation_deg[1], degrees=True)
    assert (found * halfway.inv()).magnitude() == pytest.approx(0, abs=1e-12)
    # the mean of the angles is another pose
    assert np.abs(trace.rotation_deg[1] - rotations.mean(axis=0)).max() > 1


def test_a_single_pose_cannot_be_resampled() -> None:
    with pytest.raises(McnetError, match="still is a single pose"):
        motion_of_lines(still(1), 9, resample=True)


def test_one_pose_a_line_is_one_rule() -> None:
    check_one_pose_a_line(ramp(9), 9)
    for n_points in (8, 10):
        with pytest.raises(McnetError, match=f"has {n_points} poses.*scan has 9 .*--resample"):
            check_one_pose_a_line(ramp(n_points), 9)
