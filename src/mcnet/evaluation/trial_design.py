"""The design of a trial of a corrector: factors, traces and scans."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mcnet.core.errors import McnetError
from mcnet.core.seeds import check_seed
from mcnet.motion.plausibility import check_factor, check_moves
from mcnet.motion.trace import MotionTrace
from mcnet.physics.acquisition import Order

_N_POINTS = 128
"""Points of a recording that are used, as in the paper; resampled to the lines of a scan."""


@dataclass(frozen=True)
class TrialDesign:
    """Factors, traces and scans of a trial."""

    factors: tuple[float, ...] = (2.0, 4.0, 8.0)
    """Recorded motion is multiplied by these."""
    n_traces: int = 8
    """Recorded traces, drawn at random; every subject is moved by each of them."""
    n_slices: int = 10
    """Sagittal slices of each scan."""
    spacing_mm: float = 8.0
    """Distance between them."""
    pixel_mm: float | None = None
    """Pixel size of the scans along y and z; each subject's own, if none is given."""
    order: Order = "sequential"
    """Order in which lines are acquired."""
    noise: float = 0.0
    """Standard deviation of the noise of scans, real and imaginary, of which the reference's
    99.9th percentile is 1; the reference has none."""
    within: float = 2.0
    """Traces that go farther than this, in mm or degrees, before they are multiplied, are left
    out."""
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse what tries nothing."""
        check_seed(self.seed)
        if self.pixel_mm is not None and not 0.1 <= self.pixel_mm <= 20:
            raise McnetError(
                f"a pixel size of {self.pixel_mm:g} mm is impossible; give one of 0.1 to 20 mm."
            )
        if not 0 <= self.noise <= 10:
            raise McnetError(
                f"noise {self.noise:g} is impossible, where the head's brightest part is 1; give "
                "0 to 10."
            )
        if not self.factors or self.n_traces < 1:
            raise McnetError(
                f"{len(self.factors)} factors and {self.n_traces} traces try nothing; give at "
                "least one of each."
            )
        for factor in self.factors:
            check_factor(factor, within=self.within)


def chosen_traces(traces: Sequence[MotionTrace], design: TrialDesign) -> list[MotionTrace]:
    """Traces of the trial, at factor 1, measured from their middle.

    Raises
    ------
    McnetError
        A trace does not move, or too few are long enough and within the bounds.
    """
    for trace in traces:
        check_moves(trace)
    first = [
        trace.segment(0, _N_POINTS).at_rest_when(_N_POINTS // 2)
        for trace in traces
        if trace.n_points >= _N_POINTS
    ]
    within = [
        t for t in first if t.is_within(translation_mm=design.within, rotation_deg=design.within)
    ]
    if len(within) < design.n_traces:
        raise McnetError(
            f"{len(within)} of {len(traces)} traces have {_N_POINTS} points within "
            f"{design.within:g} mm and degrees, not {design.n_traces}; give more or ask for fewer."
        )
    order = np.random.default_rng(design.seed).permutation(len(within))
    return [within[row] for row in sorted(order[: design.n_traces])]
