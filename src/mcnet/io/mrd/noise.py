"""Prewhitening: noise scans make the noise of the coils equal and uncorrelated."""

from pathlib import Path

import numpy as np
from jaxtyping import Complex, Complex64

from mcnet.core.errors import BadFileError


def whitening(
    path: Path, noise: Complex64[np.ndarray, "n_coils n_samples"]
) -> Complex[np.ndarray, "n_coils n_coils"]:
    """Matrix that whitens the noise of the coils; their mean noise power stays.

    Raises
    ------
    McnetError
        There are too few samples, or a coil has no noise of its own.
    """
    n_coils, n_samples = noise.shape
    covariance = noise.astype(complex) @ noise.conj().T / max(n_samples, 1)
    power = float(np.trace(covariance).real) / n_coils
    spread = np.linalg.eigvalsh(covariance)
    if not np.isfinite(power) or n_samples < 2 * n_coils or spread[0] <= 1e-6 * spread[-1]:
        raise BadFileError(
            f"{path} has noise scans of {n_samples} samples from which the noise of {n_coils} "
            "coils cannot be separated; leave the noise scans or the dead coil out of the file."
        )
    return np.asarray(np.linalg.inv(np.linalg.cholesky(covariance)) * np.sqrt(power))
