"""The gain of a card: that with which the network lands nearest to the reference."""

import numpy as np
import pandas as pd
import pytest
import torch

from mcnet.datasets.pairs.pairs import ImagePairs
from mcnet.networks.unet import UNet, UNetConfig
from mcnet.training.shipped.gain_fitting import gain_after_search


@pytest.mark.parametrize("best", [0.6, 1.0, 1.6])
def test_the_gain_is_that_with_which_the_network_lands_on_the_reference(rng, best):
    references = rng.random((7, 32, 32), dtype=np.float32)
    undone = 0.2 * rng.random((7, 32, 32), dtype=np.float32)
    known = pd.DataFrame({"found_mm": [0.1] * 7, "seen_mm": [1, 2, 3, 4, 5, 6, 1.5]})
    corrupted = references - np.float32(best) * undone
    undone[6] = 0  # as if nothing had been found, although it was
    pairs = ImagePairs(
        corrupted=corrupted,
        references=references,
        heads=np.ones((7, 32, 32), bool),
        reference_index=np.arange(7),
        input_scale=np.full(7, 1.5, np.float32),
        table=known,
        undone=undone,
    )

    class AddsUndone(UNet):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return image[:, :1] + image[:, 1:]

    told: list[tuple[int, int]] = []
    network = AddsUndone(UNetConfig(levels=1, width=1, search_difference=True))
    curve = gain_after_search(network, pairs, lambda *progress: told.append(progress))
    assert told[-1] == (6, 6)
    assert curve.gain == (best,) * 5
    assert curve.severity_mm == (1.5, 3.0, 4.0, 5.0, 6.0)
