"""Simulated pairs on disk: one zarr group, a chunk for each person and trace.

``references``, ``heads``, ``kept`` and ``positions_mm`` have a row for each person;
``corrupted/MODE`` and ``input_scale/MODE`` a row for each person and trace. A person and a trace
meet only where both belong to the same part of the split, so nobody and no motion is in two parts.
The group's attributes are the manifest: people, traces, split, design, and provenance.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import zarr

from mcnet.data.design import PairsDesign
from mcnet.data.field_of_view import refuse_folding
from mcnet.data.masks import head_mask
from mcnet.data.pairs import ImagePairs
from mcnet.data.sources import Person
from mcnet.data.split import Split
from mcnet.data.volume import Volume
from mcnet.errors import McnetError
from mcnet.metrics import intensity_scale
from mcnet.progress import OnProgress
from mcnet.provenance import cannot_write, provenance, sha256_of_json
from mcnet.simulation.acquisition import Acquisition
from mcnet.simulation.corruption import corrupt_still_slices, image_at_rest, still_slices
from mcnet.simulation.motion import Mode, MotionTrace

PARTS = ("train", "validation", "test")
_DAMAGE = (OSError, ValueError, KeyError, RuntimeError)
"""What zarr raises for a store that is missing or damaged."""


@dataclass(frozen=True)
class PairsPlan:
    """Everything that the bytes of a pairs store follow from."""

    people: Sequence[Person]
    people_split: Split
    traces: Sequence[MotionTrace]
    """One pose a phase-encoding line, at full scale; a mode keeps some degrees of freedom."""
    traces_split: Split
    design: PairsDesign
    acquisition: Acquisition
    seed: int

    @property
    def manifest(self) -> dict[str, Any]:
        """Content of the store as JSON, without its key."""
        return {
            "people": {person.name: person.fingerprint for person in self.people},
            "traces": {trace.name: _trace_digest(trace) for trace in self.traces},
            "people_split": asdict(self.people_split),
            "traces_split": asdict(self.traces_split),
            "design": asdict(self.design),
            "acquisition": asdict(self.acquisition),
            "provenance": provenance(seed=self.seed),
        }

    @property
    def key(self) -> str:
        """Digest of the content: equal keys, equal pairs, whatever the command was."""
        content = self.manifest
        del content["provenance"]["command"]
        in_order = [list(content["people"].items()), list(content["traces"].items())]
        return sha256_of_json([content, in_order])


def simulate_pairs(path: Path, plan: PairsPlan, *, on_progress: OnProgress | None = None) -> None:
    """Write the pairs of a plan, person by person; people already there are not made again.

    Parameters
    ----------
    path
        The zarr group. One with another key is replaced.
    plan
        What to make.
    on_progress
        Called with the number of people done and of all.

    Raises
    ------
    McnetError
        A scan cannot be read, or the folder cannot be written.
    """
    group = _opened(path, plan)
    done = group["done"]
    for index, person in enumerate(plan.people):
        if not done[index]:
            volume = person.load()
            refuse_folding(volume, plan.acquisition)
            try:
                _simulate_person(group, index, volume, plan)
                done[index] = True
            except OSError as error:
                raise cannot_write(path, error) from error
        if on_progress:
            on_progress(index + 1, len(plan.people))


def is_complete(path: Path, key: str) -> bool:
    """Whether all pairs of the plan with this key are there."""
    try:
        group = _group(path, "r")
        return group.attrs.get("key") == key and bool(np.all(group["done"][:]))
    except _DAMAGE:
        return False


def load_pairs(path: Path, part: str, mode: Mode) -> ImagePairs:
    """Pairs of one part of the split and one mode, in memory.

    Raises
    ------
    McnetError
        There is no such part or mode in the store.
    """
    try:
        pairs = _loaded(path, part, mode)
    except _DAMAGE as error:
        if isinstance(error, McnetError):
            raise
        raise _damaged(path) from error
    if len(pairs) and not np.all(pairs.corrupted.any(axis=(1, 2)) & (pairs.input_scale > 0)):
        raise _damaged(path)  # zarr reads a chunk that has gone as zeros
    return pairs


def count_pairs(path: Path) -> dict[str, int]:
    """Number of pairs of each part of the split, the same for every mode."""
    group = _group(path, "r")
    manifest = group.attrs.asdict()
    return {
        part: int(
            group["kept"].oindex[_indices(manifest["people"], manifest["people_split"][part])].sum()
        )
        * len(manifest["traces_split"][part])
        for part in PARTS
    }


def _loaded(path: Path, part: str, mode: Mode) -> ImagePairs:
    group = _group(path, "r")
    manifest = group.attrs.asdict()
    if part not in PARTS or mode not in manifest["design"]["modes"]:
        raise McnetError(
            f"{path.name} holds no pairs of part {part!r} and mode {mode!r}; its parts are "
            f"{', '.join(PARTS)} and its modes {', '.join(manifest['design']['modes'])}."
        )
    people = _indices(manifest["people"], manifest["people_split"][part])
    traces = _indices(manifest["traces"], manifest["traces_split"][part])
    kept = group["kept"].oindex[people]
    scans = group[f"corrupted/{mode}"].oindex[people, traces]
    person, trace, place = np.nonzero(np.broadcast_to(kept[:, None], scans.shape[:3]))
    reference_of_place = np.cumsum(kept).reshape(kept.shape) - 1
    magnitudes = [
        motion.restricted_to(mode).magnitude for motion in stored_traces(path, list(traces))
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


def stored_traces(path: Path, rows: Sequence[int] | None = None) -> list[MotionTrace]:
    """Motion traces of a store, all or those of some rows, with six degrees of freedom."""
    group = _group(path, "r")
    names = list(group.attrs.asdict()["traces"])
    shifts, turns = group["translation_mm"][:], group["rotation_deg"][:]
    chosen = range(len(names)) if rows is None else rows
    return [MotionTrace(shifts[row], turns[row], name=names[row]) for row in chosen]


def _simulate_person(group: Any, row: int, volume: Volume, plan: PairsPlan) -> None:
    size, acquisition = volume.voxel_size_mm, plan.acquisition
    whole_head = head_mask(np.abs(image_at_rest(volume.values, size, acquisition)))
    positions = plan.design.positions_mm(whole_head, acquisition)
    nearest = np.abs(acquisition.axis_positions_mm("x")[:, None] - positions).argmin(axis=0)
    heads = whole_head[nearest]
    kept = plan.design.kept(heads)
    reference = np.abs(image_at_rest(volume.values, size, acquisition, positions_mm=positions))
    scale = intensity_scale(reference[kept])
    group["references"][row] = reference / scale
    group["heads"][row] = heads
    group["kept"][row] = kept
    group["positions_mm"][row] = positions
    slices = still_slices(volume.values / np.float32(scale), size, acquisition, positions)
    part = _part_of(plan.people[row].name, plan.people_split)
    for column in _indices([trace.name for trace in plan.traces], getattr(plan.traces_split, part)):
        for mode in plan.design.modes:
            motion = plan.traces[column].restricted_to(mode)
            images = np.abs(corrupt_still_slices(slices, size, motion, acquisition))
            group[f"corrupted/{mode}"][row, column] = images
            group[f"input_scale/{mode}"][row, column] = intensity_scale(images[kept])


def _opened(path: Path, plan: PairsPlan) -> Any:
    """The group of this plan: the one that is there, or a new one in place of another."""
    try:
        group = _group(path, "r+")
        if group.attrs.get("key") == plan.key and group["done"].shape == (len(plan.people),):
            return group
    except _DAMAGE:
        pass  # a store that cannot be opened is made anew
    try:
        group = _group(path, "w")
        return _laid_out(group, plan)
    except OSError as error:
        raise cannot_write(path, error) from error


def _laid_out(group: Any, plan: PairsPlan) -> Any:
    n_people, n_traces, n_slices = len(plan.people), len(plan.traces), plan.design.n_slices
    images = (n_slices, *plan.acquisition.matrix[1:])
    for name, dtype in (("references", "f4"), ("heads", "bool")):
        group.create_array(name, shape=(n_people, *images), chunks=(1, *images), dtype=dtype)
    group.create_array("kept", shape=(n_people, n_slices), chunks=(1, n_slices), dtype="bool")
    group.create_array("positions_mm", shape=(n_people, n_slices), chunks=(1, n_slices), dtype="f8")
    group.create_array("done", shape=(n_people,), chunks=(1,), dtype="bool")
    for mode in plan.design.modes:
        scans = (n_people, n_traces)
        group.create_array(
            f"corrupted/{mode}", shape=(*scans, *images), chunks=(1, 1, *images), dtype="f4"
        )
        group.create_array(f"input_scale/{mode}", shape=scans, chunks=(1, n_traces), dtype="f4")
    for name in ("translation_mm", "rotation_deg"):
        group[name] = np.stack([getattr(trace, name) for trace in plan.traces])
    group.attrs.update(plan.manifest | {"key": plan.key})
    return group


def _damaged(path: Path) -> McnetError:
    return McnetError(f"{path} is damaged or not whole; delete that folder and run again.")


def _group(path: Path, mode: Literal["r", "r+", "w"]) -> Any:
    """The zarr group at a path. Zarr's own types leave open what an entry is, so Any it is."""
    return zarr.open_group(path, mode=mode)


def _trace_digest(trace: MotionTrace) -> str:
    return sha256_of_json([trace.translation_mm.tolist(), trace.rotation_deg.tolist()])


def _part_of(name: str, split: Split) -> str:
    return next(part for part in PARTS if name in getattr(split, part))


def _indices(names: Iterable[str], chosen: Iterable[str]) -> list[int]:
    members = set(chosen)
    return [row for row, name in enumerate(names) if name in members]
