"""Simulated pairs in a zarr group, on disk or wherever a URL points to.

``references``, ``heads``, ``kept`` and ``positions_mm`` have a row for each subject;
``corrupted/MODE`` and ``input_scale/MODE`` a row for each subject and trace: a chunk for each, a
shard for each block of traces. What was not made holds NaN, in ``heads`` and ``kept`` (else 0 or 1)
255; each chunk has a checksum. The group's attributes are the manifest: subjects, traces, split,
design, version and seed, and their digest.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from mcnet.core.errors import McnetError
from mcnet.core.outputs import Kind, check_outputs, given, record_of
from mcnet.core.provenance import sha256_of_json
from mcnet.core.writing import cannot_write
from mcnet.datasets.pairs.layout import (
    BY_MODE,
    OF_SUBJECT,
    OF_TRACE,
    DamagedError,
    check_layout,
    damage_told,
    lay_out,
    other_layout,
    read_whole,
)
from mcnet.datasets.pairs.location import Location, local_path, zarr_group
from mcnet.datasets.pairs.plan import LAYOUT, PairsPlan


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
    group: Any = find_store(location, plan, replace=replace)
    about = plan.manifest | {"key": plan.key}
    with damage_told(str(location)):
        try:
            if group is None:
                # the manifest comes with the group, so that no store is ever without one
                place = str(local_path(location) or location)
                group = zarr.create_group(place, attributes=about, overwrite=True)
            elif sha256_of_json(group.attrs.asdict()) != sha256_of_json(about):
                group.attrs.put(about)
            lay_out(group, plan.manifest)
            for name in OF_TRACE:
                group[name][:] = np.stack([getattr(trace, name) for trace in plan.traces])
        except OSError as error:
            raise cannot_write(location, error) from error
    return group


def find_store(location: Location, plan: PairsPlan, *, replace: bool = False) -> Any | None:
    """Zarr group of a plan, if it is there; nothing is written.

    Raises
    ------
    McnetError
        Something else is there, and is not to make room.
    """
    try:
        group = zarr_group(location, "r+")
    except DamagedError:
        if not replace:
            check_outputs(given(("", local_path(location), STORE)))
        return None
    there = group.attrs.asdict()
    if there.get("key") == plan.key:
        return group
    if not replace:
        raise _other_pairs(location, there, plan.manifest)
    return None


def is_complete(location: Location, plan: PairsPlan) -> bool:
    """Whether all pairs of a plan are there, and read as they were written."""
    try:
        group = zarr_group(location, "r")
        check_layout(group, location)
        if group.attrs["key"] != plan.key:
            return False
        for name in OF_TRACE:
            read_whole(group, name, name)
    except McnetError:
        return False
    return not any(missing_blocks(location, plan, row) for row in range(len(plan.subjects)))


def missing_blocks(location: Location, plan: PairsPlan, row: int) -> list[int]:
    """Blocks of traces whose pairs with the subject of a row are missing or damaged.

    Without the references of the subject, all are missing.
    """
    group = zarr_group(location, "r")

    def is_whole(names: Sequence[str], columns: Sequence[int] = ()) -> bool:
        try:
            for name in names:
                read_whole(group, name, name, row, columns)
        except DamagedError:
            return False
        return True

    met = {block: plan.traces_met(row, block) for block in range(plan.n_blocks)}
    blocks = [block for block in met if met[block]]
    if blocks and not is_whole(OF_SUBJECT):
        return blocks
    names = [f"{kind}/{mode}" for mode in plan.design.modes for kind in BY_MODE]
    return [block for block in blocks if not is_whole(names, met[block])]


def _is_store(folder: Path) -> bool:
    try:
        return "key" in zarr_group(folder, "r").attrs
    except DamagedError:
        return False


STORE = Kind(
    "pairs are written to a folder of their own",
    companions=lambda folder: (record_of(folder),),
    is_ours=_is_store,
    foreign="is there and holds no pairs of mcnet; name another output, or delete it",
    is_folder=True,
)
"""A store on this machine; whether it is of the same pairs, `find_store` tells."""


def _other_pairs(location: Location, there: dict[str, Any], asked: dict[str, Any]) -> McnetError:
    remedy = "name another output, or delete it to make these pairs there"
    if "key" not in there:
        return McnetError(f"{location} is a zarr group that holds no pairs of mcnet; {remedy}.")
    if there.get("layout") != LAYOUT:
        return other_layout(location)
    old, new = dict(there["provenance"]), asked["provenance"]
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
        differences.append("subjects or traces in another order")
    return McnetError(f"{location} holds other pairs ({'; '.join(differences)}); {remedy}.")


def _differ(one: dict[str, Any], other: dict[str, Any], name: str) -> bool:
    return sha256_of_json(one.get(name)) != sha256_of_json(other[name])
