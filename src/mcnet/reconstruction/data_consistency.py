"""Data-consistency check of estimated motion: the residual of each line beyond noise.

K-space is measured redundantly: of a real image the lines ``k`` and ``-k`` are conjugate, and
several coils measure the same frequencies. A wrong pose therefore leaves a residual in its line.
The check is not complete: errors that the poses of the lines ``k`` and ``-k`` share leave little
residual in the scan of one coil.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex64, Float

from mcnet.physics.fourier import centred_ifft
from mcnet.physics.line_poses import LinePoses, derivatives_by_mm, from_mm
from mcnet.physics.operators import ScanGrid, ScanOperator
from mcnet.reconstruction.cg_sense import SenseSolution

# tuned, by a script that was not kept; neighbours: experiments/tuning/data_consistency.py
REJECTED_RESIDUAL = 0.25
"""Lines with a relative residual above this are rejected: they get a lower weight..."""
# tuned, by a script that was not kept; neighbours: experiments/tuning/data_consistency.py
_MAX_SHARE_REJECTED = 0.2
"""...and where more than this share of the central half are, the motion is rejected."""
_AIR = 0.05
"""Share of the places along the readout, those with least signal, that are taken for air."""


@dataclass(frozen=True, eq=False)
class DataConsistency:
    """Residuals and weights of the lines, and whether the motion is accepted."""

    line_residual: Float[np.ndarray, "n_lines"]
    """Relative residual of each line beyond noise."""
    line_weight: Float[np.ndarray, "n_lines"]
    """Weight for the least squares: 1 for accepted lines, less for rejected ones."""
    share_rejected: float
    """Share of the lines in the central half of k-space that are rejected."""

    @property
    def accepted(self) -> bool:
        """Whether few enough lines are rejected."""
        return self.share_rejected <= _MAX_SHARE_REJECTED

    def sentence(self, initial_image: str) -> str:
        """The outcome in words; ``initial_image`` names the result where motion is rejected."""
        share = f"{100 * self.share_rejected:.0f} % of the lines in the central half are rejected"
        if self.accepted:
            return f"The estimated motion explains the k-space: {share}."
        return (
            f"The estimated motion does not explain the k-space ({share}): the result is "
            f"{initial_image} instead."
        )


def data_consistency(
    found: SenseSolution, kspace: Complex64[np.ndarray, "n_coils n_images *shape"], line_axis: int
) -> DataConsistency:
    """Check of images and poses by the residual of each line.

    Parameters
    ----------
    found
        Images of all lines with equal weights, and their residuals.
    kspace
        As measured, divided by the root of the number of samples.
    line_axis
        Axis of an image along which lines are encoded.
    """
    noise = noise_variance(kspace, line_axis) * kspace.size / kspace.shape[2 + line_axis]
    beyond = np.maximum(found.line_residual_energy - noise, 0)
    signal = np.maximum(found.line_energy - noise, 0.25 * noise + 1e-30)
    residual = np.sqrt(np.minimum(beyond / signal, 1))
    residual[0] = residual[0] if len(residual) % 2 else 0  # has no conjugate line
    weight = np.where(
        residual > REJECTED_RESIDUAL,
        (REJECTED_RESIDUAL / np.maximum(residual, REJECTED_RESIDUAL)) ** 4,
        1,
    )
    quarter = len(residual) // 4
    central = residual[quarter : len(residual) - quarter]
    return DataConsistency(residual, weight, float((central > REJECTED_RESIDUAL).mean()))


def noise_variance(
    kspace: Complex64[np.ndarray, "n_coils n_images *shape"], line_axis: int
) -> float:
    """Variance of the complex noise of a sample, estimated from the air.

    The air beyond the head along the readout (any axis but that of the lines) has no ghosts.
    """
    readout = 2 if line_axis != 0 else 3
    images = centred_ifft(kspace, (readout,)) * np.sqrt(kspace.shape[readout])
    others = tuple(axis for axis in range(kspace.ndim) if axis != readout)
    return float(np.quantile((np.abs(images) ** 2).mean(axis=others), _AIR))


def pose_deviations(
    grid: ScanGrid,
    poses: LinePoses,
    found: SenseSolution,
) -> LinePoses:
    """Standard deviation of each pose if the images were known: a lower bound.

    By the Gauss-Newton Hessian of the squared residual with respect to the pose of each line, and
    the residual itself.
    """
    images = np.asarray(found.images, np.float32)
    scan = ScanOperator(grid, len(images), poses)
    derivatives = derivatives_by_mm(scan.derivatives(images))
    hessian = np.array([[scan.of_lines(a, b) for b in derivatives] for a in derivatives])
    hessian = np.moveaxis(hessian, 2, 0)
    hessian += 1e-6 * np.trace(hessian, axis1=1, axis2=2).max() * np.eye(grid.n_dof)
    n_samples = images.size / grid.n_lines
    variance = (
        np.linalg.inv(hessian) * (found.line_residual_energy / (2 * n_samples))[:, None, None]
    )
    return from_mm(np.sqrt(np.diagonal(variance, axis1=1, axis2=2)))
