"""Motion for training, one trace at a time, as many as asked for: generated, or recorded anew."""

from dataclasses import dataclass, replace
from math import inf

import numpy as np

from mcnet.core.errors import McnetError
from mcnet.motion.generators import generate_motion, paper_segments
from mcnet.motion.plausibility import check_factor
from mcnet.motion.trace import Mode, MotionTrace
from mcnet.physics.acquisition import Acquisition

_MOST_TRIES = 1000
"""Generated traces for one that is kept, before the bounds are called too narrow."""


@dataclass(frozen=True)
class RandomMotion:
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
        check_factor(self.scale, within=max(self.within_mm, self.within_deg), name="scale")

    def drawn(self, acquisition: Acquisition, rng: np.random.Generator) -> MotionTrace:
        """Motion of a random subject during one scan, at rest when the k-space centre is acquired.

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
                return replace(kept[0].restricted_to(self.mode), name="on_the_fly")
        raise McnetError(
            f"none of {_MOST_TRIES} generated motions stays within {self.within_mm:g} mm and "
            f"{self.within_deg:g} deg; give larger bounds."
        )


@dataclass(frozen=True)
class RecordedMotion:
    """Recorded traces, drawn at random, each as another head might have moved.

    A trace is reversed in time, mirrored left to right, front to back and top to bottom, and
    scaled, each at random: what is left of it is how long heads rest and how suddenly they move.
    """

    traces: tuple[MotionTrace, ...]
    """At full scale, one pose a phase-encoding line."""
    mode: Mode = "rotation+translation"
    scale: tuple[float, float] = (0.4, 1.2)
    """Least and most that the shifts and angles are multiplied by."""

    def __post_init__(self) -> None:
        """Refuse a set without motion."""
        low, high = self.scale
        if not self.traces or not 0 < low <= high < inf:
            raise McnetError(
                f"{len(self.traces)} traces scaled by {low} to {high} give no motion; give at "
                "least one trace and two positive numbers, the smaller first."
            )

    def drawn(self, acquisition: Acquisition, rng: np.random.Generator) -> MotionTrace:
        """Motion during one scan, at rest when the k-space centre is acquired."""
        trace = self.traces[int(rng.integers(len(self.traces)))]
        step = int(rng.choice([1, -1]))
        mirror = rng.choice([-1.0, 1.0], size=3)
        # a mirror turns the shift along its axis, and the turns about the two other axes
        motion = MotionTrace(
            trace.translation_mm[::step] * mirror,
            trace.rotation_deg[::step] * mirror.prod() * mirror,
            trace.interval_s,
            trace.name,
        )
        motion = motion.scaled(rng.uniform(*self.scale)).restricted_to(self.mode)
        return motion.at_rest_when(acquisition.centre_time)
