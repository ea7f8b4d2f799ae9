"""How much of a network's correction is applied, by how far the head is estimated to have moved.

A network taught on scans of all severities corrects mild motion too much and severe motion too
little, since it cannot be sure which it sees. The guard looks at the whole scan and knows better.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeGuard

import numpy as np
from jaxtyping import Float

from mcnet.core.errors import McnetError

GAINS: tuple[float, ...] = tuple(np.arange(0, 2.01, 0.2).round(1).tolist())
"""Gains that are tried; what a card holds lies between the first and the last."""
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
        within = all(0 <= gain <= GAINS[-1] for gain in self.gain)
        if len(self.severity_mm) != len(self.gain) or not self.gain or not (rises and within):
            raise McnetError(
                f"gains {list(self.gain)} at {list(self.severity_mm)} mm are no curve (gain); "
                f"expected a gain of 0 to {GAINS[-1]:g} for every severity, and severities that "
                f"rise from 0 to at most {MOST_SEVERE_MM:g} mm: train the model again."
            )

    def at(self, severity_mm: float) -> float:
        """Gain for a scan of this estimated severity."""
        return float(np.interp(severity_mm, self.severity_mm, self.gain))

    @property
    def as_dict(self) -> dict[str, list[float]]:
        """Form in which a model card holds it."""
        return {"severity_mm": list(self.severity_mm), "gain": list(self.gain)}


def gain_of_card(card: Mapping[str, Any]) -> GainCurve:
    """Curve of a model card; of one that has none, a gain of 1.

    Raises
    ------
    McnetError
        The card holds something else.
    """
    found = card.get("gain")
    if found is None:
        return GainCurve()
    try:
        severities, gains = (_numbers(found[name]) for name in ("severity_mm", "gain"))
    except (KeyError, TypeError) as error:
        raise McnetError(
            f"the model card's gain is {str(found)[:200]}; expected severity_mm and gain, two "
            "lists of finite numbers: train the model again."
        ) from error
    return GainCurve(severities, gains)


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value of JSON is a finite number."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    # whole numbers in JSON may be longer than a float can be; NaN compares false
    return abs(value) <= sys.float_info.max


def _numbers(found: object) -> tuple[float, ...]:
    if not isinstance(found, list | tuple) or not all(map(is_number, found)):
        raise TypeError(found)
    return tuple(map(float, found))


def fitted_gain(
    severity_mm: Sequence[float] | Float[np.ndarray, "n_scans"],
    loss: Float[np.ndarray, "n_scans n_gains"],
    *,
    n_bins: int = 5,
) -> GainCurve:
    """The curve that makes the loss of scans smallest, rising with severity.

    Parameters
    ----------
    severity_mm
        Estimated severity of each scan.
    loss
        Of each scan at each of `GAINS`.
    n_bins
        Groups of equally many scans, from the mildest to the severest, at most: a point of the
        curve each.
    """
    order = np.argsort(severity_mm, kind="stable")
    places, best = [], []
    for members in np.array_split(order, min(n_bins, len(order))):
        places.append(float(np.mean(np.asarray(severity_mm)[members])))
        best.append(GAINS[int(loss[members].mean(axis=0).argmin())])
    rising = np.maximum.accumulate(best)
    return GainCurve(tuple(round(place, 3) for place in places), tuple(map(float, rising)))
