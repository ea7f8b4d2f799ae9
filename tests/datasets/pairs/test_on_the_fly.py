import pickle
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from properties import ellipsoid, relative_error

from mcnet.core.errors import McnetError
from mcnet.datasets.pairs.design import PairsDesign
from mcnet.datasets.pairs.drawn_motion import RandomMotion
from mcnet.datasets.pairs.on_the_fly import OnTheFlyPairs, on_the_fly_pairs
from mcnet.datasets.pairs.plan import PairsPlan
from mcnet.datasets.pairs.prepared import prepare_subject
from mcnet.datasets.pairs.simulate import simulate_pairs
from mcnet.datasets.pairs.store import load_pairs
from mcnet.datasets.split import Split
from mcnet.datasets.subjects import Subject
from mcnet.io.volume import Volume
from mcnet.metrics.scale import intensity_scale
from mcnet.motion.generators import generate_motion
from mcnet.motion.trace import still
from mcnet.physics.acquisition import Acquisition
from mcnet.physics.fourier import resampling_matrix
from mcnet.physics.simulator import corrupt_volume, image_at_rest

SHAPE, SIZE = (29, 33, 31), (5.0, 5.0, 5.0)
SCAN = Acquisition((20, 26, 22), (150.0, 169.0, 154.0), order="centric")
DESIGN = PairsDesign(n_slices=5, spacing_mm=18.0)


def volume(name, radius_mm):
    values = ellipsoid(SHAPE, SIZE, centre_mm=(4, 0, 0), radii_mm=(radius_mm, 55.0, 50.0))
    values = values * np.linspace(0.5, 1.5, SHAPE[1], dtype=np.float32)[:, None] * 300
    return Volume(values, np.diag([*SIZE, 1.0]), name)


def still_images(head, positions_mm):
    return np.abs(image_at_rest(head, SIZE, SCAN, positions_mm=positions_mm))


@pytest.fixture(scope="module")
def pairs():
    # the narrow head keeps fewer slices than the wide one
    subjects = [prepare_subject(volume(f"r{r}", r), DESIGN, SCAN) for r in (30.0, 58.0, 45.0)]
    return OnTheFlyPairs(tuple(subjects), RandomMotion(), SCAN, scans_per_subject=4, seed=7)


def test_a_fresh_scan_is_the_subject_scanned_while_moving_so(pairs):
    for index in (0, 5):
        scan = pairs.scan(2, index)
        subject = pairs.subjects[scan.subject]
        motion = pairs.motion_of(2, index)
        head = volume("again", [30.0, 58.0, 45.0][scan.subject]).values
        whole = corrupt_volume(head, SIZE, motion, SCAN)  # the 3D route
        to_slices = resampling_matrix(
            SCAN.matrix[0],
            SCAN.voxel_size_mm[0],
            SCAN.axis_frequencies("x"),
            subject.positions_mm[subject.kept],
        )
        expected = np.abs(np.tensordot(to_slices, whole, axes=1))
        scale = intensity_scale(still_images(head, subject.positions_mm)[subject.kept])
        assert relative_error(scan.corrupted, expected / scale) < 1e-4
        assert scan.input_scale == pytest.approx(intensity_scale(scan.corrupted), rel=1e-6)
        still_head = subject.scanned(still(SCAN.n_lines), SCAN)[subject.kept]
        assert relative_error(scan.corrupted, still_head) > 1e-3


def test_a_scan_comes_with_its_references_and_heads(pairs):
    for index in range(pairs.n_scans):
        scan = pairs.scan(2, index)
        subject = pairs.subjects[scan.subject]
        assert np.array_equal(scan.references, subject.references[subject.kept])
        assert np.array_equal(scan.heads, subject.heads[subject.kept])
    assert len({int(subject.kept.sum()) for subject in pairs.subjects}) > 1
    assert len(pairs) == 4 * sum(int(subject.kept.sum()) for subject in pairs.subjects)


def test_a_scan_is_of_seed_epoch_and_number_alone(pairs):
    first = pairs.scan(1, 3)
    pairs.scan(0, 2)
    again = pickle.loads(pickle.dumps(pairs)).scan(1, 3)
    assert first.subject == again.subject
    assert first.corrupted.tobytes() == again.corrupted.tobytes()
    assert first.input_scale == again.input_scale
    traces = [
        changed.motion_of(epoch, index).rotation_deg.tobytes()
        for changed, epoch, index in (
            (pairs, 1, 3),
            (pairs, 1, 4),
            (pairs, 2, 3),
            (replace(pairs, seed=8), 1, 3),
        )
    ]
    assert len(set(traces)) == 4


def test_everybody_is_scanned_equally_often_and_in_a_new_order_each_epoch(pairs):
    orders = [tuple(pairs.subjects_in_turn(epoch).tolist()) for epoch in range(5)]
    assert all(Counter(order) == {0: 4, 1: 4, 2: 4} for order in orders)
    assert len(set(orders)) == 5
    scanned = [pairs.scan(3, index).subject for index in range(pairs.n_scans)]
    assert tuple(scanned) == orders[3]


def test_fresh_motion_keeps_bounds_mode_and_rest():
    motion = RandomMotion(within_mm=0.4, within_deg=0.3, scale=5.0, mode="rotation+translation")
    traces = [motion.drawn(SCAN, np.random.default_rng(seed)) for seed in range(20)]
    turns = np.stack([trace.rotation_deg for trace in traces])
    shifts = np.stack([trace.translation_mm for trace in traces])
    # bringing a scaled trace to rest turns its shifts a little
    assert 0.8 < np.abs(turns[..., 0]).max() <= 0.3 * 5 * 1.01
    assert 0.8 < np.abs(shifts[..., 1:]).max() <= 0.4 * 5 * 1.05
    assert not turns[..., 1:].any()
    assert not shifts[..., 0].any()
    assert np.abs(turns[:, SCAN.centre_time]).max() < 1e-9
    rotation = replace(motion, mode="rotation").drawn(SCAN, np.random.default_rng(4))
    assert np.array_equal(rotation.rotation_deg, traces[4].rotation_deg)
    assert not rotation.translation_mm.any()


def test_bounds_that_no_motion_keeps_are_told(monkeypatch):
    monkeypatch.setattr("mcnet.datasets.pairs.drawn_motion._MOST_TRIES", 5)
    with pytest.raises(McnetError, match="none of 5 .* 1e-06 mm and 2 deg; give larger bounds"):
        RandomMotion(within_mm=1e-6).drawn(SCAN, np.random.default_rng(1))
    with pytest.raises(McnetError, match="scale -1.0 is impossible"):
        RandomMotion(scale=-1.0)


def test_a_set_without_scans_and_images_of_two_sizes_are_refused(pairs):
    with pytest.raises(McnetError, match="scanned 0 times"):
        replace(pairs, scans_per_subject=0)
    with pytest.raises(McnetError, match="0 subjects"):
        replace(pairs, subjects=())
    other = prepare_subject(volume("wide", 50.0), DESIGN, replace(SCAN, matrix=(20, 24, 22)))
    with pytest.raises(McnetError, match="2 sizes"):
        replace(pairs, subjects=(*pairs.subjects, other))


def test_the_digest_tells_every_change(pairs):
    brighter = replace(pairs.subjects[0], still=pairs.subjects[0].still * 2)
    variants = [
        pairs,
        replace(pairs, seed=8),
        replace(pairs, scans_per_subject=3),
        replace(pairs, motion=RandomMotion(within_mm=1.9)),
        replace(pairs, acquisition=replace(SCAN, order="sequential")),
        replace(pairs, subjects=pairs.subjects[::-1]),
        replace(pairs, subjects=(brighter, *pairs.subjects[1:])),
    ]
    assert len({variant.sha256 for variant in variants}) == len(variants)
    assert pickle.loads(pickle.dumps(pairs)).sha256 == pairs.sha256


@pytest.fixture
def plan(rng):
    subjects = [
        Subject(name, lambda name=name, r=r: volume(name, r), f"fingerprint of {name}")
        for name, r in (("a", 50.0), ("b", 45.0), ("c", 40.0), ("d", 55.0))
    ]
    names = ("t1", "t2", "t3", "t4")
    traces = [replace(generate_motion(SCAN.n_lines, rng).scaled(8.0), name=name) for name in names]
    return PairsPlan(
        subjects=subjects,
        subjects_split=Split(("a", "c"), ("b",), ("d",)),
        traces=traces,
        traces_split=Split(("t1", "t3"), ("t4",), ("t2",)),
        design=DESIGN,
        acquisition=SCAN,
        seed=3,
    )


def test_training_subjects_of_a_plan_are_scanned_as_often_as_there_are_traces(plan):
    told = []
    pairs = on_the_fly_pairs(
        plan, RandomMotion(), seed=11, on_progress=lambda *done: told.append(done)
    )
    assert [subject.name for subject in pairs.subjects] == ["a", "c"]
    assert pairs.scans_per_subject == 2
    assert pairs.seed == 11
    assert told == [(1, 2), (2, 2)]


def test_a_fresh_scan_of_a_stored_motion_is_the_stored_scan(plan, tmp_path, monkeypatch):
    path = tmp_path / "pairs.zarr"
    simulate_pairs(path, plan)
    stored = load_pairs(path, "train", "rotation")
    pairs = on_the_fly_pairs(plan, RandomMotion(mode="rotation"))
    t3 = plan.traces[2].restricted_to("rotation")
    monkeypatch.setattr(OnTheFlyPairs, "motion_of", lambda *_: t3)
    for index in range(pairs.n_scans):
        scan = pairs.scan(0, index)
        name = pairs.subjects[scan.subject].name
        rows = np.flatnonzero((stored.table.subject == name) & (stored.table.trace == "t3"))
        assert len(rows) == len(scan.corrupted)
        assert relative_error(scan.corrupted, stored.corrupted[rows]) < 1e-5
        assert np.allclose(scan.input_scale, stored.input_scale[rows], rtol=1e-5)
        expected = stored.references[stored.reference_index[rows]]
        assert relative_error(scan.references, expected) < 1e-5
