"""Whether found motion is to be believed: what it leaves unexplained, line by line.

A wrong pose shows: another line measures nearly the same, the mirror image of a line of a real
image, and several coils measure everything several times. So what stays unexplained of a line,
beyond noise, tells how far its pose may be trusted. It does not tell everything: poses that are
wrong in the same way for lines ``k`` and ``-k`` leave little unexplained of one coil's scan.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex64, Float

from mcnet.motion_estimation.pose_units import by_mm, from_mm
from mcnet.physics.fourier import centred_ifft
from mcnet.physics.operators import LinePoses, ScanGrid, ScanOperator
from mcnet.reconstruction.known_motion import StillHead

# tuned, by a script that was not kept; neighbours: experiments/tuning/data_consistency.py
REJECTED_RESIDUAL = 0.25
"""Lines of which more than this share of their length is unexplained count less..."""
# tuned, by a script that was not kept; neighbours: experiments/tuning/data_consistency.py
_MAX_SHARE_REJECTED = 0.2
"""...and where more of the central half are, the motion is not believed."""
_AIR = 0.05
"""Of the places along the readout, those with least signal lie beyond the head."""


@dataclass(frozen=True, eq=False)
class DataConsistency:
    """What speaks for and against found motion."""

    line_residual: Float[np.ndarray, "n_lines"]
    """Unexplained share of each line's length, beyond noise."""
    line_weight: Float[np.ndarray, "n_lines"]
    """How much each line is to count: 1, or less where it is doubted."""
    share_rejected: float
    """Of the central half of the lines."""

    @property
    def accepted(self) -> bool:
        """Whether few lines are doubted."""
        return self.share_rejected <= _MAX_SHARE_REJECTED

    def verdict(self, instead: str) -> str:
        """The same in words; ``instead`` names the image that is shown where it is not believed."""
        told = f"of the central half of the lines, {100 * self.share_rejected:.0f} % are doubted"
        if self.accepted:
            return f"The motion that was found explains the k-space: {told}."
        return (
            f"The motion that was found does not explain the k-space ({told}): the image is "
            f"{instead} instead."
        )


def data_consistency(
    found: StillHead, kspace: Complex64[np.ndarray, "n_coils n_images *shape"], line_axis: int
) -> DataConsistency:
    """Judgement of images and poses by what they leave unexplained."""
    noise = noise_variance(kspace, line_axis) * kspace.size / kspace.shape[2 + line_axis]
    beyond = np.maximum(found.line_misfit - noise, 0)
    signal = np.maximum(found.line_energy - noise, 0.25 * noise + 1e-30)
    residual = np.sqrt(np.minimum(beyond / signal, 1))
    residual[0] = residual[0] if len(residual) % 2 else 0  # has no mirror line in a real image
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
    """Variance of the noise of a sample, real and imaginary together.

    From the air beyond the head along the readout, or another axis than that of the lines, where
    motion sets no ghosts.
    """
    readout = 2 if line_axis != 0 else 3
    images = centred_ifft(kspace, (readout,)) * np.sqrt(kspace.shape[readout])
    others = tuple(axis for axis in range(kspace.ndim) if axis != readout)
    return float(np.quantile((np.abs(images) ** 2).mean(axis=others), _AIR))


def pose_deviations(
    grid: ScanGrid,
    poses: LinePoses,
    found: StillHead,
) -> LinePoses:
    """Standard deviation of each pose, were the images known: a lower bound.

    From the curvature of the misfit by the pose of each line, and the misfit itself.
    """
    images = np.asarray(found.images, np.float32)
    scan = ScanOperator(grid, len(images), poses)
    derivatives = by_mm(scan.derivatives(images))
    squared = np.array([[scan.of_lines(a, b) for b in derivatives] for a in derivatives])
    squared = np.moveaxis(squared, 2, 0)
    squared += 1e-6 * np.trace(squared, axis1=1, axis2=2).max() * np.eye(grid.n_dof)
    n_samples = images.size / grid.n_lines
    variance = np.linalg.inv(squared) * (found.line_misfit / (2 * n_samples))[:, None, None]
    return from_mm(np.sqrt(np.diagonal(variance, axis1=1, axis2=2)))
