"""VIF is torchmetrics': its own number, its direction, its mask, and slices of volumes."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torchmetrics.functional.image import visual_information_fidelity

from mcnet.core.errors import McnetError
from mcnet.metrics.visual_information import SMALLEST_SIDE, vif

SHAPE = (47, 53)


@pytest.fixture
def reference(rng) -> np.ndarray:
    return np.clip(0.5 + gaussian_filter(rng.normal(size=SHAPE), 1.0), 0, 1).astype(np.float32)


def test_it_is_the_librarys_number_on_grey_values_up_to_255(rng, reference):
    image = reference + rng.normal(0, 0.05, SHAPE).astype(np.float32)
    target, preds = (torch.tensor(255 * one / 2)[None, None] for one in (reference, image))
    expected = float(visual_information_fidelity(preds, target))
    assert vif(reference, image, data_range=2.0) == pytest.approx(expected, rel=1e-4)


def test_equal_images_have_one_and_blurred_and_noisy_ones_less(rng, reference):
    assert vif(reference, reference, data_range=1.0) == pytest.approx(1, abs=1e-5)
    blurred = [
        vif(reference, gaussian_filter(reference, sigma), data_range=1.0) for sigma in (0.5, 1, 2)
    ]
    assert 1 > blurred[0] > blurred[1] > blurred[2] > 0
    noisy = reference + rng.normal(0, 0.1, SHAPE).astype(np.float32)
    assert vif(reference, noisy, data_range=1.0) < 0.9


def test_nothing_outside_the_mask_counts(rng, reference):
    mask = np.zeros(SHAPE, bool)
    mask[4:40, 5:45] = True
    image = gaussian_filter(reference, 0.7)
    elsewhere = np.where(mask, image, rng.random(SHAPE)).astype(np.float32)
    inside = vif(reference, image, data_range=1.0, mask=mask)
    assert vif(reference, elsewhere, data_range=1.0, mask=mask) == inside
    assert inside != pytest.approx(vif(reference, image, data_range=1.0), abs=1e-3)


def test_a_volume_has_the_mean_of_its_slices_that_show_something(reference):
    image = gaussian_filter(reference, 1)
    volume = np.stack([reference, np.zeros_like(reference), reference])
    other = np.stack([reference, np.zeros_like(reference), image])
    expected = (1 + vif(reference, image, data_range=1.0)) / 2
    assert vif(volume, other, data_range=1.0) == pytest.approx(expected, abs=1e-5)


def test_what_four_scales_cannot_compare_is_refused(reference):
    small = reference[: SMALLEST_SIDE - 1]
    with pytest.raises(McnetError, match="at least 41 pixels"):
        vif(small, small, data_range=1.0)
    with pytest.raises(McnetError, match="data range"):
        vif(reference, reference, data_range=0.0)
    with pytest.raises(McnetError, match="shape"):
        vif(reference, reference[:-1], data_range=1.0)
    half = reference.copy()
    half[:, 20:] = 0
    with pytest.raises(McnetError, match="zero throughout the mask"):
        vif(half, half, data_range=1.0, mask=np.arange(SHAPE[1]) > np.full(SHAPE, 20))
