import pickle
from dataclasses import fields, replace
from itertools import product

import numpy as np
import pytest
import zarr
from properties import ellipsoid, relative_error

from mcnet.core.errors import McnetError
from mcnet.core.provenance import recorded_command
from mcnet.datasets.pairs.design import PairsDesign
from mcnet.datasets.pairs.plan import PairsPlan
from mcnet.datasets.pairs.simulate import simulate_pairs
from mcnet.datasets.pairs.store import count_pairs, is_complete, load_pairs, stored_traces
from mcnet.datasets.split import Split
from mcnet.datasets.subjects import Subject
from mcnet.io.volume import Volume
from mcnet.metrics.scale import intensity_scale
from mcnet.motion.trace import MODES, MotionTrace
from mcnet.physics.acquisition import Acquisition
from mcnet.physics.simulator import corrupt_volume, image_at_rest

SHAPE, SIZE = (33, 37, 35), (4.0, 4.0, 4.0)
SCAN = Acquisition(matrix=(24, 26, 22), fov_mm=(144.0, 156.0, 143.0))


def subject(name, radius_mm, loads=None):
    values = ellipsoid(SHAPE, SIZE, centre_mm=(4, 0, 0), radii_mm=(radius_mm, 55.0, 50.0))
    values = values * np.linspace(0.5, 1.5, SHAPE[1], dtype=np.float32)[:, None] * 300
    volume = Volume(values, np.diag([*SIZE, 1.0]), name)

    def load():
        if loads is not None:
            loads.append(name)
        return volume

    return Subject(name, load, f"fingerprint of {name}")


def trace(name, rng):
    return MotionTrace(3 * rng.normal(size=(26, 3)), 4 * rng.normal(size=(26, 3)), name=name)


@pytest.fixture
def plan(rng):
    return PairsPlan(
        subjects=[
            subject(name, radius)
            for name, radius in (("a", 40.0), ("b", 45.0), ("c", 50.0), ("d", 38.0))
        ],
        subjects_split=Split(("a", "c"), ("b",), ("d",)),
        traces=[trace(name, rng) for name in ("t1", "t2", "t3", "t4")],
        traces_split=Split(("t1", "t3"), ("t4",), ("t2",)),
        design=PairsDesign(n_slices=5, spacing_mm=15.0),
        acquisition=SCAN,
        seed=3,
    )


@pytest.fixture
def store(tmp_path, plan):
    path = tmp_path / "pairs.zarr"
    simulate_pairs(path, plan)
    return path


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


def files_of(store):
    """Every file of a store, and its bytes."""
    return {path: path.read_bytes() for path in sorted(store.rglob("*")) if path.is_file()}


def test_the_same_plan_gives_the_same_bytes_whatever_the_command(tmp_path, plan):
    for name in ("one", "other"):
        with recorded_command("mcnet", ["simulate", name]):
            simulate_pairs(tmp_path / name, plan)
    one, other = (
        {path.relative_to(tmp_path / name): content for path, content in files_of(store).items()}
        for name in ("one", "other")
        for store in [tmp_path / name]
    )
    assert one == other


def everything(store):
    """All that readers of a store may see of it."""
    seen = [count_pairs(store)]
    seen += [(motion.translation_mm, motion.rotation_deg) for motion in stored_traces(store)]
    for part, mode in product(
        ("train", "validation", "test"), ("rotation", "rotation+translation")
    ):
        pairs = load_pairs(store, part, mode)
        seen += [getattr(pairs, item.name) for item in fields(pairs)]
    return pickle.dumps(seen)


ARRAYS = (
    *("references", "heads", "kept", "positions_mm", "translation_mm", "rotation_deg"),
    *(f"{kind}/{mode}" for kind in ("corrupted", "input_scale") for mode in MODES[:2]),
)


@pytest.mark.parametrize("name", ARRAYS)
def test_a_chunk_that_has_gone_is_refused_and_then_made_again(store, plan, name):
    before = files_of(store)
    chunks = [path for path in before if path.is_relative_to(store / name / "c")]
    for missing in chunks[:: max(1, len(chunks) - 1)]:
        missing.unlink()
        assert not is_complete(store, plan)
        with pytest.raises(McnetError, match=r"pairs\.zarr .* is damaged or not whole"):
            everything(store)
        simulate_pairs(store, plan)
        assert files_of(store) == before


@pytest.mark.parametrize("name", ["references", "corrupted", "corrupted/rotation"])
def test_the_description_of_an_array_that_has_gone_is_made_again(store, plan, name):
    before = files_of(store)
    for content in (None, b"{", b"\xff\xfe", b"[]"):
        described = store / name / "zarr.json"
        described.unlink() if content is None else described.write_bytes(content)
        with pytest.raises(McnetError, match="is damaged or not whole"):
            load_pairs(store, "test", "rotation")
        simulate_pairs(store, plan)
        assert files_of(store) == before


def test_a_byte_that_changed_is_refused_or_changes_nothing(store, plan, rng):
    """At three places of every file, 124 and more in all."""
    before, seen = files_of(store), everything(store)
    for trial, path in enumerate(3 * list(before)):
        content = bytearray(before[path])
        content[rng.integers(len(content))] ^= 1 << rng.integers(8)
        path.write_bytes(content)
        if is_complete(store, plan):
            assert everything(store) == seen, path
        elif trial < len(before):
            with pytest.raises(McnetError, match="damaged or not whole|no pairs of mcnet|earlier"):
                everything(store)
        path.write_bytes(before[path])
    assert trial >= 124


def test_bytes_that_changed_are_made_again(store, plan, rng):
    before = files_of(store)
    for path, content in before.items():
        if path.name != "zarr.json":
            path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    manifest = zarr.open_group(store, mode="r+")
    manifest.attrs["design"] = manifest.attrs["design"] | {"n_slices": 4}
    simulate_pairs(store, plan)
    assert files_of(store) == before


def test_a_subject_without_whole_pairs_is_named(store):
    (store / "corrupted" / "rotation" / "c" / "2" / "0" / "0" / "0" / "0").unlink()
    with pytest.raises(McnetError, match=r"pairs\.zarr \(corrupted/rotation of c\) is damaged"):
        load_pairs(store, "train", "rotation")


def test_pairs_of_an_earlier_layout_are_refused(store, plan):
    group = zarr.open_group(store, mode="r+")
    about = group.attrs.asdict()
    del about["layout"]
    group.attrs.put(about | {"key": "0" * 64})
    for use in (lambda: load_pairs(store, "test", "rotation"), lambda: simulate_pairs(store, plan)):
        with pytest.raises(McnetError, match="of an earlier version of mcnet, without checksums"):
            use()


def test_traces_come_back_from_the_store(store, plan):
    for stored, given in zip(stored_traces(store), plan.traces, strict=True):
        assert stored.name == given.name
        np.testing.assert_array_equal(stored.rotation_deg, given.rotation_deg)
        np.testing.assert_array_equal(stored.translation_mm, given.translation_mm)


def test_the_manifest_tells_inputs_split_seed_and_version(store, plan):
    manifest = zarr.open_group(store, mode="r").attrs.asdict()
    assert manifest["subjects"]["a"] == "fingerprint of a"
    assert manifest["subjects_split"]["train"] == ["a", "c"]
    assert manifest["provenance"]["seed"] == 3
    assert manifest["provenance"]["version"]
    assert manifest["key"] == plan.key


def test_unknown_parts_and_modes_are_refused(store):
    with pytest.raises(McnetError, match="no pairs of part 'exam'"):
        load_pairs(store, "exam", "rotation")
    with pytest.raises(McnetError, match="mode 'six-dof'"):
        load_pairs(store, "test", "six-dof")
