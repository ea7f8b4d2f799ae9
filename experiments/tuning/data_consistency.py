"""Shares of rejected lines with right and with wrong motion, by the residual that rejects a line.

Constants: ``REJECTED_RESIDUAL`` and ``_MAX_SHARE_REJECTED`` of
`mcnet.reconstruction.data_consistency`. Motion that a whole search finds is to be accepted where
its poses are right; that of a search of one step, and no motion, where the head hardly moved.
"""

import numpy as np
import pandas as pd
from tuning import Inputs, Scanned, show, tried

from mcnet.evaluation.pose_error import pose_error
from mcnet.motion.trace import MotionTrace, still
from mcnet.motion_estimation.coarse_to_fine import SearchSettings
from mcnet.reconstruction.options import ReconstructionOptions
from mcnet.reconstruction.reconstruct import reconstruct

CONSTANT = "mcnet.reconstruction.data_consistency.REJECTED_RESIDUAL"
RESIDUALS = (0.15, 0.2, 0.3, 0.4)
HASTY = SearchSettings(n_steps=(1, 0, 0), polish=())


def table(inputs: Inputs) -> pd.DataFrame:
    """Share of the central half of the lines that are rejected, and errors of the poses."""
    rows = []
    for one in inputs.scanned():
        for label, residual, motion in _explained(one, quick=inputs.quick):
            quarter = len(residual) // 4
            central = residual[quarter : len(residual) - quarter]
            error = pose_error(one.raw, motion, one.motion)
            for row in tried(CONSTANT, RESIDUALS):
                share = float((central > row["value"]).mean())
                rows.append({"scan": one.name, "motion": label} | row | {"rejected": share} | error)
    return pd.DataFrame(rows)


def _explained(one: Scanned, *, quick: bool) -> list[tuple[str, np.ndarray, MotionTrace]]:
    results = {
        "true": reconstruct(one.raw, motion=one.motion),
        "none": reconstruct(one.raw, motion=still(one.raw.n_lines)),
        "one step": reconstruct(one.raw, motion=None, options=ReconstructionOptions(search=HASTY)),
    }
    if not quick:
        results["found"] = reconstruct(one.raw, motion=None)
    return [(label, each.line_residual, each.motion) for label, each in results.items()]


if __name__ == "__main__":
    show(__doc__, table)
