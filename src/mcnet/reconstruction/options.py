"""Options of a reconstruction from raw k-space."""

from dataclasses import dataclass, field

from mcnet.motion_estimation.coarse_to_fine import SearchSettings
from mcnet.reconstruction.cg_sense import SolverSettings


@dataclass(frozen=True)
class ReconstructionOptions:
    """Solver and motion estimation of a reconstruction."""

    preview: bool = False
    """One density-weighted adjoint (gridding) instead of conjugate gradients."""
    solver: SolverSettings = field(default_factory=SolverSettings)
    search: SearchSettings | None = None
    """Settings of the motion estimation, where no motion is given; if absent, the default of
    slices or of volumes."""
    n_searched: int = 24
    """Largest number of slices that the motion is estimated from."""
