"""The registry of metrics: columns, words, directions; what is measured with and without what."""

from importlib.util import find_spec

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from mcnet.core.errors import McnetError
from mcnet.metrics import registry
from mcnet.metrics.edges import average_edge_strength
from mcnet.metrics.registry import (
    COLUMN_NAMES,
    COLUMNS,
    METRICS,
    Metric,
    column,
    columns_in,
    definitions,
    higher_is_better,
    scores,
)
from mcnet.metrics.similarity import nmse, psnr, ssim
from mcnet.metrics.visual_information import vif

FIRST = (
    *("ssim", "ssim_head", "ssim_registered", "ssim_head_registered"),
    *("psnr", "psnr_head", "nmse", "nmse_head"),
)
"""The columns of results of versions before there was a registry."""


@pytest.fixture
def images(rng) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A reference, an image, and where the head is."""
    rows, columns = np.indices((49, 57)) - np.array([24, 28])[:, None, None]
    head = np.hypot(rows / 20, columns / 24) < 1
    texture = gaussian_filter(rng.normal(size=head.shape), 1.5)
    reference = (head * (0.5 + texture)).clip(0).astype(np.float32)
    image = np.abs(gaussian_filter(reference, 0.8) + rng.normal(0, 0.02, head.shape))
    return reference, image.astype(np.float32), head


def test_the_columns_of_old_results_come_first_and_in_their_order():
    assert COLUMN_NAMES[: len(FIRST)] == FIRST
    assert len(set(COLUMN_NAMES)) == len(COLUMN_NAMES)


def test_the_words_of_columns():
    assert column("ssim").title == "SSIM whole image"
    assert column("ssim_head_registered").title == "SSIM in head, registered"
    assert column("ssim_head_registered").heading == "SSIM, in head, registered"
    assert column("psnr").title == "PSNR (dB)"
    assert column("psnr_head").title == "PSNR in head (dB)"
    assert column("nmse").heading == "NMSE"
    with pytest.raises(McnetError, match="'sharpness' is unknown"):
        column("sharpness")


def test_each_column_is_its_own_function(images):
    reference, image, head = images
    aligned = gaussian_filter(reference, 0.4)
    found = scores(image, head=head, reference=reference, registered=aligned)
    assert list(found) == list(COLUMN_NAMES)
    assert found == pytest.approx(
        {
            "ssim": ssim(reference, image, data_range=1.0),
            "ssim_head": ssim(reference, image, data_range=1.0, mask=head),
            "ssim_registered": ssim(reference, aligned, data_range=1.0),
            "ssim_head_registered": ssim(reference, aligned, data_range=1.0, mask=head),
            "psnr": psnr(reference, image, data_range=1.0),
            "psnr_head": psnr(reference, image, data_range=1.0, mask=head),
            "nmse": nmse(reference, image),
            "nmse_head": nmse(reference, image, mask=head),
            "vif_head_registered": vif(reference, aligned, data_range=1.0, mask=head),
            "aes_head": average_edge_strength(image, mask=head),
        }
    )


def test_without_registration_every_metric_is_of_the_image_as_it_is(images):
    reference, image, head = images
    found = scores(image, head=head, reference=reference)
    assert set(found) == {
        *("ssim", "ssim_head", "psnr", "psnr_head", "nmse", "nmse_head", "vif_head", "aes_head")
    }
    assert found["vif_head"] == vif(reference, image, data_range=1.0, mask=head)


def test_without_a_reference_only_what_needs_none_is_measured(images):
    _, image, head = images
    assert scores(image, head=head) == {"aes_head": average_edge_strength(image, mask=head)}


def test_a_metric_is_left_out_of_small_images_and_without_its_library(images, monkeypatch):
    reference, image, head = images
    small = (slice(4, 44), slice(4, 44))
    found = scores(image[small], head=head[small], reference=reference[small])
    assert "vif_head" not in found
    assert "aes_head" in found
    monkeypatch.setattr(
        registry, "find_spec", lambda name: None if name == "torchmetrics" else find_spec(name)
    )
    assert set(scores(image, head=head, reference=reference)) == set(found)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_worse_image_is_worse_by_the_direction_of_each_metric(images, metric: Metric):
    reference, _, head = images
    good, bad = (gaussian_filter(reference, sigma) for sigma in (0.4, 1.2))
    (better,), (worse,) = (metric.measure(reference, one, [head]) for one in (good, bad))
    assert (better > worse) == metric.higher_is_better


@pytest.mark.parametrize("metric", [one for one in METRICS if one.perfect is not None])
def test_an_equal_image_has_the_perfect_value(images, metric: Metric):
    reference, _, head = images
    assert metric.measure(reference, reference, [None, head]) == pytest.approx([metric.perfect] * 2)


def test_directions_go_by_names_of_columns():
    assert [name for name in COLUMN_NAMES if not higher_is_better(name)] == ["nmse", "nmse_head"]
    assert higher_is_better("vif_head")
    assert higher_is_better("a metric of others")


def test_columns_of_a_table_are_those_that_it_has():
    assert [one.name for one in columns_in([*FIRST, "subject"])] == list(FIRST)
    assert columns_in(FIRST, "trial") == []
    assert [one.name for one in columns_in(COLUMN_NAMES, "trial")] == [
        *("vif_head_registered", "aes_head")
    ]
    assert columns_in(COLUMN_NAMES) == list(COLUMNS)


def test_definitions_are_of_the_metrics_that_are_there():
    assert "Gaussian" in definitions(["ssim_head"])
    assert "VIF" not in definitions(FIRST)
    assert "Canny" in definitions(COLUMN_NAMES)
