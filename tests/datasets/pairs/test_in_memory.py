"""Pairs in memory: the store's own, aligned ones, and those of other traces."""

from dataclasses import replace

import numpy as np
import pytest
from properties import ellipsoid, pixels_apart

from mcnet.datasets.pairs.design import PairsDesign
from mcnet.datasets.pairs.in_memory import pairs_in_memory
from mcnet.datasets.pairs.plan import PairsPlan
from mcnet.datasets.pairs.simulate import simulate_pairs
from mcnet.datasets.pairs.store import load_pairs
from mcnet.datasets.split import Split
from mcnet.datasets.subjects import Subject
from mcnet.io.volume import Volume
from mcnet.motion.trace import MotionTrace
from mcnet.physics.acquisition import Acquisition

SIZE = (5.0, 5.0, 5.0)
SCAN = Acquisition((20, 40, 36), (150.0, 200.0, 198.0))


def volume(name: str, radius_mm: float) -> Volume:
    values = ellipsoid((29, 33, 31), SIZE, centre_mm=(4, 5, 0), radii_mm=(radius_mm, 60.0, 50.0))
    inside = ellipsoid((29, 33, 31), SIZE, centre_mm=(4, 25, 10), radii_mm=(radius_mm, 25, 15))
    return Volume((values + inside) * 300, np.diag([*SIZE, 1.0]), name)


@pytest.fixture(scope="module")
def plan() -> PairsPlan:
    """Heads that leave their place soon after the centre of k-space was acquired."""
    volumes = [volume(f"r{radius:.0f}", radius) for radius in (40.0, 58.0, 49.0)]
    traces = []
    for number in range(3):
        shifts, turns = np.zeros((40, 3)), np.zeros((40, 3))
        away = slice(21, None)
        shifts[away], turns[away, 0] = (0.0, 7.0 + number, -5.0), 6.0
        trace = MotionTrace(shifts, turns, name=f"t{number}").at_rest_when(SCAN.centre_time)
        traces.append(replace(trace, name=f"t{number}"))
    names = tuple(subject.name for subject in volumes)
    return PairsPlan(
        subjects=[Subject(one.name, lambda one=one: one, one.name) for one in volumes],
        subjects_split=Split(names[:1], names[1:2], names[2:]),
        traces=traces,
        traces_split=Split(("t0",), ("t1",), ("t2",)),
        design=PairsDesign(n_slices=3, spacing_mm=15.0),
        acquisition=SCAN,
        seed=1,
    )


def test_they_are_the_stores_pairs(plan, tmp_path):
    simulate_pairs(tmp_path / "pairs.zarr", plan)
    stored = load_pairs(tmp_path / "pairs.zarr", "validation", "rotation")
    made = pairs_in_memory(plan, "validation", "rotation")
    assert stored.table.equals(made.table)
    assert np.allclose(stored.corrupted, made.corrupted, atol=1e-6)
    assert np.allclose(stored.input_scale, made.input_scale, rtol=1e-6)


def test_subjects_of_one_part_move_by_the_traces_that_are_named(plan, tmp_path):
    """Validation's subject by the test's trace: as in a store whose validation trace that is."""
    mode = "rotation+translation"  # the traces turn alike
    made = pairs_in_memory(plan, "validation", mode, traces=("t2",))
    assert set(made.table["trace"]) == {"t2"}
    assert set(made.table["subject"]) == set(plan.subjects_split.validation)
    other = replace(plan, traces_split=Split(("t0",), ("t2",), ("t1",)))
    simulate_pairs(tmp_path / "pairs.zarr", other)
    stored = load_pairs(tmp_path / "pairs.zarr", "validation", mode)
    assert np.allclose(stored.corrupted, made.corrupted, atol=1e-6)
    own = pairs_in_memory(plan, "validation", mode)
    assert not np.allclose(own.corrupted, made.corrupted, atol=0.02)


@pytest.mark.parametrize("mode", ["rotation", "rotation+translation"])
def test_aligned_ones_are_the_stores_pairs_but_for_where_the_head_lies(plan, tmp_path, mode):
    simulate_pairs(tmp_path / "pairs.zarr", plan)
    for part in ("train", "validation"):
        stored = load_pairs(tmp_path / "pairs.zarr", part, mode)
        aligned = pairs_in_memory(plan, part, mode, aligned=True)
        assert stored.table.equals(aligned.table)
        assert np.allclose(stored.references, aligned.references, atol=1e-6)
        assert np.array_equal(stored.heads, aligned.heads)
        assert np.array_equal(stored.reference_index, aligned.reference_index)
        assert not np.allclose(stored.corrupted, aligned.corrupted, atol=0.02)
        assert np.allclose(stored.input_scale, aligned.input_scale, rtol=0.05)


def test_the_heads_lie_nearer_to_their_references(plan, tmp_path):
    simulate_pairs(tmp_path / "pairs.zarr", plan)

    def apart(pairs):
        reference = pairs.references[pairs.reference_index[1]]
        return pixels_apart(reference, pairs.corrupted[1])

    stored = apart(load_pairs(tmp_path / "pairs.zarr", "test", "rotation+translation"))
    aligned = apart(pairs_in_memory(plan, "test", "rotation+translation", aligned=True))
    assert stored > 0.2
    assert aligned < 0.5 * stored
