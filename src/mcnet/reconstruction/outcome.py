"""The result of a reconstruction: image, motion, and their agreement with the measured k-space."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from mcnet.io.volume import Volume
from mcnet.motion.trace import MotionTrace


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """A motion-corrected image from raw k-space, with the motion and how well both fit the data."""

    image: Volume
    """Magnitudes, on the intensity scale of ``corrupted``."""
    corrupted: Volume
    """The scanner's image: root of the sum of squares of the coils' inverse FFTs."""
    initial_image: Volume | None
    """The image that the motion estimation started from; none where it started from
    ``corrupted`` or the motion was given."""
    motion: MotionTrace
    """Poses of the head, one per line in the order of time."""
    motion_known: bool
    """Whether the motion was given; otherwise it was estimated from the k-space."""
    line_residual: Float[np.ndarray, "n_lines"]
    """Relative residual of each line by its place in k-space: norm of measured minus predicted
    samples over the norm of the measured ones. 0 where a line is explained entirely, nearly 1
    where it is noise alone."""
    line_weight: Float[np.ndarray, "n_lines"] | None
    """Weight of each line in the least squares by its place in k-space, 1 where the line is
    accepted; none where all weights are 1."""
    motion_deviation: MotionTrace | None
    """Standard deviation of estimated motion, in the order of time; none of given motion."""
    accepted: bool
    """Whether image and motion pass the data-consistency check."""
    data_consistency: str
    """Outcome of the data-consistency check in one or two sentences."""
    notes: Mapping[str, Any]
    """Settings and figures of the reconstruction, for the JSON record."""
