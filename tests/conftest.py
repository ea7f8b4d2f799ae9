"""What every test may ask for."""

import gc
import os
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]


def pytest_collection_finish() -> None:
    """Keep what was imported and collected, which lives to the end, out of garbage collection.

    Libraries that collect explicitly (statsmodels, at each correction of p values) would go through
    all of it each time: most of a second.
    """
    gc.freeze()


@pytest.fixture
def rng() -> np.random.Generator:
    """A fresh generator of a fixed seed."""
    return np.random.default_rng(20260101)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real heads, traces and DICOM, where it is at hand."""
    folder = Path(os.environ.get("MCNET_TEST_DATA", ROOT.parent / "shared" / "data")).resolve()
    if not folder.is_dir():
        pytest.skip(
            "real data not found: set MCNET_TEST_DATA to the folder with heads/ and motion/"
        )
    return folder
