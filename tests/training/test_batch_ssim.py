import pytest
import torch

from mcnet.metrics.similarity import ssim
from mcnet.training.batch_ssim import batch_ssim


def test_the_ssim_of_a_batch_is_the_mean_of_the_images_own(rng):
    references = rng.random((3, 1, 37, 29)).astype("float32")
    images = references * 0.9 + rng.normal(0, 0.1, references.shape).astype("float32")
    expected = [ssim(references[k, 0], images[k, 0], data_range=1.0) for k in range(3)]
    found = batch_ssim(torch.tensor(images), torch.tensor(references))
    assert float(found) == pytest.approx(sum(expected) / 3, abs=1e-5)
