"""MotionTrace: poses over time, measured from a reference pose, scaled, cut and described."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mcnet.core.errors import McnetError
from mcnet.motion.poses import inverse_pose
from mcnet.motion.trace import MotionTrace, still

SETTINGS = settings(deadline=None, max_examples=25)


def some_trace(n_points: int = 11, size: float = 20.0) -> MotionTrace:
    rng = np.random.default_rng(n_points)
    return MotionTrace(
        rng.normal(size=(n_points, 3)) * size, rng.normal(size=(n_points, 3)) * size, 2.0, "some"
    )


traces = st.integers(2, 9).flatmap(
    lambda n: st.builds(
        MotionTrace,
        translation_mm=arrays(float, (n, 3), elements=st.floats(-40, 40)),
        rotation_deg=arrays(float, (n, 3), elements=st.floats(-60, 60)),
    )
)


@SETTINGS
@given(trace=traces, data=st.data())
def test_the_chosen_pose_is_rest_and_all_others_follow_it_rigidly(
    trace: MotionTrace, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, trace.n_points - 1))
    rested = trace.at_rest_when(index)
    assert rested.poses[index] == pytest.approx(np.eye(4), abs=1e-9)
    # what moved the head from the chosen pose to each other pose is kept
    assert rested.poses @ trace.poses[index] == pytest.approx(trace.poses, abs=1e-8)


@SETTINGS
@given(trace=traces)
def test_measuring_from_rest_twice_is_measuring_once(trace: MotionTrace) -> None:
    last = trace.n_points - 1
    assert trace.at_rest_when(0).at_rest_when(last).poses == pytest.approx(
        trace.at_rest_when(last).poses, abs=1e-8
    )


def test_large_angles_are_composed_and_not_subtracted() -> None:
    # a quarter turn about z, then 60 deg about x: from the first to the second pose the head
    # rotates first back about z, then about x, which no subtraction of angles gives
    trace = MotionTrace(np.zeros((2, 3)), np.array([[0.0, 0, 90], [60.0, 0, 0]]))
    rested = trace.at_rest_when(0)
    point = np.array([1.0, 0, 0, 1])
    # back about z: x goes to -y; about x by 60: -y goes to (0, -cos 60, -sin 60)
    assert rested.poses[1] @ point == pytest.approx([0, -0.5, -np.sqrt(0.75), 1], abs=1e-12)
    assert rested.rotation_deg[1] != pytest.approx([60, 0, -90])


def test_translation_is_rotated_back_with_the_head() -> None:
    # the head 10 mm to the front and rotated by a quarter turn about z, then back by 10 mm
    trace = MotionTrace(
        np.array([[0.0, 10, 0], [0.0, 0, 0]]), np.array([[0.0, 0, 90], [0.0, 0, 90]])
    )
    rested = trace.at_rest_when(0)
    assert rested.translation_mm[1] == pytest.approx([0, -10, 0], abs=1e-12)
    assert rested.rotation_deg[1] == pytest.approx([0, 0, 0], abs=1e-12)


def test_inplane_angles_at_rest_are_differences() -> None:
    angles = np.zeros((5, 3))
    angles[:, 0] = [-16.0, 3.0, 12.0, 7.0, -9.0]
    rested = MotionTrace(np.zeros((5, 3)), angles).at_rest_when(2)
    assert rested.rotation_deg[:, 0] == pytest.approx(angles[:, 0] - 12.0)


def test_average_weighted_on_one_point_is_that_point() -> None:
    trace = some_trace()
    weights = np.zeros(trace.n_points)
    weights[3] = 7.0
    assert trace.at_rest_on_average(weights).poses == pytest.approx(
        trace.at_rest_when(3).poses, abs=1e-9
    )


def test_average_is_the_weighted_mean_pose() -> None:
    translations = np.zeros((3, 3))
    translations[:, 1] = [0.0, 6.0, 9.0]
    trace = MotionTrace(translations, np.zeros((3, 3)))
    rested = trace.at_rest_on_average(np.array([1.0, 1.0, 2.0]))
    assert rested.translation_mm[:, 1] == pytest.approx([-6, 0, 3])


def test_average_of_rotations_about_one_axis_is_their_mean_angle() -> None:
    angles = np.zeros((2, 3))
    angles[:, 0] = [10.0, 40.0]
    rested = MotionTrace(np.zeros((2, 3)), angles).at_rest_on_average(np.array([2.0, 1.0]))
    assert rested.rotation_deg[:, 0] == pytest.approx([-10, 20])


def test_scaled_multiplies_translations_and_angles() -> None:
    trace = some_trace(size=1.0)
    scaled = trace.scaled(8.0)
    assert scaled.translation_mm == pytest.approx(8 * trace.translation_mm)
    assert scaled.rotation_deg == pytest.approx(8 * trace.rotation_deg)
    assert (scaled.interval_s, scaled.name) == (2.0, "some")


@pytest.mark.parametrize("factor", [np.nan, np.inf, -np.inf])
def test_scaling_by_no_finite_number_is_refused_by_its_factor(factor: float) -> None:
    with pytest.raises(McnetError, match=f"scale {factor:g} is impossible"):
        some_trace().scaled(float(factor))


def test_scaling_beyond_all_numbers_is_refused_by_its_factor() -> None:
    with pytest.raises(McnetError, match=r"scale 1e\+308 is impossible"):
        some_trace().scaled(1e308)


def test_resampled_keeps_ends_duration_and_straight_lines() -> None:
    line = np.linspace([0.0, 1, 2], [6.0, -5, 2], 7)
    about_x = -line * [1, 0, 0]
    resampled = MotionTrace(line, about_x, interval_s=2.0).resampled(4)
    assert resampled.translation_mm == pytest.approx(np.linspace([0.0, 1, 2], [6.0, -5, 2], 4))
    assert resampled.rotation_deg == pytest.approx(-resampled.translation_mm * [1, 0, 0])
    assert resampled.interval_s == pytest.approx(4.0)


def test_resampled_to_its_own_length_is_itself() -> None:
    trace = some_trace()
    assert trace.resampled(trace.n_points).translation_mm == pytest.approx(trace.translation_mm)
    assert MotionTrace(trace.translation_mm, trace.rotation_deg).resampled(5).interval_s is None


def test_magnitude_of_one_angle_is_its_standard_deviation() -> None:
    angles = np.zeros((4, 3))
    angles[:, 0] = [1.0, 3.0, 5.0, 7.0]
    assert MotionTrace(np.zeros((4, 3)), angles).magnitude == pytest.approx(np.sqrt(5))


def test_magnitude_is_the_root_of_summed_variances() -> None:
    translations, angles = np.zeros((2, 3)), np.zeros((2, 3))
    translations[:, 1] = [0.0, 6.0]
    angles[:, 2] = [1.0, -7.0]
    assert MotionTrace(translations, angles).magnitude == pytest.approx(5.0)


def test_displacement_adds_translations_and_arcs_on_50_mm() -> None:
    translations = np.array([[0.0, 0, 0], [1.0, -2, 0], [1.0, -2, 0.5]])
    angles = np.array([[0.0, 0, 0], [0.0, 0, 0], [3.0, 0, -3.0]])
    steps = MotionTrace(translations, angles).framewise_displacement_mm()
    assert steps == pytest.approx([3.0, 0.5 + 50 * 6 * np.pi / 180])
    doubled = MotionTrace(translations, angles).framewise_displacement_mm(radius_mm=100.0)
    assert doubled == pytest.approx([3.0, 0.5 + 100 * 6 * np.pi / 180])


def test_restriction_keeps_what_lies_in_sagittal_slices() -> None:
    trace = some_trace()
    rotation = trace.restricted_to("rotation")
    assert not rotation.translation_mm.any()
    assert rotation.rotation_deg[:, 0] == pytest.approx(trace.rotation_deg[:, 0])
    assert not rotation.rotation_deg[:, 1:].any()
    both = trace.restricted_to("rotation+translation")
    assert not both.translation_mm[:, 0].any()
    assert both.translation_mm[:, 1:] == pytest.approx(trace.translation_mm[:, 1:])
    assert both.rotation_deg == pytest.approx(rotation.rotation_deg)
    assert trace.restricted_to("six-dof").poses == pytest.approx(trace.poses)


def test_bounds_hold_for_every_point_and_both_signs() -> None:
    translations = np.zeros((3, 3))
    translations[2, 1] = -2.0
    trace = MotionTrace(translations, np.zeros((3, 3)))
    assert trace.is_within(translation_mm=2.0, rotation_deg=0.0)
    assert not trace.is_within(translation_mm=1.9, rotation_deg=2.0)
    assert not MotionTrace(np.zeros((3, 3)), translations).is_within(
        translation_mm=9.0, rotation_deg=1.9
    )


def test_segment_is_a_part() -> None:
    trace = some_trace()
    part = trace.segment(2, 5)
    assert part.translation_mm == pytest.approx(trace.translation_mm[2:7])
    assert part.rotation_deg == pytest.approx(trace.rotation_deg[2:7])
    assert trace.segment(0, 11).n_points == 11


@pytest.mark.parametrize(("start", "n_points"), [(-1, 3), (0, 12), (9, 3), (0, 0), (11, 1)])
def test_segment_beyond_the_trace_is_refused(start: int, n_points: int) -> None:
    with pytest.raises(McnetError, match="some has 11 time points"):
        some_trace().segment(start, n_points)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_no_motion_are_refused(bad: float) -> None:
    translations = np.zeros((3, 3))
    translations[1, 2] = bad
    with pytest.raises(McnetError, match="NaN or infinite"):
        MotionTrace(translations, np.zeros((3, 3)))
    with pytest.raises(McnetError, match="NaN or infinite"):
        MotionTrace(np.zeros((3, 3)), translations)


def test_a_still_head_does_not_move() -> None:
    trace = still(7)
    assert trace.n_points == 7
    assert trace.poses == pytest.approx(np.broadcast_to(np.eye(4), (7, 4, 4)))
    assert trace.magnitude == 0


def test_poses_undo_each_other() -> None:
    poses = some_trace().poses
    assert poses @ inverse_pose(poses) == pytest.approx(
        np.broadcast_to(np.eye(4), poses.shape), abs=1e-12
    )
