"""The search for the motion in magnitudes: it undoes slight motion, and of a still head finds none.

Slight motion, because of a magnitude only the mean of the poses of line ``k`` and ``-k`` is seen.
"""

from dataclasses import replace

import moving_head
import numpy as np
import pytest

from mcnet.correction import magnitude_motion
from mcnet.correction.magnitude_motion import (
    SEARCH,
    FoundMotion,
    accepted,
    find_motion,
    rms_mm,
)
from mcnet.physics.in_plane import SliceGrid
from mcnet.reconstruction.root_sum_of_squares import root_sum_of_squares

SHORT = replace(SEARCH, n_steps=(3, 2, 2))
GRID = SliceGrid((40, 52), (2.0, 3.0))


def scanned(factor):
    """Magnitudes of the built-in head, and their grid."""
    raw = moving_head.raw_scan(factor)
    return raw.planes_of(root_sum_of_squares(raw).values), raw.grid


def ssim_back(magnitudes, found: FoundMotion):
    return moving_head.ssim(found.undone(magnitudes))


@pytest.mark.slow
def test_motion_is_found_and_undone_along_the_axis_of_the_lines():
    magnitudes, grid = scanned(4.0)
    found = find_motion(magnitudes, grid)
    missing = 1 - moving_head.ssim(magnitudes)
    assert missing > 0.007
    assert 1 - ssim_back(magnitudes, found) < 0.6 * missing
    other = find_motion(magnitudes, replace(grid, line_axis=1 - grid.line_axis))
    assert 1 - ssim_back(magnitudes, other) > 0.9 * missing


@pytest.mark.slow
def test_it_is_found_along_the_other_axis_too():
    magnitudes, grid = scanned(4.0)
    turned = np.ascontiguousarray(magnitudes.transpose(0, 2, 1))
    plain = find_motion(magnitudes, grid, settings=SHORT)
    found = find_motion(
        turned,
        replace(grid, pixel_mm=grid.pixel_mm[::-1], line_axis=1 - grid.line_axis),
        settings=SHORT,
    )
    # rows and columns change places, and turns their sense
    expected = plain.poses[:, [0, 2, 1]] * (-1, 1, 1)
    assert np.allclose(found.poses, expected, atol=0.05 * np.abs(plain.poses).max())


@pytest.mark.slow
def test_of_a_still_head_hardly_any_motion_is_believed():
    magnitudes, grid = scanned(1e-3)
    found = find_motion(magnitudes, grid)
    left = accepted(found)
    assert left is None or not left.is_certain
    # what is left of a tenth of a pixel, the most that was found in still scans
    assert left is None or left.share < 1 - (0.06 / 0.1) ** 2
    assert left is None or ssim_back(magnitudes, left) > 0.998


def shaken(pixels):
    """Poses of so many pixels, root mean square, from their mean."""
    poses = GRID.still_poses()
    poses[:, 1] = np.tile([2.5 * pixels, -2.5 * pixels], 20)
    return poses


@pytest.mark.parametrize(
    ("saved", "pixels", "share", "is_certain"),
    [
        (0.001, 0.05, 0.0, False),
        (0.0055, 0.06, 0.0, False),
        (0.0075, 0.05, 0.5, False),
        (0.0095, 0.05, 1.0, True),
        (0.1, 0.05, 1.0, True),
        (0.001, 0.12, 0.75, False),
        (0.0075, 0.12, 0.75, False),
        (0.001, 0.18, 8 / 9, True),
    ],
)
def test_poses_count_by_their_size_or_by_what_they_save(saved, pixels, share, is_certain):
    rounds = (0.75 * shaken(pixels), 0.25 * shaken(pixels))
    left = accepted(FoundMotion(GRID, rounds, saved))
    if share == 0:
        assert left is None
        return
    assert left is not None
    assert left.share == pytest.approx(share)
    assert left.is_certain is is_certain
    for after, before in zip(left.rounds, rounds, strict=True):
        assert np.allclose(after, left.share * before)
    assert left.as_dict["share_of_found"] == left.share


def test_rounds_are_undone_one_after_another():
    magnitudes, grid = scanned(4.0)
    back = grid.still_poses() + np.array([0, 3.0, 0])
    # to and fro: the head comes back to where it was; either alone moves it
    both = FoundMotion(grid, (back, -back), 0.1)
    alone = FoundMotion(grid, (back,), 0.1)
    inside = np.s_[:, 8:-8, 8:-8]
    apart = [np.abs(one.undone(magnitudes) - magnitudes)[inside].mean() for one in (both, alone)]
    assert apart[0] < 0.2 * apart[1]
    assert both.rms_mm == 0
    assert np.allclose(alone.poses, back)


@pytest.mark.slow
def test_a_search_goes_on_where_much_was_found(monkeypatch):
    magnitudes, grid = scanned(4.0)
    monkeypatch.setattr(magnitude_motion, "_ANOTHER_FROM_MM", (0.0, 99.0))
    twice = find_motion(magnitudes, grid, settings=SHORT)
    monkeypatch.setattr(magnitude_motion, "_ANOTHER_FROM_MM", (99.0, 99.0))
    once = find_motion(magnitudes, grid, settings=SHORT)
    assert [len(found.rounds) for found in (once, twice)] == [1, 2]
    assert np.array_equal(once.rounds[0], twice.rounds[0])
    assert once.saved == twice.saved
    first, second = (rms_mm(poses) for poses in twice.rounds)
    assert 0 < second < 0.6 * first


def test_total_variation_weighs_more_the_more_was_found_or_seen():
    poses = GRID.still_poses()
    poses[:, 1] = np.tile([0.35, -0.35], 20)
    joint = SEARCH.joint
    weights = [
        magnitude_motion._weighed(joint, FoundMotion(GRID, rounds, 0.1), seen_mm).regulariser_weight
        / joint.regulariser_weight
        for rounds in ((), (0.5 * poses,), (poses,), (poses, poses))
        for seen_mm in (1.0, 1.5)
    ]
    assert weights == pytest.approx([1, 1, 1, 4, 2, 4, 4, 4])


@pytest.mark.slow
def test_the_scale_of_the_scan_does_not_matter_and_the_same_is_found_again():
    magnitudes, grid = scanned(4.0)
    one, again = (find_motion(magnitudes, grid, settings=SHORT) for _ in range(2))
    assert np.array_equal(one.rounds, again.rounds)
    bright = find_motion(1000 * magnitudes, grid, settings=SHORT)
    assert np.allclose(bright.poses, one.poses, atol=1e-2 * np.abs(one.poses).max())


@pytest.mark.slow
def test_progress_is_told_and_the_record_says_what_was_found():
    told = []
    found = find_motion(
        *scanned(4.0), settings=SHORT, on_progress=lambda done, total: told.append((done, total))
    )
    assert told[-1] == (15, 15)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert found.as_dict["phase_encoding_axis"] == "y"
    assert found.as_dict["rms_mm"] == found.rms_mm
    assert found.as_dict["rounds"] == len(found.rounds)
