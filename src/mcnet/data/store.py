"""Simulated pairs in a zarr group, on disk or wherever a URL points to.

``references``, ``heads``, ``kept`` and ``positions_mm`` have a row for each person;
``corrupted/MODE`` and ``input_scale/MODE`` a row for each person and trace: a chunk for each, a
shard for each block of traces. ``done`` says which blocks are whole. The group's attributes are
the manifest: people, traces, split, design, and provenance.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import zarr

from mcnet.data.pairs import ImagePairs
from mcnet.data.pairs_plan import BLOCK, PairsPlan, indices
from mcnet.data.split import PARTS
from mcnet.errors import McnetError
from mcnet.outputs import Kind, check_outputs, given
from mcnet.provenance import cannot_write, sha256_of_json
from mcnet.simulation.motion import Mode, MotionTrace

Location = str | Path
"""A folder, or a URL that fsspec knows, such as s3://bucket/pairs.zarr."""
_DAMAGE = (OSError, ValueError, KeyError, RuntimeError)
"""What zarr raises for a store that is missing or damaged."""


def open_store(location: Location, plan: PairsPlan, *, replace: bool = False) -> Any:
    """Zarr group of a plan: the one that is there, to go on with, or a new one.

    Parameters
    ----------
    location
        Where the group lies, or will lie.
    plan
        Whose pairs it holds.
    replace
        Whether what is there makes room, unless it is this plan's.

    Raises
    ------
    McnetError
        Something else is there, or the place cannot be written.
    """
    group = find_store(location, plan, replace=replace)
    try:
        return _laid_out(_new_group(location, plan) if group is None else group, plan)
    except OSError as error:
        raise cannot_write(location, error) from error


def find_store(location: Location, plan: PairsPlan, *, replace: bool = False) -> Any | None:
    """Zarr group of a plan, if it is there; nothing is written.

    Raises
    ------
    McnetError
        Something else is there, and is not to make room.
    """
    try:
        group = zarr_group(location, "r+")
    except McnetError:
        raise
    except _DAMAGE:
        group = None
    if group is not None and group.attrs.get("key") == plan.key:
        return group
    if not replace and group is None:
        check_outputs(given(("", local_path(location), STORE)))
    elif not replace:
        raise _other_pairs(location, group.attrs.asdict(), plan.manifest)
    return None


def is_complete(location: Location, key: str) -> bool:
    """Whether all pairs of the plan with this key are there."""
    try:
        group = zarr_group(location, "r")
        return group.attrs.get("key") == key and bool(np.all(group["done"][:]))
    except _DAMAGE:
        return False


def load_pairs(location: Location, part: str, mode: Mode) -> ImagePairs:
    """Pairs of one part of the split and one mode, in memory.

    Raises
    ------
    McnetError
        There is no such part or mode in the store.
    """
    try:
        pairs = _loaded(location, part, mode)
    except _DAMAGE as error:
        if isinstance(error, McnetError):
            raise
        raise _damaged(location) from error
    if len(pairs) and not np.all(pairs.corrupted.any(axis=(1, 2)) & (pairs.input_scale > 0)):
        raise _damaged(location)  # zarr reads a chunk that has gone as zeros
    return pairs


def count_pairs(location: Location) -> dict[str, int]:
    """Number of pairs of each part of the split, the same for every mode."""
    group = zarr_group(location, "r")
    manifest = group.attrs.asdict()
    return {
        part: int(
            group["kept"].oindex[indices(manifest["people"], manifest["people_split"][part])].sum()
        )
        * len(manifest["traces_split"][part])
        for part in PARTS
    }


def _loaded(location: Location, part: str, mode: Mode) -> ImagePairs:
    group = zarr_group(location, "r")
    manifest = group.attrs.asdict()
    if part not in PARTS or mode not in manifest["design"]["modes"]:
        raise McnetError(
            f"{location} holds no pairs of part {part!r} and mode {mode!r}; its parts are "
            f"{', '.join(PARTS)} and its modes {', '.join(manifest['design']['modes'])}."
        )
    people = indices(manifest["people"], manifest["people_split"][part])
    traces = indices(manifest["traces"], manifest["traces_split"][part])
    kept = group["kept"].oindex[people]
    scans = group[f"corrupted/{mode}"].oindex[people, traces]
    person, trace, place = np.nonzero(np.broadcast_to(kept[:, None], scans.shape[:3]))
    reference_of_place = np.cumsum(kept).reshape(kept.shape) - 1
    magnitudes = [
        motion.restricted_to(mode).magnitude for motion in stored_traces(location, list(traces))
    ]
    table = pd.DataFrame(
        {
            "person": np.array(list(manifest["people"]))[people][person],
            "trace": np.array(list(manifest["traces"]))[traces][trace],
            "mode": mode,
            "position_mm": group["positions_mm"].oindex[people][person, place],
            "magnitude": np.array(magnitudes)[trace],
        }
    )
    return ImagePairs(
        corrupted=scans[person, trace, place],
        references=group["references"].oindex[people][kept],
        heads=group["heads"].oindex[people][kept],
        reference_index=reference_of_place[person, place].astype(np.int64),
        input_scale=group[f"input_scale/{mode}"].oindex[people, traces][person, trace],
        table=table,
    )


def stored_traces(location: Location, rows: Sequence[int] | None = None) -> list[MotionTrace]:
    """Motion traces of a store, all or those of some rows, with six degrees of freedom."""
    group = zarr_group(location, "r")
    names = list(group.attrs.asdict()["traces"])
    shifts, turns = group["translation_mm"][:], group["rotation_deg"][:]
    chosen = range(len(names)) if rows is None else rows
    return [MotionTrace(shifts[row], turns[row], name=names[row]) for row in chosen]


def local_path(location: Location) -> Path | None:
    """Folder of a store on this machine; of another URL, nothing."""
    text = str(location).removeprefix("file://")
    return None if "://" in text else Path(text)


def zarr_group(location: Location, mode: Literal["r", "r+"]) -> Any:
    """Zarr group at a location. Zarr's own types leave open what an entry is, so Any it is.

    Raises
    ------
    McnetError
        The URL is of a kind that fsspec does not know, or needs a package for.
    """
    try:
        return zarr.open_group(str(local_path(location) or location), mode=mode)
    except ImportError as error:  # fsspec's own words name the package
        raise McnetError(f"{location} cannot be reached: {error}.") from error
    except ValueError as error:
        if "://" in str(location) and "rotocol" in str(error):
            raise McnetError(
                f"{location} is no place that fsspec knows; give a folder, or a URL such as "
                "s3://bucket/pairs.zarr."
            ) from error
        raise


def _new_group(location: Location, plan: PairsPlan) -> Any:
    # the manifest comes with the group, so that no store is ever without one
    about = plan.manifest | {"key": plan.key}
    return zarr.create_group(
        str(local_path(location) or location), attributes=about, overwrite=True
    )


def _laid_out(group: Any, plan: PairsPlan) -> Any:
    """The group with all arrays of the plan; those that are there stay as they are."""
    n_people, n_traces, n_slices = len(plan.people), len(plan.traces), plan.design.n_slices
    images = (n_slices, *plan.acquisition.matrix[1:])

    def lay_out(name: str, dtype: str, *shape: int, **pieces: tuple[int, ...]) -> None:
        if name not in group:
            group.create_array(name, shape=shape, dtype=dtype, **pieces)

    lay_out("references", "f4", n_people, *images, chunks=(1, *images))
    lay_out("heads", "bool", n_people, *images, chunks=(1, *images))
    lay_out("kept", "bool", n_people, n_slices, chunks=(1, n_slices))
    lay_out("positions_mm", "f8", n_people, n_slices, chunks=(1, n_slices))
    lay_out("done", "bool", n_people, plan.n_blocks, chunks=(1, 1))
    for mode in plan.design.modes:
        lay_out(
            f"corrupted/{mode}",
            "f4",
            *(n_people, n_traces, *images),
            chunks=(1, 1, *images),
            shards=(1, BLOCK, *images),
        )
        lay_out(f"input_scale/{mode}", "f4", n_people, n_traces, chunks=(1, BLOCK))
    for name in ("translation_mm", "rotation_deg"):
        values = np.stack([getattr(trace, name) for trace in plan.traces])
        lay_out(name, "f8", *values.shape, chunks=values.shape)
        group[name][:] = values
    return group


def _is_store(folder: Path) -> bool:
    try:
        return "key" in zarr_group(folder, "r").attrs
    except _DAMAGE:
        return False


STORE = Kind(
    "pairs are written to a folder of their own",
    is_ours=_is_store,
    foreign="is there and holds no pairs of mcnet; name another output, or delete it",
    is_folder=True,
)
"""A store on this machine; whether it is of the same pairs, `find_store` tells."""


def _other_pairs(location: Location, there: dict[str, Any], asked: dict[str, Any]) -> McnetError:
    remedy = "name another output, or delete it to make these pairs there"
    if "key" not in there:
        return McnetError(f"{location} is a zarr group that holds no pairs of mcnet; {remedy}.")
    old, new = there["provenance"], asked["provenance"]
    differences = [
        f"{name} {old.get(name)}, not {new[name]}"
        for name in ("version", "seed")
        if old.get(name) != new[name]
    ]
    others = [
        name.replace("_", " ")
        for name in asked
        if name != "provenance" and _differ(there, asked, name)
    ]
    if others:
        differences.append(f"other {', '.join(others)}")
    if not differences:
        differences.append("people or traces in another order")
    return McnetError(f"{location} holds other pairs ({'; '.join(differences)}); {remedy}.")


def _differ(one: dict[str, Any], other: dict[str, Any], name: str) -> bool:
    return sha256_of_json(one.get(name)) != sha256_of_json(other[name])


def _damaged(location: Location) -> McnetError:
    return McnetError(f"{location} is damaged or not whole; delete it and run again.")
