"""Motion estimated from the k-space of a moving head alone."""

from dataclasses import replace

import moving_head
import numpy as np
import pytest

from mcnet.evaluation.pose_error import pose_error
from mcnet.motion.trace import still
from mcnet.motion_estimation.coarse_to_fine import OF_VOLUMES, SearchSettings, in_place
from mcnet.motion_estimation.resolutions import cropped
from mcnet.physics.fourier import centred_ifft
from mcnet.reconstruction.motion_search import (
    ACROSS_LINES_MM,
    combined,
    estimate_motion,
    searched_part,
)
from mcnet.reconstruction.moving_scan import moving_slices, moving_volume
from mcnet.reconstruction.root_sum_of_squares import root_sum_of_squares


def estimated(raw, settings=None):
    moving = moving_slices(raw, still(raw.n_lines))
    maps = moving.maps()
    first = raw.planes_of(root_sum_of_squares(raw).values)
    return estimate_motion(moving, maps, first, settings=settings)


@pytest.mark.slow
@pytest.mark.parametrize("n_coils", [1, 4])
def test_motion_is_found_and_the_image_with_it(n_coils):
    raw = moving_head.raw_scan(4.0, n_coils, None, n_coils > 1)
    found = estimated(raw)
    error = pose_error(raw, raw.motion_of(found), moving_head.motion(4.0))
    before = pose_error(raw, still(raw.n_lines), moving_head.motion(4.0))
    assert error["rotation_deg"] < 0.3
    assert error["line_axis_mm"] < min(0.3, before["line_axis_mm"])
    assert error["other_mm"] < min(0.3, 0.5 * before["other_mm"])


@pytest.mark.slow
@pytest.mark.parametrize("n_coils", [1, 4])
def test_motion_in_space_is_found_with_six_degrees_of_freedom(n_coils):
    raw, true = moving_head.raw_volume(60.0, n_coils), moving_head.motion_in_space(60.0)
    moving = moving_volume(raw, still(raw.n_lines))
    first = moving.images_of(root_sum_of_squares(raw).values)
    part, first = searched_part(moving, first, 1)
    found = estimate_motion(part, part.maps(), first)
    before = pose_error(raw, still(raw.n_lines), true)
    error = pose_error(raw, moving.motion_of(found, "found"), true)
    assert error["rotation_deg"] < 0.4 * before["rotation_deg"]
    assert error["line_axis_mm"] < 0.6 * before["line_axis_mm"]
    assert error["other_mm"] < 0.2 * before["other_mm"]
    assert found.shape == (raw.n_lines, 6)


@pytest.mark.slow
def test_the_same_volume_gives_the_same_poses():
    raw = moving_head.raw_volume(60.0)
    moving = moving_volume(raw, still(raw.n_lines))
    part, first = searched_part(moving, moving.images_of(root_sum_of_squares(raw).values), 1)
    short = replace(OF_VOLUMES, n_steps=(2, 1, 1, 1, 1, 1, 1, 1, 1), n_polish_steps=1)
    found, again = (estimate_motion(part, part.maps(), first, settings=short) for _ in range(2))
    np.testing.assert_array_equal(found, again)


def test_a_volume_is_searched_in_larger_voxels_across_its_lines():
    raw = moving_head.raw_volume(4.0)
    shape = [5 * raw.matrix[0], 2 * raw.matrix[1], 2 * raw.matrix[2]]
    fine = replace(
        raw,
        kspace=cropped(raw.kspace, tuple(shape)),
        affine=raw.affine @ np.diag([1 / 5, 0.5, 0.5, 1]),
        line_at_time=np.arange(shape[1]),
    )
    moving = moving_volume(fine, still(fine.n_lines))
    values = root_sum_of_squares(fine).values
    part, first = searched_part(moving, moving.images_of(values), 1)
    assert part.grid.shape[1] == fine.n_lines
    assert part.grid.pixel_mm[0] == pytest.approx(ACROSS_LINES_MM, rel=0.1)
    assert part.kspace.shape == (1, *first.shape)
    # the images belong to the k-space
    seen = np.abs(centred_ifft(part.kspace[0], (1, 2, 3))) * np.sqrt(part.kspace.size)
    assert np.corrcoef(seen.ravel(), first.ravel())[0, 1] > 0.99
    assert seen.max() == pytest.approx(first.max(), rel=0.05)


@pytest.mark.slow
def test_poses_are_measured_from_their_mean_where_the_first_image_shows_the_head():
    raw = moving_head.raw_scan(4.0)
    short = SearchSettings(n_steps=(2, 1, 1), polish=())
    found = estimated(raw, short)
    assert np.abs(found).max() > 1e-3
    first = raw.planes_of(root_sum_of_squares(raw).values)
    assert np.allclose(in_place(found, first, raw.grid), found, atol=1e-9)
    moved = found + np.array([0.01, 1.0, -2.0])
    assert np.allclose(in_place(moved, first, raw.grid), found, atol=1e-9)


@pytest.mark.slow
def test_the_same_kspace_gives_the_same_poses():
    raw = moving_head.raw_scan(4.0)
    short = SearchSettings(n_steps=(2, 1, 1), polish=())
    first, second = estimated(raw, short), estimated(raw, short)
    np.testing.assert_array_equal(first, second)


def test_one_coil_that_sees_all_alike_is_combined_into_itself(rng):
    kspace = (rng.normal(size=(1, 2, 9, 11)) + 1j * rng.normal(size=(1, 2, 9, 11))).astype(
        np.complex64
    )
    np.testing.assert_allclose(combined(kspace, np.ones_like(kspace)), kspace[0], atol=1e-5)
