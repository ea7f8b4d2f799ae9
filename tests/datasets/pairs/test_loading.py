"""Pairs that are read back from a store belong together."""

from dataclasses import replace

import numpy as np
import pytest
from properties import relative_error
from small_pairs import SCAN, SIZE

from mcnet.core.errors import McnetError
from mcnet.datasets.pairs.loading import load_pairs, stored_traces
from mcnet.io.volume import Volume
from mcnet.metrics.scale import intensity_scale
from mcnet.physics.simulator import corrupt_volume, image_at_rest


@pytest.mark.slow
def test_every_subject_of_a_part_meets_every_trace_of_that_part_and_no_other(store):
    met = {
        part: set(
            load_pairs(store, part, "rotation")
            .table[["subject", "trace"]]
            .itertuples(index=False, name=None)
        )
        for part in ("train", "validation", "test")
    }
    assert met["train"] == {("a", "t1"), ("a", "t3"), ("c", "t1"), ("c", "t3")}
    assert met["validation"] == {("b", "t4")}
    assert met["test"] == {("d", "t2")}


def test_a_pair_is_the_slice_of_the_3d_simulation(store, plan):
    """Second route: the whole 3D transform, and the partition nearest to the slice."""
    pairs = load_pairs(store, "train", "rotation+translation")
    row = int(np.flatnonzero((pairs.table.subject == "c") & (pairs.table.trace == "t3"))[1])
    volume = plan.subjects[2].load()
    places = SCAN.axis_positions_mm("x")
    shift = pairs.table.position_mm[row] - places[12]
    moved = Volume(volume.values, volume.affine, "c")
    motion = plan.traces[2].restricted_to("rotation+translation")
    # moving the head along x brings the slice onto a partition
    along_x = replace(motion, translation_mm=motion.translation_mm - np.array([shift, 0, 0]))
    whole = np.abs(corrupt_volume(moved.values, SIZE, along_x, SCAN))
    rest = np.abs(image_at_rest(volume.values, SIZE, SCAN, positions_mm=_places_of(pairs, "c")))
    scale = intensity_scale(rest)
    assert relative_error(pairs.corrupted[row], whole[12] / scale) < 1e-4


def _places_of(pairs, name):
    return np.unique(pairs.table.position_mm[pairs.table.subject == name])


def test_references_belong_to_their_pairs(store, plan):
    pairs = load_pairs(store, "train", "rotation")
    for row in range(len(pairs)):
        about = pairs.table.iloc[row]
        volume = next(who for who in plan.subjects if who.name == about.subject).load()
        rest = image_at_rest(volume.values, SIZE, SCAN, positions_mm=np.array([about.position_mm]))
        reference = pairs.references[pairs.reference_index[row]]
        image = np.abs(rest[0])
        assert relative_error(reference / reference.max(), image / image.max()) < 1e-5


def test_the_references_of_a_subject_have_their_percentile_at_one(store):
    pairs = load_pairs(store, "test", "rotation")
    assert intensity_scale(pairs.references) == pytest.approx(1, abs=1e-5)
    assert intensity_scale(pairs.corrupted) == pytest.approx(float(pairs.input_scale[0]), rel=1e-5)


def test_boundary_slices_are_dropped(store, plan):
    table = load_pairs(store, "test", "rotation").table
    assert 1 <= len(table) < plan.design.n_slices


def test_the_magnitude_is_that_of_the_mode(store, plan):
    table = load_pairs(store, "validation", "rotation").table
    assert table.magnitude[0] == pytest.approx(plan.traces[3].rotation_deg[:, 0].std())


def test_a_subject_without_whole_pairs_is_named(store):
    (store / "corrupted" / "rotation" / "c" / "2" / "0" / "0" / "0" / "0").unlink()
    with pytest.raises(McnetError, match=r"pairs\.zarr \(corrupted/rotation of c\) is damaged"):
        load_pairs(store, "train", "rotation")


def test_traces_come_back_from_the_store(store, plan):
    for stored, given in zip(stored_traces(store), plan.traces, strict=True):
        assert stored.name == given.name
        np.testing.assert_array_equal(stored.rotation_deg, given.rotation_deg)
        np.testing.assert_array_equal(stored.translation_mm, given.translation_mm)


def test_unknown_parts_and_modes_are_refused(store):
    with pytest.raises(McnetError, match="no pairs of part 'exam'"):
        load_pairs(store, "exam", "rotation")
    with pytest.raises(McnetError, match="mode 'six-dof'"):
        load_pairs(store, "test", "six-dof")
