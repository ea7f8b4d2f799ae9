"""Pairs and motion traces read back from a store."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from mcnet.core.errors import McnetError
from mcnet.datasets.pairs.layout import OF_TRACE, check_layout, read_whole
from mcnet.datasets.pairs.location import Location, zarr_group
from mcnet.datasets.pairs.pairs import ImagePairs
from mcnet.datasets.pairs.plan import indices
from mcnet.datasets.split import PARTS
from mcnet.motion.trace import Mode, MotionTrace


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
