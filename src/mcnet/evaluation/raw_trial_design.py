"""What reconstruction from raw k-space is tried on: scans and motion, as data."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64

from mcnet.core.errors import McnetError
from mcnet.core.seeds import check_seed
from mcnet.datasets.raw_simulation import RawOptions
from mcnet.motion.plausibility import check_factor
from mcnet.motion.trace import MotionTrace
from mcnet.physics.acquisition import Acquisition

_STEP = 4
"""Every fourth slice is scored."""
_WITHIN = 2.0
"""Recorded motion stays within 2 mm and 2 degrees: `mcnet.evaluation.trial.TrialDesign`."""


@dataclass(frozen=True)
class RawTrialDesign:
    """What a reconstruction is tried on."""

    factors: tuple[float, ...] = (2.0, 4.0, 8.0)
    """Recorded motion is multiplied by these."""
    n_coils: int = 1
    snr: float | None = None
    """As `mcnet.datasets.raw_simulation.RawOptions.snr`."""
    phase: bool = False
    """Whether there is a smooth phase."""
    in_space: bool = False
    """Whether the head moves with six degrees of freedom in a 3D scan, not within slices."""
    n_slices: int = 24
    """Central slices that are scanned; of a volume, those at the same places are scored."""
    thickness_mm: float = 5.0
    """From slice to slice."""
    matrix: int = 128
    fov_mm: float = 256.0
    magnitude: bool = False
    """Whether only the magnitude is kept, as most users have it: its Fourier transform is then
    taken for k-space."""
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse what tries nothing."""
        check_seed(self.seed)
        if not self.factors:
            raise McnetError("no factor tries nothing; give one or more.")
        for factor in self.factors:
            check_factor(factor, within=_WITHIN)
        RawOptions(self.n_coils, self.snr)

    @property
    def acquisition(self) -> Acquisition:
        """The scan: slices or partitions along x, lines from the back to the front."""
        if self.in_space:
            return Acquisition((self.matrix,) * 3, (self.fov_mm,) * 3)
        n_all = max(self.n_slices, 2 * round(self.fov_mm / self.thickness_mm / 2))
        across = n_all * self.thickness_mm
        return Acquisition((n_all, self.matrix, self.matrix), (across, self.fov_mm, self.fov_mm))

    @property
    def positions_mm(self) -> Float[np.ndarray, "n_slices"]:
        """Positions along x of the slices or partitions."""
        if self.in_space:
            return self.acquisition.axis_positions_mm("x")
        return (np.arange(self.n_slices) - self.n_slices // 2) * self.thickness_mm

    @property
    def scored(self) -> Int64[np.ndarray, "n_scored"]:
        """Which of these are scored."""
        slices = np.arange(_STEP // 2, self.n_slices, _STEP)
        if not self.in_space:
            return slices
        places = (slices - self.n_slices // 2) * self.thickness_mm
        return np.asarray(np.abs(self.positions_mm - places[:, None]).argmin(axis=1))

    def motion_of(self, trace: MotionTrace, factor: float) -> MotionTrace:
        """A recorded trace as the scan is moved: at the reference pose at the centre of k-space."""
        motion = trace.resampled(self.acquisition.n_lines)
        if not self.in_space:
            motion = motion.restricted_to("rotation+translation")
        return motion.at_rest_when(self.acquisition.centre_time).scaled(factor)
