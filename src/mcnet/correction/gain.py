"""How much of a network's correction is applied, fitted to the estimated severity of the motion.

A network trained on scans of all severities corrects mild motion too much and severe motion too
little, since a slice alone does not tell which it is. The severity estimator looks at the whole
scan.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from mcnet.networks.gain_curve import GREATEST_GAIN, GainCurve

GAINS: tuple[float, ...] = tuple(np.arange(0, GREATEST_GAIN + 0.01, 0.2).round(1).tolist())
"""Gains that are tried."""


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
