"""Pairs of corrupted and reference slices, in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float32, Int64


@dataclass(frozen=True, eq=False)
class ImagePairs:
    """Corrupted slices and their motion-free references.

    All images of one subject share one physical scale, on which the 99.9th percentile of the
    subject's reference slices is 1. What a network sees is ``corrupted / input_scale``: the scale
    that a user knows, never that of the unseen reference.
    """

    corrupted: Float32[np.ndarray, "n_pairs rows columns"]
    """Magnitude images as the scanner would make them of the moving head."""
    references: Float32[np.ndarray, "n_references rows columns"]
    """Motion-free magnitude images; pairs of the same subject and position share one."""
    heads: Bool[np.ndarray, "n_references rows columns"]
    """True inside the head, one mask a reference."""
    reference_index: Int64[np.ndarray, "n_pairs"]
    """The row of ``references`` and ``heads`` that belongs to each pair."""
    input_scale: Float32[np.ndarray, "n_pairs"]
    """99.9th percentile of the corrupted slices of the pair's own scan."""
    table: pd.DataFrame
    """One row a pair: subject, trace, mode (strings), position_mm, magnitude (floats)."""
    undone: Float32[np.ndarray, "n_pairs rows columns"] | None = None
    """What a search took away from each corrupted slice, which is as the search leaves it: before
    minus after."""

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.corrupted)

    def chosen(self, rows: Sequence[int] | Int64[np.ndarray, "n_chosen"]) -> "ImagePairs":
        """Return some of the pairs, in the given order; the references stay as they are."""
        index = np.asarray(rows, dtype=np.int64)
        return replace(
            self,
            corrupted=self.corrupted[index],
            reference_index=self.reference_index[index],
            input_scale=self.input_scale[index],
            table=self.table.iloc[index].reset_index(drop=True),
            undone=None if self.undone is None else self.undone[index],
        )
