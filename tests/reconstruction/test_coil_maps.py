"""Coil maps estimated from a scan, against those that it was simulated with."""

import moving_head
import numpy as np
import pytest

from mcnet.physics.fourier import centred_fft
from mcnet.reconstruction.coil_maps import coil_maps

N = moving_head.N_LINES
PIXEL = 256.0 / N


def smooth_maps(n_coils):
    y, z = np.meshgrid(*2 * [(np.arange(N) - N // 2) * PIXEL], indexing="ij")
    centres = [(150 * np.cos(a), 150 * np.sin(a)) for a in 2 * np.pi * np.arange(n_coils) / n_coils]
    maps = np.stack(
        [
            np.exp(
                -((y - a) ** 2 + (z - b) ** 2) / (2 * 140.0**2) + 1j * (0.004 * y - 0.006 * z + k)
            )
            for k, (a, b) in enumerate(centres)
        ]
    )
    return maps / np.sqrt((np.abs(maps) ** 2).sum(axis=0))


@pytest.mark.parametrize("n_coils", [1, 3])
def test_maps_are_found_where_there_is_a_head(n_coils):
    still, heads = moving_head.reference()
    image, head = still[3], heads[3]
    true = smooth_maps(n_coils)
    kspace = centred_fft(true[:, None] * image, (2, 3)).astype(np.complex64)
    found = coil_maps(kspace, (PIXEL, PIXEL))[:, 0]
    np.testing.assert_allclose((np.abs(found) ** 2).sum(axis=0), 1, atol=1e-4)
    error = np.abs(found - true)[:, head]
    assert np.median(error) < 0.05
    # what the maps carry, the image behind them does not: it is real
    behind = (found.conj() * true * image).sum(axis=0)[head]
    assert np.abs(behind.imag).mean() < 0.03 * np.abs(behind.real).mean()


def test_the_scale_of_kspace_does_not_matter(rng):
    image = moving_head.reference()[0][2]
    kspace = centred_fft(smooth_maps(2)[:, None] * image, (2, 3))
    one, other = (coil_maps((s * kspace).astype(np.complex64), (PIXEL, PIXEL)) for s in (1, 1e3))
    np.testing.assert_allclose(one, other, atol=1e-3)
