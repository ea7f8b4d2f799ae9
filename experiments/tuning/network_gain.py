"""Share of the SSIM deficit recovered, by how much motion the network's correction needs.

Constants: ``_NETWORK_FOUND_MM`` and ``_NETWORK_SEEN_MM`` of `mcnet.correction.scan`, between which
the network's gain grows from none to that of the model card, by the motion that a search found or
the severity estimator saw. A pair of zeros always asks the network, one of 99 never does.
"""

from functools import partial

import numpy as np
import pandas as pd
from tuning import Inputs, Scanned, show, tried

from mcnet.correction.models import DEFAULT_MODEL, Model, load_model
from mcnet.correction.options import CorrectionOptions
from mcnet.correction.scan import SeverityEstimator, correct_scan
from mcnet.correction.severity_estimator import load_severity_estimator
from mcnet.io.volume import Volume

CONSTANTS = {
    "mcnet.correction.scan._NETWORK_FOUND_MM": (
        *((0.0, 1e-6), (0.05, 0.15), (0.2, 0.6), (99.0, 100.0)),
    ),
    "mcnet.correction.scan._NETWORK_SEEN_MM": (
        *((0.0, 1e-6), (0.3, 0.5), (1.2, 2.0), (99.0, 100.0)),
    ),
}


def table(inputs: Inputs) -> pd.DataFrame:
    """Mean and least share over all scans."""
    scans = list(inputs.scanned())
    corrected = partial(
        _recovered, load_model(DEFAULT_MODEL), load_severity_estimator(), search=not inputs.quick
    )
    rows = []
    for constant, values in CONSTANTS.items():
        for row in tried(constant, values[-1:] if inputs.quick else values):
            shares = [corrected(one) for one in scans]
            rows.append(row | {"recovered": np.mean(shares), "least": np.min(shares)})
    return pd.DataFrame(rows)


def _recovered(
    model: Model, severity_estimator: SeverityEstimator, one: Scanned, *, search: bool
) -> float:
    slices = np.ascontiguousarray(one.magnitudes)
    rows_mm, columns_mm = one.raw.grid.pixel_mm
    scan = Volume(slices, np.diag([one.raw.voxel_size_mm[0], rows_mm, columns_mm, 1.0]), one.name)
    encoding = "yz"[one.raw.grid.line_axis]
    options = CorrectionOptions(force=True, search=search, phase_encoding=encoding)
    result = correct_scan(scan, model, severity_estimator=severity_estimator, options=options)
    return one.recovered(result.after.values)


if __name__ == "__main__":
    show(__doc__, table)
