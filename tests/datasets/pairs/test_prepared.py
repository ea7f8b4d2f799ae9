import pickle

import numpy as np
import pytest
from properties import ellipsoid, relative_error

from mcnet.core.engine import ONE_CORE, Engine
from mcnet.datasets.pairs.design import PairsDesign
from mcnet.datasets.pairs.prepared import prepare_subject
from mcnet.io.volume import Volume
from mcnet.motion.trace import MotionTrace
from mcnet.physics.acquisition import Acquisition
from mcnet.physics.simulator import corrupt_slices

SCAN = Acquisition((24, 26, 22), (144.0, 156.0, 143.0))


@pytest.fixture
def volume():
    values = ellipsoid((33, 37, 35), (4, 4, 4), centre_mm=(4, 0, 0), radii_mm=(45.0, 55.0, 50.0))
    return Volume(values * 300, np.diag([4.0, 4.0, 4.0, 1.0]), "a")


@pytest.fixture
def subject(volume):
    return prepare_subject(volume, PairsDesign(n_slices=5, spacing_mm=15.0), SCAN)


@pytest.fixture
def motion(rng):
    trace = MotionTrace(3 * rng.normal(size=(26, 3)), 4 * rng.normal(size=(26, 3)), name="m")
    return trace.restricted_to("rotation+translation")


def test_a_scan_is_the_slices_of_the_moving_head(subject, volume, motion):
    """Second route: the transform that makes nothing ready, on the subject's intensity scale."""
    slices = corrupt_slices(volume.values, (4.0, 4.0, 4.0), motion, SCAN, subject.positions_mm)
    expected = np.abs(slices)
    scale = np.percentile(300 * subject.references[subject.kept], 99.9) / 300
    assert scale == pytest.approx(1, abs=1e-5)
    unit = expected.max() / subject.scanned(motion, SCAN).max()
    assert relative_error(subject.scanned(motion, SCAN) * unit, expected) < 2e-5


def test_a_still_subject_gives_the_references(subject):
    still = MotionTrace(np.zeros((26, 3)), np.zeros((26, 3)), name="still")
    assert relative_error(subject.scanned(still, SCAN), subject.references) < 1e-5


def test_engines_may_change_between_scans(subject, motion):
    one = subject.scanned(motion, SCAN, ONE_CORE)
    all_cores = subject.scanned(motion, SCAN, Engine())
    assert relative_error(all_cores, one) < 1e-5
    np.testing.assert_array_equal(subject.scanned(motion, SCAN, ONE_CORE), one)


def test_what_is_made_ready_stays_out_of_pickles(subject, motion):
    size = len(pickle.dumps(subject))
    scan = subject.scanned(motion, SCAN, ONE_CORE)
    assert len(pickle.dumps(subject)) == size
    sent = pickle.loads(pickle.dumps(subject))
    np.testing.assert_array_equal(sent.scanned(motion, SCAN, ONE_CORE), scan)
