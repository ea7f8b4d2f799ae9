"""Batches of scans that are simulated while the network trains, by worker processes.

An epoch is cut into blocks of scans. The slices of a block are shuffled and follow those of the
block before in one stream, which is cut into batches. Block by block the stream follows from
seed, epoch and number alone, so that it is the same whoever makes it, and workers run ahead of
training, beyond the end of the epoch too.
"""

from collections.abc import Iterator
from itertools import count, cycle, islice
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float32
from torch.utils.data import DataLoader, Dataset

from mcnet.core.errors import McnetError
from mcnet.datasets.pairs.on_the_fly import OnTheFlyPairs
from mcnet.datasets.varied.scans import VariedScans
from mcnet.training.batches import Batch, flipped, sizes_of_batches
from mcnet.training.processes import ALONE, Processes

# streams of random numbers beside those of `mcnet.datasets.pairs.on_the_fly`
_SHUFFLE, _FLIPS = range(2_000_000, 2_000_002)
_AHEAD = 2
"""Blocks that each worker makes before they are asked for."""


SimulatedScans = OnTheFlyPairs | VariedScans
"""Sets whose scans are made when they are asked for."""


class Slices(NamedTuple):
    """Slices of some scans, in the order of training."""

    corrupted: Float32[np.ndarray, "n n_seen rows columns"]
    """Each with the slices beside it."""
    references: Float32[np.ndarray, "n rows columns"]
    heads: Bool[np.ndarray, "n rows columns"]
    input_scale: Float32[np.ndarray, "n"]
    severity_mm: Float32[np.ndarray, "n"]


class Blocks(Dataset[Slices | McnetError]):
    """The slices of any epoch and block: what a worker process makes."""

    def __init__(self, pairs: SimulatedScans, scans_per_block: int, n_adjacent: int) -> None:
        self.pairs = pairs
        self.n_adjacent = n_adjacent
        self.n_blocks = -(-pairs.n_scans // scans_per_block)
        """Blocks of an epoch, which have nearly equally many scans."""

    def __getitem__(self, place: tuple[int, int]) -> Slices | McnetError:
        """Return the shuffled slices of a block, or the error, whose sentence stays whole so."""
        epoch, block = place
        try:
            return self._shuffled(epoch, block)
        except McnetError as error:
            return error

    def _shuffled(self, epoch: int, block: int) -> Slices:
        numbers = np.array_split(np.arange(self.pairs.n_scans), self.n_blocks)[block]
        scans = [self.pairs.scan(epoch, int(number)) for number in numbers]
        n_slices = [len(scan.corrupted) for scan in scans]
        together = (
            np.concatenate([_with_adjacent(scan.corrupted, self.n_adjacent) for scan in scans]),
            np.concatenate([scan.references for scan in scans]),
            np.concatenate([scan.heads for scan in scans]),
            np.repeat([scan.input_scale for scan in scans], n_slices).astype(np.float32),
            np.repeat([scan.severity_mm for scan in scans], n_slices).astype(np.float32),
        )
        rng = np.random.default_rng([self.pairs.seed, _SHUFFLE, epoch, block])
        order = rng.permutation(sum(n_slices))
        return Slices(*(array[order] for array in together))


def _with_adjacent(
    scan: Float32[np.ndarray, "n rows columns"], n_adjacent: int
) -> Float32[np.ndarray, "n n_seen rows columns"]:
    """Each slice of a scan with those beside it; beyond the outermost stands that one itself."""
    steps = np.arange(-n_adjacent, n_adjacent + 1)
    return np.asarray(scan[(np.arange(len(scan))[:, None] + steps).clip(0, len(scan) - 1)])


class OnTheFlyBatches:
    """Batches of freshly simulated slices, the same for the same seed and any number of workers.

    All batches of an epoch have nearly the same size, and every epoch has equally many. Workers
    are started by the first batch and go on from epoch to epoch; `close` ends them. Of several
    processes, each takes its part of every batch, and makes its part of the blocks for all.
    """

    def __init__(
        self,
        pairs: SimulatedScans,
        batch_size: int,
        *,
        flips: bool = False,
        n_workers: int = 0,
        scans_per_block: int = 16,
        n_adjacent: int = 0,
        processes: Processes = ALONE,
    ) -> None:
        self.pairs = pairs
        self.processes = processes
        self.flips = flips
        self.n_workers = n_workers
        self.blocks = Blocks(pairs, scans_per_block, n_adjacent)
        self.batch_sizes = sizes_of_batches(len(pairs), batch_size)
        """Images of each batch, of all processes together."""
        self.epoch = 0
        """Seed and epoch decide the stream, so a resumed training needs no remembered state."""
        self._stream: Iterator[Slices | McnetError] | None = None
        self._next_epoch = 0
        """The epoch that the stream comes to next."""

    def __len__(self) -> int:
        """Return the number of batches."""
        return len(self.batch_sizes)

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches of the epoch.

        Raises
        ------
        McnetError
            Hardly any generated motion keeps the bounds.
        """
        rng = np.random.default_rng([self.pairs.seed, _FLIPS, self.epoch])
        for slices in _cut(self._slices(), self.batch_sizes):
            batch = self._gathered(Slices(*map(self.processes.part, slices)))
            yield flipped(batch, rng) if self.flips else batch

    def close(self) -> None:
        """End the workers; the next batch would start others."""
        self._stream = None

    def _slices(self) -> Iterator[Slices]:
        """Blocks of the epoch, from the stream if it stands there, or else from a new one."""
        if self._stream is None or self._next_epoch != self.epoch:
            self.close()  # workers of the old stream end before those of the new one start
            self._stream = self._blocks_from(self.epoch)
        self._next_epoch = -1  # nobody goes on from within an epoch
        epoch, last = self.epoch, self.blocks.n_blocks - 1
        for block in range(last + 1):
            slices = next(self._stream)
            if isinstance(slices, McnetError):
                raise slices
            if block == last:
                self._next_epoch = epoch + 1
            yield slices

    def _blocks_from(self, epoch: int) -> Iterator[Slices | McnetError]:
        """All blocks from an epoch on, without end."""
        n_blocks, processes = self.blocks.n_blocks, self.processes
        places = ((later, block) for later in count(epoch) for block in range(n_blocks))
        made_here = self._made(islice(places, processes.rank, None, processes.n))
        if processes.n == 1:
            return made_here
        makers = cycle(range(processes.n))
        return (processes.made_by(maker, lambda: next(made_here)) for maker in makers)

    def _made(self, places: Iterator[tuple[int, int]]) -> Iterator[Slices | McnetError]:
        """Blocks of the given places, by workers if there are any."""
        if self.n_workers == 0:
            return map(self.blocks.__getitem__, places)
        loader: DataLoader[Any] = DataLoader(
            self.blocks,
            batch_size=None,
            sampler=places,
            num_workers=self.n_workers,
            prefetch_factor=_AHEAD,
            # a fork would take over the threads' locks, but not the threads, of OpenMP and FFTs
            multiprocessing_context="spawn",
            # arrays go through a pipe, so that small shared memory does not end the training
            collate_fn=_unchanged,
            generator=torch.Generator(),  # torch's own is left alone
        )
        return iter(loader)

    def _gathered(self, slices: Slices) -> Batch:
        scale = slices.input_scale[:, None, None, None]
        corrupted = slices.corrupted / scale
        reference, head = slices.references[:, None] / scale, slices.heads[:, None]
        arrays = corrupted, reference, head, scale, slices.severity_mm
        return Batch(*(torch.from_numpy(array) for array in arrays))


def _cut(stream: Iterator[Slices], sizes: list[int]) -> Iterator[Slices]:
    """The stream of slices again, in pieces of the given sizes."""
    waiting = next(stream)
    for size in sizes:
        while len(waiting.corrupted) < size:
            following = next(stream)
            waiting = Slices(*map(np.concatenate, zip(waiting, following, strict=True)))
        yield Slices(*(array[:size] for array in waiting))
        waiting = Slices(*(array[size:] for array in waiting))


def _unchanged(slices: Any) -> Any:
    return slices
