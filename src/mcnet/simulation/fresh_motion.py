"""Generated motion by an experiment's recipe, one trace at a time, as many as are asked for."""

from dataclasses import dataclass, replace
from math import inf

import numpy as np

from mcnet.errors import McnetError
from mcnet.simulation.acquisition import Acquisition
from mcnet.simulation.generators import generate_motion, paper_segments
from mcnet.simulation.motion import Mode, MotionTrace

_MOST_TRIES = 1000
"""Generated traces for one that is kept, before the bounds are called too narrow."""


@dataclass(frozen=True)
class FreshMotion:
    """How far generated heads move, and in which degrees of freedom; the default is the paper's."""

    within_mm: float = 2.0
    """Traces that go farther from the pose at the k-space centre are drawn again."""
    within_deg: float = 2.0
    scale: float = 8.0
    """Every shift and angle of a kept trace is multiplied by this."""
    mode: Mode = "rotation+translation"

    def __post_init__(self) -> None:
        """Refuse bounds that no motion keeps."""
        for name in ("within_mm", "within_deg", "scale"):
            if not 0 < getattr(self, name) < inf:
                raise McnetError(
                    f"{name} {getattr(self, name)} is impossible; give a positive number."
                )

    def drawn(self, acquisition: Acquisition, rng: np.random.Generator) -> MotionTrace:
        """Motion of one random person during one scan, at rest when the k-space centre is acquired.

        Raises
        ------
        McnetError
            Hardly any generated motion keeps the bounds.
        """
        for _ in range(_MOST_TRIES):
            kept = paper_segments(
                [generate_motion(acquisition.n_lines, rng)],
                n_points=acquisition.n_lines,
                within_mm=self.within_mm,
                within_deg=self.within_deg,
                scale=self.scale,
                centre_time=acquisition.centre_time,
            )
            if kept:
                return replace(kept[0].restricted_to(self.mode), name="fresh")
        raise McnetError(
            f"none of {_MOST_TRIES} generated motions stays within {self.within_mm:g} mm and "
            f"{self.within_deg:g} deg; give larger bounds."
        )
