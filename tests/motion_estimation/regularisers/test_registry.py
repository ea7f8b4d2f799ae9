"""What every regulariser fulfils, whatever its name; and that names are checked."""

import numpy as np
import pytest

from mcnet.core.errors import McnetError
from mcnet.motion_estimation.regularisers.protocol import RegulariserInputs
from mcnet.motion_estimation.regularisers.registry import (
    build_regulariser,
    register,
    regularisers,
)

NAMES = sorted(regularisers())
STEP = np.float32(3e-3)


@pytest.fixture(params=[(2, 7, 9), (1, 5, 8, 6)], ids=["slices", "volume"])
def images(request, rng):
    return rng.normal(size=request.param).astype(np.float32)


def built(name, images, weight=1.0, epsilon=0.4):
    weights = tuple(weight * one for one in (0.3, 0.5, 0.8)[: images.ndim - 1])
    return build_regulariser(name, RegulariserInputs(weights, epsilon, np.roll(images, 1, axis=1)))


def another(images, rng):
    return rng.normal(size=images.shape).astype(np.float32)


@pytest.mark.parametrize("name", NAMES)
def test_the_gradient_is_the_derivative_of_the_value(name, images, rng):
    regulariser, change = built(name, images), another(images, rng)
    there, back = (regulariser.value(images + sign * STEP * change) for sign in (1, -1))
    expected = float((regulariser.gradient(images) * change).sum())
    assert (there - back) / float(2 * STEP) == pytest.approx(expected, rel=1e-2, abs=1e-2)


@pytest.mark.parametrize("name", NAMES)
def test_the_hessian_product_is_symmetric_and_nowhere_negative(name, images, rng):
    hessian = built(name, images).hessian(images)
    one, other = another(images, rng), another(images, rng)
    there, back = (float((a * hessian.product(b)).sum()) for a, b in ((one, other), (other, one)))
    assert there == pytest.approx(back, rel=1e-3, abs=1e-3)
    assert float((one * hessian.product(one)).sum()) > 0
    assert hessian.mean_diagonal > 0


@pytest.mark.parametrize("name", NAMES)
def test_value_gradient_and_hessian_are_proportional_to_the_weight(name, images, rng):
    once, twice = (built(name, images, weight) for weight in (1.0, 2.0))
    change = another(images, rng)
    assert twice.value(images) == pytest.approx(2 * once.value(images))
    np.testing.assert_allclose(twice.gradient(images), 2 * once.gradient(images), rtol=1e-5)
    products = [one.hessian(images).product(change) for one in (once, twice)]
    np.testing.assert_allclose(products[1], 2 * products[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_constant_images_have_no_gradient(name, images):
    constant = np.full_like(images, 0.7)
    np.testing.assert_allclose(built(name, images).gradient(constant), 0, atol=1e-7)


def test_a_name_that_nobody_registered_is_refused_with_those_that_there_are(images):
    with pytest.raises(McnetError, match="'wavelets' is unknown; give one of huber"):
        built("wavelets", images)


def test_a_name_is_registered_once():
    with pytest.raises(McnetError, match="registered twice"):
        register("huber")(lambda inputs: built("huber", inputs.first))
