"""Shares of scans that a limit of size refuses, in true units and in wrong ones.

Constants of `mcnet.io.head_size`: the lengths of a scan along its middle and its longest axis, and
its middle voxel size. Scans in centimetres or metres that are read as millimetres are to be
refused, and those in micrometres; whole scans are not.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from tuning import Inputs, show, tried

from mcnet.core.errors import McnetError
from mcnet.io.head_size import check_head_size

ROOM = "mcnet.io.head_size"
CONSTANTS = {
    "SMALLEST_MM": (30.0, 100.0),
    "FINEST_MM": (0.1, 0.6),
    "LARGEST_MM": (400.0, 1000.0),
    "LONGEST_MM": (500.0, 2000.0),
}
UNITS = {"in mm": 1.0, "cm as mm": 0.1, "m as mm": 1e-3, "um as mm": 1e3}


def table(inputs: Inputs) -> pd.DataFrame:
    """Share of the subjects' scans that are refused."""
    scans = [subject.load() for subject in inputs.subjects()]
    sizes = [(scan.values.shape, scan.voxel_size_mm) for scan in scans]
    rows = []
    for name, values in CONSTANTS.items():
        for row in tried(f"{ROOM}.{name}", values):
            refused = {
                unit: np.mean([_is_refused(check_head_size, *size, factor) for size in sizes])
                for unit, factor in UNITS.items()
            }
            rows.append(row | refused)
    return pd.DataFrame(rows)


def _is_refused(
    check: Callable[..., None], shape: Sequence[int], size_mm: Sequence[float], factor: float
) -> bool:
    try:
        check(Path("scan"), shape, [factor * one for one in size_mm], "")
    except McnetError:
        return True
    return False


if __name__ == "__main__":
    show(__doc__, table)
