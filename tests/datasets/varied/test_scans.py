"""Scans of all kinds: reproducible, aligned, still where they are to be still."""

import pickle
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from properties import ellipsoid, relative_error

from mcnet.core.errors import McnetError
from mcnet.datasets.subjects import Subject
from mcnet.datasets.varied.config import Variety
from mcnet.datasets.varied.scans import VariedScans
from mcnet.io.volume import Volume

SMALL = Variety(matrix=44, pixel_mm=(4.5, 5.0), slices_per_scan=3)
PLAIN = replace(SMALL, contrast=0.0, bias=0.0, noise=0.0, gain=0.0)


def _head(radius):
    shape, size = (29, 40, 37), (5.0, 4.0, 4.5)
    values = ellipsoid(shape, size, centre_mm=(4, 24, -18), radii_mm=(radius, 50.0, 45.0))
    inner = ellipsoid(shape, size, centre_mm=(0, 20, 10), radii_mm=(radius, 25.0, 15.0))
    return Volume(700 * (values + 0.5 * inner), np.diag([*size, 1.0]), f"r{radius:g}")


def subjects():
    return [Subject(f"r{radius}", partial(_head, radius), f"print-{radius}") for radius in (45, 60)]


def scans(variety=SMALL, seed=3):
    return VariedScans(subjects(), (2, 5), variety, seed)


def test_a_scan_is_of_seed_epoch_and_number_alone():
    one, two = scans(), pickle.loads(pickle.dumps(scans()))
    one.scan(0, 4)  # what was made before leaves no trace
    for other, same in (
        (two.scan(1, 2), True),
        (two.scan(1, 3), False),
        (two.scan(2, 2), False),
        (scans(seed=4).scan(1, 2), False),
    ):
        assert np.array_equal(one.scan(1, 2).corrupted, other.corrupted) == same


def test_everybody_is_scanned_as_often_as_asked():
    chosen = scans(replace(PLAIN, still_share=1.0))
    areas = [chosen.scan(0, index).heads.sum(axis=(1, 2)).max() for index in range(7)]
    assert len(chosen) == 21
    assert chosen.n_scans == 7
    assert chosen.fixed_pairs().corrupted.shape == (21, 44, 44)
    assert len(areas) == 7


@pytest.mark.parametrize("variety", [SMALL, PLAIN])
def test_a_still_head_is_imaged_like_its_reference(variety):
    chosen = scans(replace(variety, still_share=1.0))
    for index in range(4):
        scan = chosen.scan(0, index)
        assert scan.severity_mm == 0
        assert relative_error(scan.corrupted, scan.references) < 1e-4


def test_the_noise_is_the_same_in_both_images():
    noisy = scans(replace(PLAIN, still_share=1.0, noise=0.2)).scan(0, 1)
    without = scans(replace(PLAIN, still_share=1.0)).scan(0, 1)
    assert relative_error(noisy.references, without.references) > 0.02
    assert relative_error(noisy.corrupted, noisy.references) < 1e-4


def test_larger_factors_move_more():
    def mean_of(scale, attribute):
        chosen = scans(replace(PLAIN, still_share=0.0, scale=scale))
        return np.mean([attribute(chosen.scan(0, index)) for index in range(7)])

    def error(scan):
        return relative_error(scan.corrupted, scan.references)

    assert mean_of((2.0, 2.0), error) < 0.5 * mean_of((8.0, 8.0), error)
    severities = [mean_of((factor, factor), lambda scan: scan.severity_mm) for factor in (2.0, 8.0)]
    assert severities[1] == pytest.approx(4 * severities[0], rel=0.05)


def test_scans_that_move_alike_show_other_slices_of_whom_they_are_asked_to():
    other = scans().scan(0, 3)
    for subject in (0, 1):
        alike = scans().scan(7, 1, like=other, subject=subject)
        assert alike.acquisition.order == other.acquisition.order
        assert alike.acquisition.phase_encoding_axis == other.acquisition.phase_encoding_axis
        turns = [scan.motion.rotation_deg for scan in (alike, other)]
        # measured from the mean that the slices' own k-space weighs
        assert relative_error(*(one - one.mean(axis=0) for one in turns)) < 1e-6
        assert relative_error(alike.references, other.references) > 0.1
    usual = scans().scan(7, 1)
    same = scans().scan(7, 1, subject=scans().subject_of(7, 1))
    assert np.array_equal(usual.corrupted, same.corrupted)
    in_turn = [scans().subject_of(7, index) for index in range(7)]
    assert sorted(in_turn) == [0, 0, 1, 1, 1, 1, 1]


def test_masks_lie_on_the_head():
    for index in range(4):
        scan = scans(replace(PLAIN, still_share=1.0)).scan(0, index)
        bright = scan.references > 0.5 * np.percentile(scan.references, 99)
        middles = [np.argwhere(mask).mean(axis=0)[1:] for mask in (bright, scan.heads)]
        # the ellipsoid lies 5 pixels off the middle along y and 4 along z
        assert np.abs(middles[0] - middles[1]).max() < 1.5
        assert np.abs(middles[1] - 22).min() > 2


def test_contrast_and_field_change_intensities_but_not_the_place():
    plain = scans(replace(PLAIN, still_share=1.0)).scan(0, 0)
    varied = scans(replace(PLAIN, still_share=1.0, contrast=0.5, bias=0.5)).scan(0, 0)
    assert relative_error(varied.references, plain.references) > 0.05
    assert np.array_equal(varied.heads, plain.heads)


def test_the_digest_follows_what_the_scans_follow_from():
    digests = {scans().sha256, scans(seed=4).sha256, scans(PLAIN).sha256}
    digests.add(VariedScans(subjects(), (2, 6), SMALL, 3).sha256)
    assert len(digests) == 4
    assert scans().sha256 == scans().sha256


@pytest.mark.slow
def test_impossible_settings_are_refused():
    for changes in ({"scale": (3.0, 2.0)}, {"matrix": 8}, {"still_share": 1.5}, {"noise": -1.0}):
        with pytest.raises(McnetError, match="give"):
            replace(SMALL, **changes)
    with pytest.raises(McnetError, match="nothing to train on"):
        VariedScans(subjects(), (0, 0), SMALL, 1)
    with pytest.raises(McnetError, match="larger bound"):
        scans(replace(SMALL, within=1e-9, still_share=0.0)).scan(0, 0)
