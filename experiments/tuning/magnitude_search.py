"""Share of the SSIM deficit that a search in magnitudes recovers, by constants of its rounds.

Constants of `mcnet.correction.magnitude_motion`: ``N_SEARCHED`` is ``--n-slices``, the others are
tried here.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
from tuning import Inputs, Scanned, show, tried

from mcnet.correction.magnitude_motion import SEARCH, find_motion

ROOM = "mcnet.correction.magnitude_motion"
CONSTANTS = {
    f"{ROOM}._ANOTHER_FROM_MM": ((0.1, 0.25), (0.4, 1.0), (99.0, 99.0)),
    f"{ROOM}._SEVERE_FOUND_MM": ((0.15, 0.2), (0.6, 0.8)),
    f"{ROOM}._SEVERE_SEEN_MM": ((0.5, 0.75), (2.0, 3.0)),
    f"{ROOM}._SEVERE_VARIATION": (1.0, 2.0, 8.0),
    f"{ROOM}._N_BACK": (1, 4),
}


def table(inputs: Inputs) -> pd.DataFrame:
    """Mean and least share over all scans; the severity that is seen is the true one."""
    scans = list(inputs.scanned())
    settings = replace(SEARCH, n_steps=(2, 1, 1)) if inputs.quick else SEARCH
    rows = []
    for constant, values in list(CONSTANTS.items())[: 1 if inputs.quick else None]:
        for row in tried(constant, values[:1] if inputs.quick else values):
            shares = [_recovered(one, settings) for one in scans]
            rows.append(row | {"recovered": np.mean(shares), "least": np.min(shares)})
    return pd.DataFrame(rows)


def _recovered(one: Scanned, settings: object) -> float:
    seen_mm = one.motion.rms_displacement_mm()
    found = find_motion(one.magnitudes, one.raw.grid, seen_mm=seen_mm, settings=settings)
    return one.recovered(found.undone(one.magnitudes))


if __name__ == "__main__":
    show(__doc__, table)
