"""Average edge strength: a ramp by hand, less by blur and by motion, only edges in the mask."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from mcnet.core.errors import McnetError
from mcnet.metrics.edges import average_edge_strength


def bars(shape=(40, 60), height=1.0) -> np.ndarray:
    """Bars of 10 columns: steps of one height."""
    return np.tile(height * (np.arange(shape[1]) // 10 % 2), (shape[0], 1)).astype(np.float32)


def test_a_step_has_half_its_height_a_pixel():
    """The central difference beside a step of 1 is 1/2, on both sides of it."""
    assert average_edge_strength(bars()) == pytest.approx(0.5)


def test_the_intensity_unit_does_not_matter():
    image = gaussian_filter(bars(), 1)
    assert average_edge_strength(700 * image) == pytest.approx(average_edge_strength(image))


def test_the_more_blurred_the_weaker_the_edges_until_none_is_left():
    strengths = [average_edge_strength(gaussian_filter(bars(), s)) for s in (0.0, 0.7, 1.5, 3.0)]
    assert strengths == sorted(strengths, reverse=True)
    assert strengths[-1] < strengths[0] / 2
    ramp = np.tile(np.linspace(0.9, 1.0, 60), (40, 1))
    assert average_edge_strength(ramp) == 0


def test_only_edges_inside_the_mask_count():
    image = bars()
    image[:, 35:] = gaussian_filter(bars(), 2)[:, 35:]
    left, right = np.zeros(image.shape, bool), np.zeros(image.shape, bool)
    left[:, :33], right[:, 38:] = True, True
    sharp, blurred = (average_edge_strength(image, mask=mask) for mask in (left, right))
    assert sharp == pytest.approx(0.5)
    assert blurred < sharp
    assert blurred < average_edge_strength(image) < sharp


def test_a_volume_pools_the_edges_of_its_slices():
    first, second = bars(), gaussian_filter(bars(), 1).astype(np.float32)
    volume = np.stack([first, second])
    strength = average_edge_strength(volume)
    assert average_edge_strength(second) < strength < average_edge_strength(first)


def test_what_has_no_edges_to_find_is_refused():
    image = bars()
    cases = [
        ((image[0],), "three axes"),
        ((image, np.zeros(image.shape, bool)), "0 pixels"),
        ((image, np.ones((2, 2), bool)), "mask"),
        ((np.zeros_like(image),), "positive"),
        ((np.full_like(image, np.nan),), "NaN"),
    ]
    for (given, *mask), reason in cases:
        with pytest.raises(McnetError, match=reason):
            average_edge_strength(given, mask=mask[0] if mask else None)
