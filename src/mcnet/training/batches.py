"""Batches of image pairs, gathered in memory, in an order that a seed and an epoch decide."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float32
from torch import Tensor

from mcnet.datasets.adjacent import seen_together
from mcnet.datasets.pairs.pairs import ImagePairs
from mcnet.training.processes import ALONE, Processes


class Batch(NamedTuple):
    """What a network sees and what it should give, both on the network's scale."""

    corrupted: Float32[Tensor, "n n_inputs rows columns"]
    """Corrupted images, each with what is seen with it, divided by their input scale."""
    reference: Float32[Tensor, "n 1 rows columns"]
    """References divided by the same scale."""
    head: Bool[Tensor, "n 1 rows columns"]
    """True inside the head."""
    input_scale: Float32[Tensor, "n 1 1 1"]
    """Times this, images are back on the subject's physical scale."""
    severity_mm: Float32[Tensor, "n"]
    """`MotionTrace.rms_displacement_mm` of each image's motion; NaN where it is not known."""


class PairBatches:
    """Batches of a set of pairs, shuffled where there is a seed, in order where there is none.

    The set is never copied as a whole, and no worker process is started. All batches of an epoch
    have nearly the same size, so that none is too small for batch norm. Of several processes, each
    takes its part of every batch.
    """

    def __init__(
        self,
        pairs: ImagePairs,
        batch_size: int,
        *,
        seed: int | None = None,
        flips: bool = False,
        n_adjacent: int = 0,
        n_drawn: int = 0,
        processes: Processes = ALONE,
    ) -> None:
        self.pairs = pairs
        self.processes = processes
        self.seed = seed
        self.flips = flips
        self.n_drawn = min(n_drawn or len(pairs), len(pairs))
        """Pairs of an epoch; a part of the set is another one in each."""
        self.batch_sizes = sizes_of_batches(self.n_drawn, batch_size)
        """Images of each batch, of all processes together."""
        self._seen = seen_together(pairs.table, n_adjacent) if n_adjacent else None
        self.epoch = 0
        """Seed and epoch decide the order, so a resumed training needs no remembered state."""
        unknown = np.full(len(pairs), np.nan)
        self._severity_mm = np.asarray(pairs.table.get("severity_mm", unknown), np.float32)

    def __len__(self) -> int:
        """Return the number of batches."""
        return len(self.batch_sizes)

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches of the epoch."""
        rng = np.random.default_rng([self.seed or 0, self.epoch])
        n_pairs = len(self.pairs)
        rows = np.arange(n_pairs) if self.seed is None else rng.permutation(n_pairs)
        for chosen in np.array_split(rows[: self.n_drawn], len(self)):
            batch = self._gathered(self.processes.part(chosen))
            yield flipped(batch, rng) if self.flips else batch

    def _gathered(self, chosen: np.ndarray) -> Batch:
        pairs = self.pairs
        scale = pairs.input_scale[chosen][:, None, None, None]
        seen = chosen[:, None] if self._seen is None else self._seen[chosen]
        images = pairs.corrupted[seen]
        if pairs.undone is not None:
            images = np.concatenate([images, pairs.undone[chosen, None]], axis=1)
        rows = pairs.reference_index[chosen]
        reference, head = pairs.references[rows][:, None] / scale, pairs.heads[rows][:, None]
        arrays = images / scale, reference, head, scale, self._severity_mm[chosen]
        return Batch(*(torch.from_numpy(array) for array in arrays))


def sizes_of_batches(n_images: int, batch_size: int) -> list[int]:
    """Images of each batch of an epoch: as few batches as can be, of nearly the same size."""
    n_batches = -(-n_images // batch_size)
    return [len(part) for part in np.array_split(np.arange(n_images), n_batches)]


def whole_size(batches: Any, batch_index: int) -> int:
    """Images of a batch of all processes together, from what a trainer holds."""
    n_images: int = batches.batch_sizes[batch_index]
    return n_images


def flipped(batch: Batch, rng: np.random.Generator) -> Batch:
    """Mirror all images of a batch along rows, columns, both or neither, at random."""
    axes = [axis for axis, turned in zip((2, 3), rng.integers(2, size=2), strict=True) if turned]
    images = {name: getattr(batch, name).flip(axes) for name in ("corrupted", "reference", "head")}
    return batch._replace(**images)
