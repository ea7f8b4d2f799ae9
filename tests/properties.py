"""Oracles: slow, plain, and written apart from the code they judge."""

import numpy as np
from skimage.registration import phase_cross_correlation


def plain_spectrum(volume, voxel_size_mm, frequencies):
    """Sum over p of f(p) exp(-2 pi i k.p), one term at a time over the voxels' true places."""
    places = np.stack(
        np.meshgrid(
            *(
                (np.arange(n) - n // 2) * size
                for n, size in zip(volume.shape, voxel_size_mm, strict=True)
            ),
            indexing="ij",
        )
    ).reshape(volume.ndim, -1)
    phases = np.exp(-2j * np.pi * (np.asarray(frequencies).T @ places))
    return phases @ volume.reshape(-1)


def ellipsoid(shape, voxel_size_mm, *, centre_mm, radii_mm):
    """A smooth-edged ellipsoid, voxel ``n // 2`` at the origin."""
    places = np.meshgrid(
        *((np.arange(n) - n // 2) * size for n, size in zip(shape, voxel_size_mm, strict=True)),
        indexing="ij",
    )
    distance = sum(
        ((place - centre) / radius) ** 2
        for place, centre, radius in zip(places, centre_mm, radii_mm, strict=True)
    )
    return (1 / (1 + np.exp(8 * (np.sqrt(distance) - 1)))).astype(np.float32)


def ellipsoid_spectrum(frequencies, radii_mm, centre_mm):
    """Analytic spectrum of a uniform ellipsoid (Koay et al. 2007), integral over mm^3."""
    radii, centre = np.asarray(radii_mm, dtype=float), np.asarray(centre_mm, dtype=float)
    k = np.asarray(frequencies, dtype=float)
    q = 2 * np.pi * np.linalg.norm(k * radii[:, None], axis=0)
    q = np.where(q < 1e-3, 1e-3, q)
    ball = 4 * np.pi * (np.sin(q) - q * np.cos(q)) / q**3
    return np.prod(radii) * ball * np.exp(-2j * np.pi * centre @ k)


def relative_error(found, expected):
    """Euclidean distance as a share of the expected length."""
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def pixels_apart(reference: np.ndarray, image: np.ndarray) -> float:
    """How far an image lies from its reference, in pixels, by their cross-correlation."""
    shift, _, _ = phase_cross_correlation(reference, image, upsample_factor=50, normalization=None)
    return float(np.hypot(*shift))
