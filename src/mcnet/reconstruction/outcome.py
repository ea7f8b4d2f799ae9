"""What a reconstruction found: the image, the motion, and how well both explain the k-space."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from mcnet.io.volume import Volume
from mcnet.motion.trace import MotionTrace


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """An image of the still head from the k-space of a moving one."""

    image: Volume
    """Magnitudes, on the intensity scale of ``corrupted``."""
    corrupted: Volume
    """What the scanner shows: root of sum of squares of the coils' plain inverse FFTs."""
    network: Volume | None
    """The image that a search started from, where a network gave one."""
    motion: MotionTrace
    """Poses of the head, one a line in the order of time."""
    motion_known: bool
    """Whether the motion was given; otherwise it was found in the k-space."""
    line_residual: Float[np.ndarray, "n_lines"]
    """By the lines' place in k-space: what image and motion do not explain of a line, as a share
    of its length; 0 is all explained, and a line of noise alone has nearly 1."""
    line_weight: Float[np.ndarray, "n_lines"] | None
    """Trust in each line by its place in k-space, 1 for the usual; none where all count alike."""
    motion_deviation: MotionTrace | None
    """Standard deviation of found motion, in the order of time; none of given motion."""
    accepted: bool
    """Whether nothing speaks against the image."""
    verdict: str
    """One or two sentences on that."""
    notes: Mapping[str, Any]
    """What was done, for the record."""
