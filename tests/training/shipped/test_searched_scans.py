"""Pairs of slices after a search: the same for the same seed, turned over, and what they teach."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from properties import ellipsoid, relative_error
from tiny_models import FakeSeverityEstimator

from mcnet.core.errors import McnetError
from mcnet.correction import magnitude_motion
from mcnet.correction.magnitude_motion import find_motion
from mcnet.datasets.subjects import Subject
from mcnet.datasets.varied.config import Variety
from mcnet.datasets.varied.scans import VariedScans
from mcnet.io.volume import Volume
from mcnet.training.shipped import searched_scans
from mcnet.training.shipped.searched_scans import Searches, load, search_scans

pytestmark = pytest.mark.slow

MOVING = Variety(
    matrix=44,
    pixel_mm=(4.5, 5.0),
    slices_per_scan=2,
    still_share=0.0,
    scale=(8.0, 8.0),
    phase_encoding_axes=("y",),
    orders=("sequential",),
    noise=0.0,
)
N_EACH = 3


def _head(radius):
    shape, size = (29, 40, 37), (5.0, 4.0, 4.5)
    values = ellipsoid(shape, size, centre_mm=(4, 24, -18), radii_mm=(radius, 50.0, 45.0))
    inner = ellipsoid(shape, size, centre_mm=(0, 20, 10), radii_mm=(radius, 25.0, 15.0))
    return Volume(700 * (values + 0.5 * inner), np.diag([*size, 1.0]), f"r{radius:g}")


def scans(variety=MOVING):
    subjects = [Subject(f"r{r}", partial(_head, r), f"print-{r}") for r in (45, 60, 70)]
    return VariedScans(subjects, (1, 1, 1), variety, 3)


@pytest.fixture(autouse=True)
def _quick_search(monkeypatch):
    """A search of few steps, all of which is believed."""
    few = replace(magnitude_motion.SEARCH, n_steps=(2, 2, 1))
    monkeypatch.setattr(searched_scans, "find_motion", partial(find_motion, settings=few))
    monkeypatch.setattr(magnitude_motion, "_SAVED", (-2.0, -1.0))


def pairs_in(folder, variety=MOVING, n_searches=2):
    files = search_scans(
        scans(variety),
        n_searches,
        N_EACH,
        folder,
        severity_estimator=FakeSeverityEstimator(),
        n_jobs=1,
    )
    return load(files)


@pytest.fixture
def pairs(tmp_path):
    return pairs_in(tmp_path)


def test_a_search_and_its_scans_are_pairs(pairs):
    assert len(pairs) == 2 * N_EACH * MOVING.slices_per_scan
    assert pairs.undone.shape == pairs.corrupted.shape == pairs.references.shape
    assert set(pairs.table["seen_mm"]) == {1.25}
    assert (pairs.table["found_mm"] > 0).all()
    assert pairs.table["severity_mm"].nunique() == 2
    assert all(
        relative_error(*both) < 0.9 for both in zip(pairs.corrupted, pairs.references, strict=True)
    )


def test_what_was_undone_and_what_is_left_make_the_scan(pairs):
    searched = scans().scan(0, 0, n_spread=12)
    subject = scans().subject_of(0, 0)
    alike = scans().scan(searched_scans._ALIKE, 0, like=searched, subject=subject)
    whole = pairs.corrupted + pairs.undone
    assert relative_error(whole[:2], alike.corrupted) < 1e-3
    assert relative_error(pairs.references[:2], alike.references) < 1e-3
    assert np.array_equal(pairs.heads[:2], alike.heads)


def test_one_scan_of_some_is_left_as_it_is(pairs):
    untouched = ~pairs.undone.any(axis=(1, 2))
    assert untouched.reshape(2, N_EACH, -1).all(axis=2).tolist() == [[True, False, False]] * 2


def test_an_interrupted_preparation_goes_on_with_what_is_there(tmp_path):
    first = pairs_in(tmp_path)
    files = sorted(tmp_path.iterdir())
    kept = files[0].stat().st_mtime_ns
    files[1].unlink()
    again = pairs_in(tmp_path)
    assert np.array_equal(first.corrupted, again.corrupted)
    assert files[0].stat().st_mtime_ns == kept
    assert sorted(tmp_path.iterdir()) == files


def test_other_scans_are_not_taken_for_these(tmp_path):
    one, other = pairs_in(tmp_path), pairs_in(tmp_path, replace(MOVING, contrast=0.1))
    assert len(list(tmp_path.iterdir())) == 4
    assert not np.array_equal(one.references, other.references)


def test_lines_lie_along_the_rows_whatever_axis_they_were_encoded_along(tmp_path):
    along_z = replace(MOVING, phase_encoding_axes=("z",))
    pairs = pairs_in(tmp_path, along_z, n_searches=1)
    searched = scans(along_z).scan(0, 0, n_spread=12)
    subject = scans(along_z).subject_of(0, 0)
    alike = scans(along_z).scan(searched_scans._ALIKE, 0, like=searched, subject=subject)
    assert alike.acquisition.phase_encoding_axis == "z"
    assert np.array_equal(pairs.heads[:2], alike.heads.swapaxes(1, 2))
    turned = alike.corrupted.swapaxes(1, 2)
    assert relative_error((pairs.corrupted + pairs.undone)[:2], turned) < 1e-3


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_train": 3},
        {"n_validation": 3},
        {"n_train": -1, "n_validation": 1},
        {"n_train": 1, "n_validation": 1, "scans_each": 1},
        {"n_train": 1, "n_validation": 1, "validation_scans_each": 1},
    ],
)
def test_searches_that_give_no_pairs_are_refused(wrong):
    with pytest.raises(McnetError, match="give 1 search or more"):
        Searches(**wrong)
