"""The Huber penalty: quadratic below its epsilon, linear above."""

import numpy as np
import pytest

from mcnet.motion_estimation.regularisers.huber import Huber


def step_of(height):
    """Height of a step between two halves, six pixels long."""
    image = np.zeros((1, 8, 6), np.float32)
    image[:, 3:] = height
    return image


@pytest.mark.parametrize(
    ("height", "penalty"), [(0.1, 0.1**2 / 0.8), (0.4, 0.2), (-0.4, 0.2), (1.0, 0.8)]
)
def test_a_step_costs_its_square_up_to_epsilon_and_its_height_beyond(height, penalty):
    huber = Huber(weights=(2.0, 3.0), epsilon=0.4)
    assert huber.value(step_of(height)) == pytest.approx(2.0 * 6 * penalty, rel=1e-5)
    assert huber.value(step_of(height).swapaxes(1, 2)) == pytest.approx(3.0 * 6 * penalty, rel=1e-5)


@pytest.mark.parametrize("shape", [(2, 7, 9), (1, 5, 8, 6)])
def test_the_hessian_without_majorising_is_the_derivative_of_the_gradient(rng, shape):
    huber = Huber((0.3, 0.5, 0.7)[: len(shape) - 1], 0.4, majorising=0.0)
    images, change = rng.normal(size=(2, *shape)).astype(np.float32)
    step = np.float32(1e-3)
    there, back = (huber.gradient(images + sign * step * change) for sign in (1, -1))
    found = huber.hessian(images).product(change)
    # where a difference is just epsilon, the gradient has no derivative: a few pixels at most
    apart = np.abs((there - back) / (2 * step) - found)
    assert np.quantile(apart, 0.9) < 5e-3
    assert np.abs(found).max() > 0.5


def test_majorising_bounds_the_hessian_from_above(rng):
    images, change = rng.normal(size=(2, 1, 7, 9)).astype(np.float32)
    low, high = (
        float((Huber((1.0, 1.0), 0.1, share).hessian(images).product(change) * change).sum())
        for share in (0.0, 1.0)
    )
    assert 0 < low < high
