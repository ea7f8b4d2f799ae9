import subprocess
import sys

import numpy as np
import pytest
from properties import plain_spectrum, relative_error

from mcnet.core.engine import Engine
from mcnet.physics.nufft import PlannedTransform, SpectrumReader, spectrum_at

SHAPE, SIZE = (9, 11, 7), (1.1, 0.9, 1.6)


def random_frequencies(rng, dimensions, n_points, size, *, share_of_band=0.95):
    edges = share_of_band * 0.5 / np.asarray(size[:dimensions])[:, None]
    return rng.uniform(-1, 1, size=(dimensions, n_points)) * edges


@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_nufft_is_the_plain_sum(rng, dimensions):
    volume = rng.random(SHAPE[:dimensions]).astype(np.float32)
    k = random_frequencies(rng, dimensions, 101, SIZE)
    found = spectrum_at(volume[None], SIZE[:dimensions], k)[0]
    assert (
        relative_error(
            found,
            plain_spectrum(volume, SIZE, k)
            if dimensions == 3
            else plain_spectrum(volume, SIZE[:2], k),
        )
        < 1e-5
    )


def test_the_nufft_of_complex_images_is_the_plain_sum(rng):
    images = (rng.random((2, 9, 11)) + 1j * rng.random((2, 9, 11))).astype(np.complex64)
    k = random_frequencies(rng, 2, 50, SIZE)
    found = spectrum_at(images, SIZE[:2], k)
    for image, spectrum in zip(images, found, strict=True):
        assert relative_error(spectrum, plain_spectrum(image, SIZE[:2], k)) < 1e-5


def test_beyond_the_band_of_the_image_the_spectrum_is_zero(rng):
    k = np.array([[0.51, 0.49], [0.0, 0.0], [0.0, 0.0]]) / SIZE[0]
    found = spectrum_at(rng.random((1, *SHAPE)).astype(np.float32), SIZE, k)[0]
    assert found[0] == 0
    assert found[1] != 0


@pytest.mark.parametrize("shape", [(9, 11), (40, 57), (64, 6), (5, 71)])
def test_reading_made_ready_spectra_is_the_plain_sum(rng, shape):
    size = SIZE[:2]
    images = (rng.random((2, *shape)) + 1j * rng.random((2, *shape))).astype(np.complex64)
    reader = SpectrumReader(images, size)
    assert len(reader) == 2
    for _ in range(2):  # a second reading finds the same spectra
        k = random_frequencies(rng, 2, 67, size)
        for image, spectrum in zip(images, reader.at(k), strict=True):
            assert relative_error(spectrum, plain_spectrum(image, size, k)) < 1e-5


def test_readers_do_not_disturb_each_other_nor_the_nufft(rng):
    """They share kept plans, which belong to a size, a number of images and an engine."""
    first, second = (rng.random((n, 12, 13)).astype(np.float32) for n in (1, 3))
    k = random_frequencies(rng, 2, 41, SIZE)
    readers = [
        SpectrumReader(images, SIZE[:2], engine)
        for images in (first, second)
        for engine in (Engine(), Engine(n_threads=1))
    ]
    for _ in range(2):
        for reader, images in zip(readers, (first, first, second, second), strict=True):
            expected = spectrum_at(images, SIZE[:2], k)
            assert relative_error(reader.at(k), expected) < 2e-5


def test_a_reader_reads_zero_beyond_the_band(rng):
    k = np.array([[0.51, 0.49], [0.0, 0.0]]) / SIZE[0]
    found = SpectrumReader(rng.random((1, 9, 11)).astype(np.float32), SIZE[:2]).at(k)[0]
    assert found[0] == 0
    assert found[1] != 0


@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_adjoint_passes_the_dot_product_test(rng, dimensions):
    shape, size = SHAPE[:dimensions], SIZE[:dimensions]
    # some frequencies beyond the band: the zeroing has an adjoint too
    k = random_frequencies(rng, dimensions, 61, size, share_of_band=1.3)
    image = (rng.normal(size=(1, *shape)) + 1j * rng.normal(size=(1, *shape))).astype(np.complex64)
    data = (rng.normal(size=(1, 61)) + 1j * rng.normal(size=(1, 61))).astype(np.complex64)
    planned = PlannedTransform(1, shape, size, list(k), tolerance=1e-5)
    left = np.vdot(data, planned.spectra(image))
    assert left == pytest.approx(np.vdot(planned.adjoint(data), image), rel=1e-4)
    assert left == pytest.approx(np.vdot(data, spectrum_at(image, size, k)), rel=1e-4)


PLANS_IN_THREADS = """
import sys
from concurrent.futures import ThreadPoolExecutor
import numpy as np
from mcnet.core.engine import ONE_CORE
from mcnet.physics.nufft import PlannedTransform

sys.setswitchinterval(1e-5)

def spectra(number):
    rng = np.random.default_rng(number)
    shape = tuple(rng.integers(8, 40, 2 + number % 2))
    points = rng.uniform(-0.4, 0.4, (len(shape), 50))
    images = rng.normal(size=(1, *shape)).astype(np.float32)
    plan = PlannedTransform(1, shape, (1.0,) * len(shape), list(points), ONE_CORE)
    return plan.spectra(images)

numbers = range(300)
with ThreadPoolExecutor(16) as pool:
    together = list(pool.map(spectra, numbers))
assert all(np.array_equal(spectra(n), one) for n, one in zip(numbers, together))
"""


@pytest.mark.slow
def test_plans_may_be_made_in_many_threads_at_once():
    done = subprocess.run(
        [sys.executable, "-c", PLANS_IN_THREADS], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
