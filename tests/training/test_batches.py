from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from mcnet.datasets.pairs.pairs import ImagePairs
from mcnet.training.batches import PairBatches

MakePairs = Callable[..., ImagePairs]


def test_every_pair_comes_once_and_with_its_own_reference(make_pairs: MakePairs) -> None:
    pairs = make_pairs(11)
    pairs = replace(pairs, reference_index=np.arange(11)[::-1].copy())
    batches = list(PairBatches(pairs, 4, seed=1))
    assert [len(batch.corrupted) for batch in batches] == [4, 4, 3]
    corrupted, reference, _, scale, _ = (torch.cat(parts) for parts in zip(*batches, strict=True))
    order = [int(np.flatnonzero(pairs.input_scale == value)[0]) for value in scale.flatten()]
    assert sorted(order) == list(range(11))
    for image, target, row in zip(corrupted, reference, order, strict=True):
        assert np.allclose(image[0] * pairs.input_scale[row], pairs.corrupted[row])
        assert np.allclose(target[0] * pairs.input_scale[row], pairs.references[10 - row])


def test_no_batch_is_left_with_a_single_image(make_pairs: MakePairs) -> None:
    assert [len(batch.corrupted) for batch in PairBatches(make_pairs(9), 8)] == [5, 4]


def test_the_order_is_of_the_seed_and_the_epoch(make_pairs: MakePairs) -> None:
    def scales(seed: int, epoch: int) -> list[float]:
        batches = PairBatches(make_pairs(12), 5, seed=seed)
        batches.epoch = epoch
        return torch.cat([batch.input_scale for batch in batches]).flatten().tolist()

    assert scales(1, 0) == scales(1, 0)
    assert scales(1, 0) != scales(1, 1)
    assert scales(1, 0) != scales(2, 0)


def test_without_a_seed_the_order_stays(make_pairs: MakePairs) -> None:
    pairs = make_pairs(7)
    scales = torch.cat([batch.input_scale for batch in PairBatches(pairs, 3)])
    assert np.array_equal(scales.flatten(), pairs.input_scale)


def test_flips_mirror_both_images_of_a_pair(make_pairs: MakePairs) -> None:
    pairs = make_pairs(16)
    pairs = replace(pairs, heads=pairs.references > 0.6)
    batches = PairBatches(pairs, 1, seed=0, flips=True)
    seen = set()
    for batch in batches:
        row = int(np.flatnonzero(pairs.input_scale == batch.input_scale.item())[0])
        scale = pairs.input_scale[row]
        for axes in ((), (0,), (1,), (0, 1)):
            if np.allclose(batch.corrupted[0, 0] * scale, np.flip(pairs.corrupted[row], axes)):
                expected = np.flip(pairs.references[row], axes)
                assert np.allclose(batch.reference[0, 0] * scale, expected)
                assert np.array_equal(batch.head[0, 0], np.flip(pairs.heads[row], axes))
                seen.add(axes)
    assert seen == {(), (0,), (1,), (0, 1)}


def test_an_epoch_of_fewer_slices_is_another_part_of_the_set_each_time(make_pairs):
    pairs = make_pairs(20)
    batches = PairBatches(pairs, 4, seed=1, n_drawn=9)
    assert len(batches) == 3
    seen = []
    for epoch in range(12):
        batches.epoch = epoch
        scales = torch.cat([batch.input_scale for batch in batches]).ravel()
        assert len(set(scales.tolist())) == 9
        seen.append(frozenset(scales.tolist()))
    assert len(set(seen)) == 12
    assert len(frozenset().union(*seen)) == 20


def test_what_was_undone_is_seen_last_on_the_same_scale(make_pairs):
    pairs = make_pairs(6)
    undone = np.arange(6, dtype=np.float32)[:, None, None] + 0 * pairs.corrupted
    table = pairs.table.assign(subject="a", trace="t", mode="rotation", position_mm=np.arange(6.0))
    pairs = replace(pairs, undone=undone, table=table).chosen([4, 1, 2])
    for n_adjacent, batch in ((n, next(iter(PairBatches(pairs, 3, n_adjacent=n)))) for n in (0, 1)):
        assert batch.corrupted.shape[1] == 2 * n_adjacent + 2
        for row, value in enumerate((4, 1, 2)):
            expected = np.float32(value) / pairs.input_scale[row]
            assert np.allclose(batch.corrupted[row, -1].numpy(), expected)
            image = pairs.corrupted[row] / pairs.input_scale[row]
            assert np.array_equal(batch.corrupted[row, n_adjacent].numpy(), image)


def test_neighbours_are_seen_on_the_scale_of_the_slice_itself(make_pairs):
    pairs = make_pairs(6)
    table = pairs.table.assign(subject="a", trace="t", mode="rotation", position_mm=np.arange(6.0))
    pairs = replace(pairs, table=table)
    batch = next(iter(PairBatches(pairs, 6, n_adjacent=1)))
    assert batch.corrupted.shape[:2] == (6, 3)
    for row in range(6):
        for place, step in enumerate((-1, 0, 1)):
            expected = pairs.corrupted[np.clip(row + step, 0, 5)] / pairs.input_scale[row]
            assert np.array_equal(batch.corrupted[row, place].numpy(), expected)
    assert batch.reference.shape[1] == 1
