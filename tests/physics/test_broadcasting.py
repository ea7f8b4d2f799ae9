"""Values along one axis of an array."""

import numpy as np
import pytest

from mcnet.physics.broadcasting import along_axis


@pytest.mark.parametrize(("axis", "shape"), [(0, (5, 1, 1)), (1, (1, 5, 1)), (2, (1, 1, 5))])
def test_values_lie_along_their_axis(axis, shape):
    values = np.arange(5.0)
    found = along_axis(values, axis, 3)
    assert found.shape == shape
    np.testing.assert_array_equal(found.ravel(), values)


def test_axes_before_the_last_stay_in_front():
    values = np.arange(15.0).reshape(3, 5)
    found = along_axis(values, 1, 2)
    assert found.shape == (3, 1, 5)
    np.testing.assert_array_equal(found[:, 0], values)
