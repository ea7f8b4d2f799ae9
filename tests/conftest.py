"""What every test may ask for."""

import os
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]


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
