"""A store is the same for the same plan, and damage of any kind is told and made good."""

import pickle
from dataclasses import fields
from itertools import product

import pytest
import zarr

from mcnet.core.errors import McnetError
from mcnet.core.provenance import recorded_command
from mcnet.datasets.pairs.loading import count_pairs, load_pairs, stored_traces
from mcnet.datasets.pairs.simulate import simulate_pairs
from mcnet.datasets.pairs.store import is_complete
from mcnet.motion.trace import MODES


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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


def test_pairs_of_an_earlier_layout_are_refused(store, plan):
    group = zarr.open_group(store, mode="r+")
    about = group.attrs.asdict()
    del about["layout"]
    group.attrs.put(about | {"key": "0" * 64})
    for use in (lambda: load_pairs(store, "test", "rotation"), lambda: simulate_pairs(store, plan)):
        with pytest.raises(McnetError, match="of an earlier version of mcnet, without checksums"):
            use()


def test_the_manifest_tells_inputs_split_seed_and_version(store, plan):
    manifest = zarr.open_group(store, mode="r").attrs.asdict()
    assert manifest["subjects"]["a"] == "fingerprint of a"
    assert manifest["subjects_split"]["train"] == ["a", "c"]
    assert manifest["provenance"]["seed"] == 3
    assert manifest["provenance"]["version"]
    assert manifest["key"] == plan.key
