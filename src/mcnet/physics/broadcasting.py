"""Values along one axis, in the shape that broadcasts over the others."""

from typing import Any


def along_axis(values: Any, axis: int, n_axes: int) -> Any:
    """Values of shape ``(..., n)`` as ``(..., 1, n, 1)``: ``n_axes`` axes, ``n`` long at ``axis``.

    Arrays of any library; axes before the last one of ``values`` stay in front.

    >>> import numpy as np
    >>> along_axis(np.zeros(5), 1, 3).shape
    (1, 5, 1)
    >>> along_axis(np.zeros((2, 5)), 0, 2).shape
    (2, 5, 1)
    """
    shape = [1] * n_axes
    shape[axis] = values.shape[-1]
    return values.reshape(*values.shape[:-1], *shape)
