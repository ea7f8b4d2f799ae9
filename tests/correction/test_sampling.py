import numpy as np
import pytest

from mcnet.correction.sampling import mirrored_resampling, sampling_for


def smooth(positions: np.ndarray) -> np.ndarray:
    """A curve without detail, over an extent of 1, that is neither even nor periodic."""
    return np.exp(-((positions - 0.43) ** 2) / 0.012)


@pytest.mark.parametrize(("n_from", "n_to"), [(37, 74), (74, 37), (45, 61), (61, 45), (33, 33)])
def test_a_smooth_curve_is_sampled_anew_at_the_same_places(n_from: int, n_to: int) -> None:
    source, target = ((np.arange(n) + 0.5) / n for n in (n_from, n_to))
    found = mirrored_resampling(n_from, n_to) @ smooth(source)
    assert np.allclose(found, smooth(target), atol=1e-5)


def test_a_constant_stays_constant_to_the_very_edge() -> None:
    assert np.allclose(mirrored_resampling(9, 37) @ np.full(9, 3.0), 3.0, atol=1e-5)


def test_a_neck_cut_off_at_the_bottom_does_not_ring_through_the_top() -> None:
    ramp = np.linspace(1, 0, 40)  # a Fourier transform would see a step from 0 to 1
    found = mirrored_resampling(40, 97) @ ramp
    assert np.abs(found[-5:]).max() < 0.05


def test_finer_pixels_and_back_are_what_was() -> None:
    there, back = mirrored_resampling(45, 91), mirrored_resampling(91, 45)
    assert np.allclose(back @ there, np.eye(45), atol=1e-5)


@pytest.mark.parametrize("pixel_mm", [(1.0, 1.2), (0.9, 0.95), (1.3, 1.3), (1.15, 1.0)])
def test_pixels_near_the_trained_size_are_seen_as_they_are(pixel_mm: tuple[float, float]) -> None:
    sampling = sampling_for((37, 45), pixel_mm, (1.0, 1.2))
    # 1.0 x 1.2 are further from square than the tolerance
    assert sampling.is_native == (pixel_mm != (1.0, 1.2))


@pytest.mark.parametrize(
    ("pixel_mm", "seen_mm"),
    [
        ((0.5, 0.5), 1.0),
        ((2.0, 2.0), 1.2),
        ((1.0, 3.0), 1.0),
        ((3.0, 1.1), 1.1),
        ((0.5, 2.0), 1.0),
    ],
)
def test_other_pixels_become_squares_of_the_nearest_trained_size(
    pixel_mm: tuple[float, float], seen_mm: float
) -> None:
    sampling = sampling_for((200, 180), pixel_mm, (1.0, 1.2))
    assert sampling.seen_mm == pytest.approx((seen_mm, seen_mm), rel=0.01)
    assert not sampling.is_native
    image = np.random.default_rng(1).random((200, 180))
    rows, columns = sampling.to_seen
    seen = rows @ image @ columns.T
    assert seen.shape == sampling.seen
    rows, columns = sampling.to_native
    assert (rows @ seen @ columns.T).shape == image.shape
    assert seen.mean() == pytest.approx(image.mean(), rel=1e-4)


def test_a_model_of_one_pixel_size_takes_it_within_the_tolerance() -> None:
    assert sampling_for((9, 9), (2.2, 1.95), (2.0, 2.0)).is_native
    assert not sampling_for((9, 9), (2.4, 2.4), (2.0, 2.0)).is_native
