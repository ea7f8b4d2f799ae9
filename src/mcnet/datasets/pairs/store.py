"""Simulated pairs in a zarr group, on disk or wherever a URL points to.

``references``, ``heads``, ``kept`` and ``positions_mm`` have a row for each subject;
``corrupted/MODE`` and ``input_scale/MODE`` a row for each subject and trace: a chunk for each, a
shard for each block of traces. What was not made holds NaN, in ``heads`` and ``kept`` (else 0 or 1)
255; each chunk has a checksum. The group's attributes are the manifest: subjects, traces, split,
design, version and seed, and their digest.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
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
from mcnet.datasets.pairs.pairs import ImagePairs
from mcnet.datasets.pairs.plan import LAYOUT, PairsPlan, indices
from mcnet.datasets.split import PARTS
from mcnet.motion.trace import Mode, MotionTrace

Location = str | Path
"""A folder, or a URL that fsspec knows, such as s3://bucket/pairs.zarr."""


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


def load_pairs(location: Location, part: str, mode: Mode) -> ImagePairs:
    """Pairs of one part of the split and one mode, in memory.

    Raises
    ------
    McnetError
        There is no such part or mode in the store, or something of it is missing or damaged.
    """
    group, manifest = _opened(location)
    if part not in PARTS or mode not in manifest["design"]["modes"]:
        raise McnetError(
            f"{location} holds no pairs of part {part!r} and mode {mode!r}; its parts are "
            f"{', '.join(PARTS)} and its modes {', '.join(manifest['design']['modes'])}."
        )
    subjects, columns = _of_part(manifest, part)
    of_subjects = partial(_rows, location, group, manifest, subjects)
    kept = of_subjects("kept").astype(bool)
    scans = of_subjects(f"corrupted/{mode}", columns)
    subject, trace, place = np.nonzero(np.broadcast_to(kept[:, None], scans.shape[:3]))
    reference_of_place = np.cumsum(kept).reshape(kept.shape) - 1
    motions = stored_traces(location, columns)
    magnitudes = [motion.restricted_to(mode).magnitude for motion in motions]
    table = pd.DataFrame(
        {
            "subject": np.array(list(manifest["subjects"]))[subjects][subject],
            "trace": np.array(list(manifest["traces"]))[columns][trace],
            "mode": mode,
            "position_mm": of_subjects("positions_mm")[subject, place],
            "magnitude": np.array(magnitudes)[trace],
        }
    )
    return ImagePairs(
        corrupted=scans[subject, trace, place],
        references=of_subjects("references")[kept],
        heads=of_subjects("heads")[kept].astype(bool),
        reference_index=reference_of_place[subject, place].astype(np.int64),
        input_scale=of_subjects(f"input_scale/{mode}", columns)[subject, trace],
        table=table,
    )


def count_pairs(location: Location) -> dict[str, int]:
    """Number of pairs of each part of the split, the same for every mode.

    Raises
    ------
    McnetError
        As `load_pairs`.
    """
    group, manifest = _opened(location)
    counts = {}
    for part in PARTS:
        subjects, columns = _of_part(manifest, part)
        counts[part] = int(_rows(location, group, manifest, subjects, "kept").sum()) * len(columns)
    return counts


def stored_traces(location: Location, rows: Sequence[int] | None = None) -> list[MotionTrace]:
    """Motion traces of a store, all or those of some rows, with six degrees of freedom.

    Raises
    ------
    McnetError
        As `load_pairs`.
    """
    group, manifest = _opened(location)
    names = list(manifest["traces"])
    shifts, turns = (read_whole(group, name, f"{location} ({name})") for name in OF_TRACE)
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
    DamagedError
        There is none, or it cannot be read.
    McnetError
        The URL is of a kind that fsspec does not know, or needs a package for.
    """
    try:
        with damage_told(str(location)):
            group = zarr.open_group(str(local_path(location) or location), mode=mode)
            dict(group.attrs)
            return group
    except DamagedError as error:
        cause = error.__cause__
        if isinstance(cause, ImportError):  # fsspec's own words name the package
            raise McnetError(f"{location} cannot be reached: {cause}.") from cause
        if isinstance(cause, ValueError) and "://" in str(location) and "rotocol" in str(cause):
            raise McnetError(
                f"{location} is no place that fsspec knows; give a folder, or a URL such as "
                "s3://bucket/pairs.zarr."
            ) from cause
        raise


def _opened(location: Location) -> tuple[Any, dict[str, Any]]:
    """Group and manifest of a store, both as they were laid out."""
    group = zarr_group(location, "r")
    return group, check_layout(group, location)


def _of_part(manifest: dict[str, Any], part: str) -> tuple[list[int], list[int]]:
    """Rows of the subjects and of the traces of a part; nobody, where it has no trace."""
    subjects = indices(manifest["subjects"], manifest["subjects_split"][part])
    traces = indices(manifest["traces"], manifest["traces_split"][part])
    return (subjects, traces) if traces else ([], [])


def _rows(
    location: Location,
    group: Any,
    manifest: dict[str, Any],
    subjects: Sequence[int],
    name: str,
    columns: Sequence[int] = (),
) -> Any:
    """Rows of an array, and of these some columns, read subject by subject."""
    shape, names = group[name].shape, list(manifest["subjects"])
    inner = (len(columns), *shape[2:]) if columns else shape[1:]
    values = np.empty((len(subjects), *inner), group[name].dtype)
    for place, row in enumerate(subjects):
        what = f"{location} ({name} of {names[row]})"
        values[place] = read_whole(group, name, what, row, columns)
    return values


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
