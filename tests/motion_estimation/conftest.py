"""Slices that move, for the tests of the search."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from properties import ellipsoid

from mcnet.physics.in_plane import SliceGrid


@pytest.fixture(params=[0, 1], ids=["rows", "columns"])
def grid(request):
    return SliceGrid((26, 31), (6.0, 5.0), request.param)


@pytest.fixture
def pool():
    with ThreadPoolExecutor(2) as threads:
        yield threads


@pytest.fixture
def images():
    """Seven slices with detail, more than one batch."""
    outer = ellipsoid((7, 26, 31), (9, 6, 5), centre_mm=(0, 3, 4), radii_mm=(60, 55, 50))
    inner = ellipsoid((7, 26, 31), (9, 6, 5), centre_mm=(5, 15, 9), radii_mm=(40, 20, 14))
    return (0.6 * outer + 0.4 * inner).astype(np.float32)


@pytest.fixture
def poses_mm(grid):
    """Of a head that wanders."""
    return np.random.default_rng(1).normal(size=(grid.n_lines, 3)).cumsum(axis=0) * 0.3
