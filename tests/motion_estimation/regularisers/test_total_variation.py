"""Smoothed total variation: its value, gradient and Hessian product."""

import numpy as np
import pytest

from mcnet.motion_estimation.regularisers.total_variation import TotalVariation


@pytest.fixture
def images(rng):
    return rng.normal(size=(2, 7, 9)).astype(np.float32)


def test_a_step_of_one_counts_its_height_times_its_length():
    image = np.zeros((1, 8, 6), np.float32)
    image[:, 3:] = 1
    sharp = TotalVariation(weights=(2.0, 2.0), epsilon=1e-6)
    assert sharp.value(image) == pytest.approx(2.0 * 6, rel=1e-3)
    assert sharp.value(image.swapaxes(1, 2)) == pytest.approx(2.0 * 6, rel=1e-3)


def test_gradient_is_the_derivative_of_the_value(images, rng):
    variation, change = (
        TotalVariation((0.3, 0.5), 0.4),
        rng.normal(size=images.shape).astype(np.float32),
    )
    step = np.float32(3e-3)
    along = [variation.value(images + sign * step * change) for sign in (1, -1)]
    expected = float((variation.gradient(images) * change).sum())
    assert (along[0] - along[1]) / (2 * step) == pytest.approx(expected, rel=5e-3)


def test_the_hessian_without_majorising_is_the_derivative_of_the_gradient(images, rng):
    variation = TotalVariation((0.3, 0.5), 0.4, majorising=0.0)
    change = rng.normal(size=images.shape).astype(np.float32)
    step = np.float32(3e-3)
    along = [variation.gradient(images + sign * step * change) for sign in (1, -1)]
    found = variation.hessian(images).product(change)
    np.testing.assert_allclose((along[0] - along[1]) / (2 * step), found, atol=2e-3)


def test_majorising_bounds_the_hessian_from_above(images, rng):
    change = rng.normal(size=images.shape).astype(np.float32)
    low, high = (
        float(
            (TotalVariation((1.0, 1.0), 0.1, share).hessian(images).product(change) * change).sum()
        )
        for share in (0.0, 1.0)
    )
    assert 0 < low < high


def test_each_axis_of_a_volume_has_its_own_weight():
    volume = np.zeros((1, 6, 5, 4), np.float32)
    volume[:, 3:] = 1
    for axes, weight in (((0, 1, 2, 3), 7.0), ((0, 2, 1, 3), 5.0), ((0, 2, 3, 1), 3.0)):
        variation = TotalVariation((7.0, 5.0, 3.0), 1e-6)
        permuted = volume.transpose(axes)
        assert variation.value(permuted) == pytest.approx(weight * 20, rel=1e-3)
