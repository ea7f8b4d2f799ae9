import numpy as np
from properties import plain_spectrum

from mcnet.physics.fourier import centred_fft, centred_ifft, resampling_matrix


def test_the_centred_transform_is_the_plain_sum_and_has_an_inverse(rng):
    image = rng.random((5, 8))
    k = np.stack(np.meshgrid(*((np.arange(n) - n // 2) / n for n in (5, 8)), indexing="ij"))
    expected = plain_spectrum(image, (1, 1), k.reshape(2, -1)).reshape(5, 8)
    kspace = centred_fft(image, (0, 1))
    np.testing.assert_allclose(kspace, expected, atol=1e-10)
    np.testing.assert_allclose(centred_ifft(kspace, (0, 1)), image, atol=1e-12)


def test_the_resampling_matrix_at_its_own_resolution_is_the_identity():
    n, size = 9, 1.3
    frequencies = (np.arange(n) - n // 2) / (n * size)
    positions = (np.arange(n) - n // 2) * size
    matrix = resampling_matrix(n, size, frequencies, positions)
    np.testing.assert_allclose(matrix, np.eye(n), atol=1e-12)


def test_the_resampling_matrix_interpolates_a_wave_inside_the_band():
    n, size, fov = 24, 1.0, 24.0
    wave = lambda mm: np.cos(2 * np.pi * 3 / fov * mm)  # noqa: E731
    source = wave((np.arange(n) - n // 2) * size)
    frequencies = (np.arange(12) - 6) / fov
    places = np.array([-3.3, 0.0, 1.7])
    matrix = resampling_matrix(n, size, frequencies, places)
    np.testing.assert_allclose(matrix @ source, wave(places), atol=1e-12)
