"""Error of the severity estimate, by how many slices of a scan are looked at.

Constant: ``_N_SLICES`` of `mcnet.correction.severity_estimator`.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
from tuning import Inputs, show, tried

from mcnet.correction.severity_estimator import load_severity_estimator
from mcnet.io.volume import Volume

CONSTANT = "mcnet.correction.severity_estimator._N_SLICES"


def table(inputs: Inputs) -> pd.DataFrame:
    """Mean and root mean square of the difference from the true displacement, in mm."""
    inputs = replace(inputs, n_slices=96)
    scans, estimator = list(inputs.scanned()), load_severity_estimator()
    rows = []
    for row in tried(CONSTANT, (4, 8, 16, 64)):
        errors = []
        for one in scans:
            rows_mm, columns_mm = one.raw.grid.pixel_mm
            affine = np.diag([one.raw.voxel_size_mm[0], rows_mm, columns_mm, 1.0])
            estimate = estimator.assess(Volume(np.array(one.magnitudes), affine, one.name))
            errors.append(estimate.severity.mm - one.motion.rms_displacement_mm())
        rms = float(np.sqrt(np.mean(np.square(errors))))
        rows.append(row | {"mean_error_mm": np.mean(errors), "rms_error_mm": rms})
    return pd.DataFrame(rows)


if __name__ == "__main__":
    show(__doc__, table)
