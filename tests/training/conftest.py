"""Tiny pairs to train on."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import pytest
import torch

from mcnet.datasets.pairs.pairs import ImagePairs


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny networks gain nothing from threads, and lose much where others use the cores."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


@pytest.fixture
def make_pairs() -> Callable[..., ImagePairs]:
    """A maker of pairs: smooth references, and the same with a ghost."""

    def make(n_pairs: int, *, rows: int = 14, columns: int = 17, seed: int = 0) -> ImagePairs:
        rng = np.random.default_rng(seed)
        y, x = np.mgrid[:rows, :columns]
        waves = rng.uniform(0.2, 0.6, (n_pairs, 2, 1, 1))
        references = (1 + np.sin(waves[:, 0] * y) * np.cos(waves[:, 1] * x)).astype(np.float32) / 2
        ghosts = np.roll(references, rows // 2, axis=1)
        table = pd.DataFrame({"subject": [f"subject-{row}" for row in range(n_pairs)]})
        return ImagePairs(
            corrupted=(0.7 * references + 0.5 * ghosts).astype(np.float32),
            references=references,
            heads=np.ones(references.shape, dtype=bool),
            reference_index=np.arange(n_pairs, dtype=np.int64),
            input_scale=rng.uniform(0.8, 1.3, n_pairs).astype(np.float32),
            table=table,
        )

    return make
