"""How training scans differ from one another: a description, read from a file of settings."""

from dataclasses import dataclass

import numpy as np

from mcnet.core.errors import McnetError
from mcnet.motion.poses import Axis
from mcnet.physics.acquisition import Order


@dataclass(frozen=True)
class Variety:
    """How training scans differ from one another; the default is for scans of about 1 mm."""

    matrix: int = 192
    """Samples along y and z."""
    pixel_mm: tuple[float, float] = (1.0, 1.35)
    """Pixel size, drawn between these, or above, where the scan itself is coarser or the head
    larger than the field of view."""
    slices_per_scan: int = 4
    """Neighbouring sagittal slices, which move together."""
    still_share: float = 0.1
    """Share of the scans that keep still."""
    scale: tuple[float, float] = (0.0, 10.0)
    """Generated motion is multiplied by a factor drawn between these; fMRI tracking is 1."""
    within: float = 2.0
    """Generated traces that go farther than this, in mm or degrees, before they are multiplied,
    are drawn again."""
    phase_encoding_axes: tuple[Axis, ...] = ("y", "z")
    orders: tuple[Order, ...] = ("sequential", "centric", "interleaved")
    contrast: float = 0.35
    """Intensities are raised to a power between ``exp(-contrast)`` and ``exp(contrast)``."""
    bias: float = 0.3
    """Greatest logarithm of the smooth field that intensities are multiplied with."""
    noise: float = 0.03
    """Greatest standard deviation of the noise, of which the 99.9th percentile is 1."""
    gain: float = 0.15
    """The input scale, a percentile of the whole scan, which a few slices do not tell, is drawn
    between ``exp(-2 gain)``, as after severe motion, and ``exp(gain)``."""

    def __post_init__(self) -> None:
        """Refuse what gives no scans."""
        for name in ("pixel_mm", "scale"):
            low, high = getattr(self, name)
            if not 0 <= low <= high < np.inf:
                raise McnetError(
                    f"{name} {low, high} is impossible; give a lower and an upper end."
                )
        if self.matrix < 16 or self.slices_per_scan < 1 or not 0 <= self.still_share <= 1:
            raise McnetError(
                f"{self.slices_per_scan} slices of {self.matrix} samples, a share of "
                f"{self.still_share} still, are impossible; give 1 slice or more, 16 samples or "
                "more, and a share from 0 to 1."
            )
        if min(self.contrast, self.bias, self.noise, self.gain) < 0:
            raise McnetError("contrast, bias, noise and gain are widths; give numbers from 0 on.")
