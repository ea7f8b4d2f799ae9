"""The pairs of a plan, made here or by a cluster: what is there already is not made again.

A task is a subject and a block of traces; it writes whole shards of the store, and is done when all
of them are there and read as they were written. Whatever is killed loses the tasks that were under
way, and the same bytes come out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from mcnet import __version__
from mcnet.core.engine import Engine
from mcnet.core.errors import McnetError
from mcnet.core.outputs import record_of
from mcnet.core.progress import OnProgress
from mcnet.core.provenance import provenance
from mcnet.core.writing import cannot_write, write_json
from mcnet.datasets.pairs.layout import OF_SUBJECT, write_block
from mcnet.datasets.pairs.location import Location, local_path, zarr_group
from mcnet.datasets.pairs.plan import BLOCK, PairsPlan
from mcnet.datasets.pairs.prepared import PreparedSubject, prepare_subject
from mcnet.datasets.pairs.store import missing_blocks, open_store

if TYPE_CHECKING:
    from mcnet.core.cluster import Cluster


@dataclass(frozen=True)
class Simulated:
    """What a call made."""

    n_images: int
    """Corrupted images that the store holds now."""
    n_new: int
    """Those that this call made."""
    seconds: float
    """From the first task to the last; the start of workers is not in it."""


Tasks = Mapping[int, list[int]]
"""Blocks to make of each subject, by their numbers."""


def simulate_pairs(
    location: Location,
    plan: PairsPlan,
    *,
    cluster: "Cluster | None" = None,
    replace: bool = False,
    on_progress: OnProgress | None = None,
) -> Simulated:
    """Write the pairs of a plan, or what is missing of them, and tell how many were.

    The store's own bytes follow from the plan alone. Beside a store on this machine a JSON file
    tells the command that last made some of it, and what from.

    Parameters
    ----------
    location
        The zarr group: a folder, or a URL that fsspec knows.
    plan
        What to make.
    cluster
        Who makes it; nobody else than this process by default.
    replace
        Whether pairs of another plan at that place make room for these.
    on_progress
        Called with the number of images made by now, earlier runs included, and of all.

    Raises
    ------
    McnetError
        A scan cannot be read, the place cannot be written or holds something else, or the cluster
        fails.
    """
    open_store(location, plan, replace=replace)
    rows, blocks = range(len(plan.subjects)), range(plan.n_blocks)
    look = _looked_here if cluster is None else partial(_looked_by, cluster)
    missing = dict(sorted(look(location, plan)))
    n_images = {(row, block): plan.n_images(row, block) for row in rows for block in blocks}
    n_all = sum(n_images.values())
    n_there = n_all - sum(n_images[row, block] for row in rows for block in missing[row])
    make = _made_here if cluster is None else partial(_made_by, cluster)
    n_made, started = n_there, perf_counter()
    try:
        for row, block in make(location, plan, missing):
            n_made += n_images[row, block]
            if on_progress:
                on_progress(n_made, n_all)
        _remove_fragments(location)
        path = local_path(location)
        if path is not None and n_made > n_there:
            write_json(record_of(path), provenance(seed=plan.seed, inputs=plan.inputs))
    except OSError as error:
        raise cannot_write(location, error) from error
    return Simulated(n_made, n_made - n_there, perf_counter() - started)


def _looked_here(location: Location, plan: PairsPlan) -> Iterator[tuple[int, list[int]]]:
    """Every subject's row, and the blocks that are missing of it."""
    yield from (_looked_at(location, plan, row) for row in range(len(plan.subjects)))


def _looked_by(
    cluster: "Cluster", location: Location, plan: PairsPlan
) -> Iterator[tuple[int, list[int]]]:
    """As `_looked_here`, in the order in which a cluster finishes."""
    location, plan_there = _sent(cluster, location, plan)
    looking = [
        cluster.submit(_looked_at, location, plan_there, row, name=f"look-{row}")
        for row in range(len(plan.subjects))
    ]
    yield from cluster.finished(looking)


def _looked_at(location: Location, plan: PairsPlan, row: int) -> tuple[int, list[int]]:
    return row, missing_blocks(location, plan, row)


def _made_here(location: Location, plan: PairsPlan, tasks: Tasks) -> Iterator[tuple[int, int]]:
    engine = _engine(plan)
    for row, blocks in tasks.items():
        if not blocks:
            continue
        subject = prepare(location, plan, row)
        for block in blocks:
            yield simulate_block(location, plan, row, block, subject, engine)


def _made_by(
    cluster: "Cluster", location: Location, plan: PairsPlan, tasks: Tasks
) -> Iterator[tuple[int, int]]:
    """Tasks in the order in which a cluster finishes them; a subject is prepared once for all."""
    engine = _engine(plan)
    location, plan_there = _sent(cluster, location, plan)
    finishing = []
    for row, blocks in tasks.items():
        if not blocks:
            continue
        subject = cluster.submit(prepare, location, plan_there, row, name=f"prepare-{row}")
        finishing += [
            cluster.submit(
                simulate_block,
                *(location, plan_there, row, block, subject, engine),
                name=f"simulate-{row}-{block}",
            )
            for block in blocks
        ]
    yield from cluster.finished(finishing)


def _sent(cluster: "Cluster", location: Location, plan: PairsPlan) -> tuple[Location, Any]:
    """Location and plan, as workers take them."""
    folder = local_path(location)  # absolute, since workers may start in another folder
    plan_there = cluster.submit(_same_version, plan, __version__, name="plan")
    return folder.absolute() if folder else location, plan_there


def _engine(plan: PairsPlan) -> Engine:
    # rounding depends on the number of threads, and the bytes of a store must not; as many tasks
    # at once as there are cores are faster anyway
    return Engine(plan.device, n_threads=1)


def _same_version(plan: PairsPlan, version: str) -> PairsPlan:
    """The plan, once it has come to a worker that would make the same of it."""
    if version != __version__:
        raise McnetError(
            f"a worker has mcnet {__version__} and this command mcnet {version}; install the same "
            "version for both."
        )
    return plan


def prepare(location: Location, plan: PairsPlan, row: int) -> PreparedSubject:
    """Subject of a row, whose references are written to the store."""
    with threadpool_limits(1, user_api="blas"):  # sums in one order, however many cores there are
        subject = prepare_subject(plan.subjects[row].load(), plan.design, plan.acquisition)
    group = zarr_group(location, "r+")
    for name in OF_SUBJECT:
        group[name][row] = getattr(subject, name)
    return subject


def simulate_block(
    location: Location,
    plan: PairsPlan,
    row: int,
    block: int,
    subject: PreparedSubject,
    engine: Engine,
) -> tuple[int, int]:
    """Row and block of a task, when its shards are written."""
    first, last = block * BLOCK, min((block + 1) * BLOCK, len(plan.traces))
    group = zarr_group(location, "r+")
    for mode in plan.design.modes:
        # what nobody moves by stays NaN, which takes no room
        scans = np.full((last - first, *subject.references.shape), np.nan, np.float32)
        scales = np.full(last - first, np.nan, np.float32)
        for column in plan.traces_met(row, block):
            motion = plan.traces[column].restricted_to(mode)
            scan = subject.scanned(motion, plan.acquisition, engine)
            scans[column - first], scales[column - first] = scan, subject.input_scale(scan)
        write_block(group, f"corrupted/{mode}", row, block, scans)
        write_block(group, f"input_scale/{mode}", row, block, scales)
    return row, block


def _remove_fragments(location: Location) -> None:
    """Remove what a killed process left half-written beside the pieces of a store."""
    folder = local_path(location)
    for fragment in folder.rglob("*.partial") if folder else ():
        fragment.unlink(missing_ok=True)
