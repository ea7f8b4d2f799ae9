"""Which scans are searched for motion: told by their own pixels, not by resampled ones alone."""

import pytest

from mcnet.correction.options import CorrectionOptions
from mcnet.correction.sampling import is_too_coarse, sampling_for
from mcnet.correction.searchable import searched_grid, unsearched_warnings

ONE_MM, TWO_MM = (1.0, 1.35), (2.0, 2.0)


@pytest.mark.parametrize(
    ("shape", "pixel_mm", "trained_mm", "why"),
    [
        ((256, 220), (1.0, 1.0), ONE_MM, None),
        ((400, 512), (0.5, 0.5), ONE_MM, None),
        ((160, 180), (1.5, 1.5000000591777933), ONE_MM, None),
        ((256, 128), (1.0, 1.4), ONE_MM, None),
        # resampled to pixels of 1 to 1.35 mm, none of these gains detail
        ((85, 85), (3.0, 3.0), ONE_MM, "the scan's sagittal pixels measure 3.00 x 3.00 mm"),
        ((128, 128), (2.0, 2.0), ONE_MM, "the scan's sagittal pixels measure 2.00 x 2.00 mm"),
        ((160, 160), (1.6, 1.6), ONE_MM, "the scan's sagittal pixels measure 1.60 x 1.60 mm"),
        ((256, 85), (1.0, 3.0), ONE_MM, "the scan's sagittal pixels measure 1.00 x 3.00 mm"),
        ((51, 256), (5.0, 1.0), ONE_MM, "the scan's sagittal pixels measure 5.00 x 1.00 mm"),
        ((28, 90), (1.5, 1.5), (1.0, 1.2), "the scan's sagittal pixels are 28 x 90"),
        ((20, 90), (1.0, 1.0), ONE_MM, "the scan's sagittal pixels are 20 x 90"),
        # of fine scans the pixels of the search count too
        ((50, 90), (0.5, 0.5), ONE_MM, "the pixels that the model sees are 25 x 45"),
        ((256, 256), (1.0, 1.0), TWO_MM, "the pixels that the model sees measure 2.00 x 2.00 mm"),
    ],
)
def test_a_scan_is_searched_where_its_own_pixels_tell_enough(
    shape: tuple[int, int],
    pixel_mm: tuple[float, float],
    trained_mm: tuple[float, float],
    why: str | None,
) -> None:
    sampling, options = sampling_for(shape, pixel_mm, trained_mm), CorrectionOptions()
    assert (searched_grid(sampling, options) is None) == (why is not None)
    told = unsearched_warnings(sampling, options)
    assert len(told) == (why is not None)
    assert why is None or f"No motion was searched for, because {why}" in told[0]


@pytest.mark.parametrize(("axis", "line_axis"), [(None, 0), ("y", 0), ("z", 1)])
def test_lines_lie_where_the_options_say(axis, line_axis) -> None:
    sampling = sampling_for((60, 70), (1.0, 1.0), ONE_MM)
    grid = searched_grid(sampling, CorrectionOptions(phase_encoding=axis))
    assert grid is not None
    assert (grid.shape, grid.line_axis) == ((60, 70), line_axis)


def test_who_wants_no_search_is_not_told_of_it() -> None:
    sampling, options = sampling_for((60, 70), (3.0, 3.0), ONE_MM), CorrectionOptions(search=False)
    assert searched_grid(sampling, options) is None
    assert unsearched_warnings(sampling, options) == ()


@pytest.mark.parametrize(
    ("pixel_mm", "trained_mm", "coarse"),
    [
        ((1.55, 1.0), ONE_MM, False),
        ((1.56, 1.0), ONE_MM, True),
        ((0.4, 0.4), ONE_MM, False),
        ((2.2, 2.2), TWO_MM, False),
        ((2.4, 1.0), TWO_MM, True),
    ],
)
def test_coarser_than_trained_is_coarser_than_the_tolerance_allows(
    pixel_mm: tuple[float, float], trained_mm: tuple[float, float], *, coarse: bool
) -> None:
    assert is_too_coarse(pixel_mm, trained_mm) == coarse
