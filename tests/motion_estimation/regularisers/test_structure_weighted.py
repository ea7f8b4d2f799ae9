"""Total variation that costs less at the edges of a still image."""

import numpy as np
import pytest

from mcnet.motion_estimation.regularisers.protocol import RegulariserInputs
from mcnet.motion_estimation.regularisers.structure_weighted import (
    EDGE,
    StructureWeighted,
    structure_weighted,
)
from mcnet.motion_estimation.regularisers.total_variation import TotalVariation

WEIGHTS, EPSILON = (0.3, 0.5), 0.4


def weighted(first):
    return structure_weighted(RegulariserInputs(WEIGHTS, EPSILON, first))


@pytest.fixture
def images(rng):
    return rng.normal(size=(2, 7, 9)).astype(np.float32)


def test_without_edges_it_is_the_total_variation(images):
    plain, flat = TotalVariation(WEIGHTS, EPSILON), weighted(np.zeros_like(images))
    assert flat.value(images) == pytest.approx(plain.value(images))
    np.testing.assert_allclose(flat.gradient(images), plain.gradient(images), atol=1e-6)
    products = [one.hessian(images).product(images[::-1]) for one in (flat, plain)]
    np.testing.assert_allclose(*products, atol=1e-5)


def test_an_edge_costs_less_where_the_still_image_has_it():
    still = np.zeros((1, 8, 6), np.float32)
    still[:, 3:] = EDGE
    elsewhere = np.roll(still, 2, axis=1)
    elsewhere[:, :2] = 0
    rest = weighted(still).value(np.zeros_like(still))
    there, beside = (weighted(still).value(one) - rest for one in (20 * still, 20 * elsewhere))
    assert there == pytest.approx(beside / np.sqrt(2), rel=1e-3)


def test_the_hessian_without_majorising_is_the_derivative_of_the_gradient(images, rng):
    change = rng.normal(size=images.shape).astype(np.float32)
    step = np.float32(3e-3)
    shares = weighted(0.1 * np.roll(images, 3, axis=2)).shares
    assert 0.2 < float(shares[0].mean()) < 0.8
    regulariser = StructureWeighted(TotalVariation(WEIGHTS, EPSILON, majorising=0.0), shares)
    there, back = (regulariser.gradient(images + sign * step * change) for sign in (1, -1))
    found = regulariser.hessian(images).product(change)
    np.testing.assert_allclose(found, (there - back) / (2 * step), atol=2e-3)
    assert np.abs(found).max() > 0.1
