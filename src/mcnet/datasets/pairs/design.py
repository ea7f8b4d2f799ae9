"""Which pairs are made: the slices of a head and the modes of motion."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from mcnet.core.errors import McnetError
from mcnet.motion.trace import MODES, Mode
from mcnet.physics.acquisition import Acquisition


@dataclass(frozen=True)
class PairsDesign:
    """Sagittal slices of every simulated scan; the default is the paper's."""

    n_slices: int = 10
    """Slices of each scan, centred on the middle of the head."""
    spacing_mm: float = 5.0
    """Distance between them."""
    min_head_share: float = 0.5
    """A boundary slice, with less head in it than this share of the fullest slice, is dropped."""
    modes: tuple[Mode, ...] = ("rotation", "rotation+translation")
    """The data sets: which degrees of freedom move."""

    def __post_init__(self) -> None:
        """Refuse what gives no slices."""
        if (
            self.n_slices < 1
            or not 0 < self.spacing_mm < np.inf
            or not 0 <= self.min_head_share <= 1
        ):
            raise McnetError(
                f"{self.n_slices} slices, {self.spacing_mm} mm apart, with a head share of "
                f"{self.min_head_share} are impossible; give at least 1 slice, a positive distance "
                "and a share from 0 to 1."
            )
        unknown = [mode for mode in self.modes if mode not in MODES[:2]]
        if unknown or not self.modes or len(set(self.modes)) < len(self.modes):
            raise McnetError(
                f"modes {list(self.modes)} cannot be simulated slice by slice; choose from "
                f"{', '.join(MODES[:2])}, each once."
            )

    def positions_mm(
        self, head: Bool[np.ndarray, "x y z"], acquisition: Acquisition
    ) -> Float[np.ndarray, "n_slices"]:
        """Places of the slices along x, around the middle of the head on the acquired grid."""
        inside = np.flatnonzero(head.any(axis=(1, 2)))
        along_x = acquisition.axis_positions_mm("x")
        middle = (along_x[inside[0]] + along_x[inside[-1]]) / 2
        offsets = (np.arange(self.n_slices) - (self.n_slices - 1) / 2) * self.spacing_mm
        return np.asarray(middle + offsets)

    def kept(self, heads: Bool[np.ndarray, "n_slices y z"]) -> Bool[np.ndarray, "n_slices"]:
        """Which slices are no boundary slices, by the area of the head in each."""
        areas = heads.sum(axis=(1, 2))
        return np.asarray((areas > 0) & (areas >= self.min_head_share * areas.max()))
