"""How much of a network's correction is applied, against the estimated severity of the motion."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mcnet.core.errors import McnetError

GREATEST_GAIN: float = 2.0
"""No curve goes beyond it."""
MOST_SEVERE_MM: float = 1000.0
"""No head moves further."""


@dataclass(frozen=True)
class GainCurve:
    """Gain against the estimated severity: straight lines between points, level beyond them."""

    severity_mm: tuple[float, ...] = (0.0,)
    gain: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        """Refuse what is no curve."""
        severities = (*self.severity_mm, MOST_SEVERE_MM)
        # a comparison with NaN is false
        rises = all(one <= other for one, other in pairwise((0.0, *severities)))
        within = all(0 <= gain <= GREATEST_GAIN for gain in self.gain)
        if len(self.severity_mm) != len(self.gain) or not self.gain or not (rises and within):
            raise McnetError(
                f"gains {list(self.gain)} at {list(self.severity_mm)} mm are no curve (gain); "
                f"expected a gain of 0 to {GREATEST_GAIN:g} for every severity, and severities "
                f"that rise from 0 to at most {MOST_SEVERE_MM:g} mm: train the model again."
            )

    def at(self, severity_mm: float) -> float:
        """Gain for a scan of this estimated severity."""
        return float(np.interp(severity_mm, self.severity_mm, self.gain))

    @property
    def as_dict(self) -> dict[str, list[float]]:
        """Form in which a model card holds it."""
        return {"severity_mm": list(self.severity_mm), "gain": list(self.gain)}
