"""SSIM is scikit-image's; PSNR and NMSE are what a hand computes."""

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from mcnet.core.errors import McnetError
from mcnet.metrics.scale import intensity_scale
from mcnet.metrics.similarity import (
    SSIM_DEFINITION,
    WINDOW_WIDTH,
    nmse,
    psnr,
    ssim,
    ssim_whole_and_inside,
)

OPTIONS = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}


def pictures(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    reference = rng.random(shape).astype(np.float32)
    noise = rng.normal(0, 0.1, shape).astype(np.float32)
    return reference, reference * np.float32(0.9) + noise


@pytest.mark.parametrize("shape", [(23, 17), (15, 11, 13)])
def test_whole_image_ssim_is_that_of_scikit_image(rng, shape):
    reference, image = pictures(rng, shape)
    expected = structural_similarity(
        reference.astype(float), image.astype(float), data_range=1.3, **OPTIONS
    )
    assert ssim(reference, image, data_range=1.3) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("shape", [(23, 17), (15, 11, 13)])
def test_masked_ssim_averages_the_full_map_inside_the_mask(rng, shape):
    reference, image = pictures(rng, shape)
    mask = rng.random(shape) > 0.7
    _, local = structural_similarity(
        reference.astype(float), image.astype(float), data_range=1.0, full=True, **OPTIONS
    )
    inside = ssim(reference, image, data_range=1.0, mask=mask)
    assert inside == pytest.approx(local[mask].mean(), abs=1e-12)
    assert inside != pytest.approx(ssim(reference, image, data_range=1.0), abs=1e-4)
    assert ssim_whole_and_inside(reference, image, data_range=1.0, mask=mask) == (
        ssim(reference, image, data_range=1.0),
        inside,
    )


def test_one_window_of_ssim_is_the_formula_by_hand(rng):
    """An 11x11 image has one pixel that counts: the formula on Gaussian-weighted moments."""
    reference, image = pictures(rng, (11, 11))
    reference, image = reference.astype(float), image.astype(float)
    line = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    weights = np.outer(line, line) / line.sum() ** 2
    mean_a, mean_b = (weights * reference).sum(), (weights * image).sum()
    var_a = (weights * reference**2).sum() - mean_a**2
    var_b = (weights * image**2).sum() - mean_b**2
    covariance = (weights * reference * image).sum() - mean_a * mean_b
    c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
    by_hand = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    by_hand /= (mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)
    assert ssim(reference, image, data_range=2.0) == pytest.approx(by_hand, abs=1e-12)


def test_an_image_is_fully_similar_to_itself(rng):
    reference, _ = pictures(rng, (13, 19))
    assert ssim(reference, reference, data_range=1.0) == pytest.approx(1)
    assert psnr(reference, reference, data_range=1.0) == np.inf
    assert nmse(reference, reference) == 0


def test_psnr_and_nmse_by_hand():
    reference = np.array([[3.0, 4.0], [0.0, 0.0]])
    image = np.array([[3.0, 2.0], [1.0, 0.0]])
    mask = np.array([[True, True], [False, False]])
    assert nmse(reference, image) == pytest.approx(5 / 25)
    assert nmse(reference, image, mask=mask) == pytest.approx(4 / 25)
    assert psnr(reference, image, data_range=10.0) == pytest.approx(10 * np.log10(100 / 1.25))
    assert psnr(reference, image, data_range=10.0, mask=mask) == pytest.approx(10 * np.log10(50))


def test_nmse_divides_by_the_reference_not_by_the_image():
    reference, image = np.array([[1.0, 0.0]]), np.array([[3.0, 0.0]])
    assert nmse(reference, image) == pytest.approx(4)


def test_scores_take_whole_numbers(rng):
    reference = rng.integers(0, 4000, (21, 12)).astype(np.uint16)
    image = np.where(reference > 100, reference - 100, reference + 100).astype(np.uint16)
    assert psnr(reference, image, data_range=4095.0) == pytest.approx(20 * np.log10(40.95))
    assert 0 < ssim(reference, image, data_range=4095.0) < 1


def test_intensity_scale_is_the_percentile(rng):
    values = rng.random((31, 17))
    assert intensity_scale(values) == pytest.approx(np.percentile(values, 99.9))
    assert intensity_scale(values, 50.0) == pytest.approx(np.median(values))


def test_the_definition_names_what_is_computed():
    for part in ("scikit-image", "sigma 1.5", "K1 = 0.01", "K2 = 0.03", "population", "99.9th"):
        assert part in SSIM_DEFINITION


@pytest.mark.parametrize("score", [ssim, psnr])
@pytest.mark.parametrize("data_range", [0.0, -1.0, float("nan"), float("inf")])
def test_a_data_range_that_is_not_positive_is_refused(rng, score, data_range):
    reference, image = pictures(rng, (13, 12))
    with pytest.raises(McnetError, match="data range"):
        score(reference, image, data_range=data_range)


def scores(reference, image, mask=None):
    yield lambda: ssim(reference, image, data_range=1.0, mask=mask)
    yield lambda: psnr(reference, image, data_range=1.0, mask=mask)
    yield lambda: nmse(reference, image, mask=mask)


def test_what_cannot_be_compared_is_refused(rng):
    reference, image = pictures(rng, (13, 12))
    holed = image.copy()
    holed[3, 4] = np.nan
    cases = [
        ((reference, image[:, :-1]), "shape"),
        ((reference, holed), "NaN"),
        ((np.full_like(reference, 0.5), image), "constant"),
        ((reference, image, np.zeros(reference.shape, bool)), "0 pixels"),
        ((reference, image, np.ones((12, 13), bool)), "mask"),
    ]
    for arguments, reason in cases:
        for score in scores(*arguments):
            with pytest.raises(McnetError, match=reason):
                score()


def test_an_image_smaller_than_the_window_is_refused(rng):
    reference, image = pictures(rng, (WINDOW_WIDTH - 1, 30))
    with pytest.raises(McnetError, match="window"):
        ssim(reference, image, data_range=1.0)
    with pytest.raises(McnetError, match="energy"):
        nmse(np.array([[0.0, 1.0]]), np.ones((1, 2)), mask=np.array([[True, False]]))


@pytest.mark.parametrize("values", [np.zeros((4, 5)), np.zeros((0, 5)), np.full((2, 3), np.nan)])
def test_no_scale_is_found_where_there_is_no_picture(values):
    with pytest.raises(McnetError):
        intensity_scale(values)
