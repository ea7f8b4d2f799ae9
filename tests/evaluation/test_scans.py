import numpy as np
import pytest
from properties import ellipsoid
from skimage.metrics import structural_similarity

from mcnet.core.errors import McnetError
from mcnet.evaluation.scans import compare_scans
from mcnet.io.volume import Volume


def volume(values, affine=None):
    return Volume(values.astype(np.float32), np.eye(4) if affine is None else affine, "scan")


@pytest.fixture
def head(rng):
    shape = (25, 29, 27)
    values = ellipsoid(shape, (1, 1, 1), centre_mm=(0, 0, 0), radii_mm=(9, 11, 10))
    return volume(700 * values * (1 + 0.2 * rng.random(shape)))


def test_a_scan_is_like_itself(head):
    scores = compare_scans(head, head)
    assert scores["ssim"] == pytest.approx(1)
    assert scores["ssim_head"] == pytest.approx(1)
    assert scores["nmse"] == 0


def test_scores_are_scikit_images_after_division_by_the_references_percentile(head, rng):
    noisy = volume(head.values + 30 * rng.random(head.values.shape))
    scale = np.percentile(head.values, 99.9)
    expected = structural_similarity(
        head.values / scale,
        noisy.values / scale,
        data_range=1.0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    found = compare_scans(head, noisy)
    assert found["ssim"] == pytest.approx(expected, abs=1e-4)
    difference = (noisy.values - head.values) / scale
    assert found["psnr"] == pytest.approx(-10 * np.log10(np.mean(difference**2)), abs=1e-2)


def test_scores_do_not_depend_on_the_intensity_unit(head, rng):
    noisy = head.values + 30 * rng.random(head.values.shape)
    scores = compare_scans(head, volume(noisy))
    scaled = compare_scans(volume(head.values * 1e-3), volume(noisy * 1e-3))
    assert scaled == pytest.approx(scores, rel=1e-3)


def test_another_grid_is_refused(head):
    moved = head.affine.copy()
    moved[0, 3] = 5
    with pytest.raises(McnetError, match="another grid"):
        compare_scans(head, volume(head.values, moved))
    with pytest.raises(McnetError, match="another grid"):
        compare_scans(head, volume(head.values[1:]))
