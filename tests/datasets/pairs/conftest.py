"""A plan of pairs and its store, which is made once and copied for each test."""

import shutil

import numpy as np
import pytest
from small_pairs import drawn_plan

from mcnet.datasets.pairs.simulate import simulate_pairs


@pytest.fixture
def plan(rng):
    return drawn_plan(rng)


@pytest.fixture(scope="session")
def store_once(tmp_path_factory):
    path = tmp_path_factory.mktemp("once") / "pairs.zarr"
    simulate_pairs(path, drawn_plan(np.random.default_rng(20260101)))
    return path


@pytest.fixture
def store(tmp_path, store_once):
    """A store of the plan, to be changed at will."""
    return shutil.copytree(store_once, tmp_path / "pairs.zarr")
