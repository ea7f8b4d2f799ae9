"""Chebyshev polynomials of the low-rank expansion of coil maps."""

import numpy as np
import pytest

from mcnet.reconstruction.coil_expansion import on_grid, polynomials


@pytest.mark.parametrize("shape", [(9, 7), (6, 8, 5)])
def test_sums_on_a_grid_are_those_of_the_polynomials(shape, rng):
    axes = [np.linspace(-1, 1, n) for n in shape]
    columns = polynomials(axes, 3)
    coefficients = rng.normal(size=(columns.shape[1], 2)) + 1j * rng.normal(
        size=(columns.shape[1], 2)
    )
    plain = (columns @ coefficients).T.reshape(2, *shape)
    np.testing.assert_allclose(on_grid(axes, 3, coefficients), plain, atol=1e-12)
