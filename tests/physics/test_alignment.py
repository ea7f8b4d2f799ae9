"""The mean pose by these weights puts the image where its reference lies."""

from dataclasses import replace

import numpy as np
import pytest
from properties import ellipsoid, pixels_apart

from mcnet.core.engine import ONE_CORE
from mcnet.motion.generators import generate_motion
from mcnet.physics.acquisition import Acquisition
from mcnet.physics.alignment import alignment_weights
from mcnet.physics.simulator import corrupt_still_slices, slices_at_rest, slices_to_corrupt

SIZE = (3.0, 2.0, 2.5)


@pytest.fixture(scope="module")
def head():
    """One slice with detail: an ellipsoid that holds others, and stripes."""
    shape = (1, 96, 76)
    outside = ellipsoid(shape, SIZE, centre_mm=(0, 0, 0), radii_mm=(50, 80, 70))
    inside = ellipsoid(shape, SIZE, centre_mm=(0, 20, 15), radii_mm=(50, 20, 30))
    y = np.arange(96)[None, :, None] * SIZE[1]
    stripes = 1 + 0.3 * np.sin(2 * np.pi * y / 25)
    return ((outside + 0.8 * inside) * stripes).astype(np.complex64)


@pytest.mark.parametrize("axis", ["y", "z"])
@pytest.mark.parametrize("order", ["sequential", "centric", "interleaved"])
def test_the_image_lies_where_its_reference_lies(head, axis, order):
    scan = Acquisition((2, 96, 76), (6.0, 192.0, 190.0), axis, order)
    at_rest = np.abs(slices_at_rest(head, SIZE, scan))
    weights = alignment_weights(at_rest, scan)
    reader = slices_to_corrupt(head, SIZE, ONE_CORE)
    motion = generate_motion(scan.n_lines, np.random.default_rng(5)).scaled(6.0)
    motion = motion.restricted_to("rotation+translation")
    found = {}
    for name, trace in (
        ("centre", motion.at_rest_when(scan.centre_time)),
        ("plain mean", motion.at_rest_on_average(np.ones(scan.n_lines))),
        ("aligned", motion.at_rest_on_average(weights)),
    ):
        image = np.abs(corrupt_still_slices(reader, trace, scan))[0]
        found[name] = pixels_apart(at_rest[0], image)
    assert found["aligned"] < 0.15
    assert found["aligned"] < found["centre"]
    assert found["aligned"] < found["plain mean"]


def test_weights_are_in_the_order_of_time(head):
    scan = Acquisition((2, 96, 76), (6.0, 192.0, 190.0), "y", "sequential")
    weights = alignment_weights(np.abs(slices_at_rest(head, SIZE, scan)), scan)
    centric = replace(scan, order="centric")
    in_time = alignment_weights(np.abs(slices_at_rest(head, SIZE, centric)), centric)
    assert np.array_equal(in_time, weights[centric.line_at_time])
    assert not np.array_equal(in_time, weights)


def test_fine_frequencies_do_not_count(head):
    scan = Acquisition((2, 96, 76), (6.0, 192.0, 190.0), "z")
    weights = alignment_weights(np.abs(slices_at_rest(head, SIZE, scan)), scan)
    fine = np.abs(scan.axis_frequencies("z")) >= 0.1
    assert fine.any()
    assert (weights[fine] == 0).all()
    assert (weights[~fine] > 0).all()
