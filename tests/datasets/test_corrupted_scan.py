import numpy as np
import pytest
from properties import ellipsoid, relative_error

from mcnet.datasets.corrupted_scan import corrupt_scan
from mcnet.io.volume import Volume
from mcnet.motion.trace import MotionTrace, still
from mcnet.physics.acquisition import Acquisition

SIZE = (3.0, 2.5, 2.0)
SCAN = Acquisition((24, 26, 22), (78.0, 84.5, 66.0))


@pytest.fixture
def head():
    values = ellipsoid((25, 31, 29), SIZE, centre_mm=(2, -1, 3), radii_mm=(24, 28, 20))
    turned = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]])  # an oblique scan
    affine = np.eye(4)
    affine[:3, :3] = turned @ np.diag(SIZE)
    affine[:3, 3] = (10, -20, 30)
    return Volume(values, affine, "head")


def test_without_motion_the_corrupted_image_is_the_reference(head):
    scan = corrupt_scan(head, still(SCAN.n_lines), SCAN)
    assert relative_error(scan.corrupted.values, scan.reference.values) < 1e-5


def test_the_head_stays_where_it_is_in_the_world(head):
    reference = corrupt_scan(head, still(SCAN.n_lines), SCAN).reference

    def centre(volume):
        weights = np.where(volume.values > 0.3, volume.values, 0).reshape(-1)
        index = np.average(np.indices(volume.values.shape).reshape(3, -1), axis=1, weights=weights)
        return (volume.affine @ [*index, 1])[:3]

    np.testing.assert_allclose(centre(reference), centre(head), atol=0.2)


def test_the_phase_is_that_of_the_complex_image(head):
    shift = np.zeros((SCAN.n_lines, 3))
    shift[::2, 1] = 4.0
    moved = corrupt_scan(head, MotionTrace(shift, np.zeros_like(shift)), SCAN)
    assert moved.phase_rad.shape == SCAN.matrix
    assert np.abs(moved.phase_rad).max() <= np.pi + 1e-6
    assert relative_error(moved.corrupted.values, moved.reference.values) > 0.1
