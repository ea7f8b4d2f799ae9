"""Errors of poses found in raw k-space, by the spurious size of the Hermitian-even part.

Constant: ``_SHRUNK`` of `mcnet.reconstruction.motion_search`, in slices and in space.
Choose on mild motion (``--factors 1 2``): of large motion the spurious part is next to nothing.
"""

import sys
from dataclasses import replace
from functools import partial
from unittest import mock

import numpy as np
import pandas as pd
from tuning import Inputs, Scanned, show

from mcnet.evaluation.pose_error import pose_error
from mcnet.motion_estimation.coarse_to_fine import OF_VOLUMES, SearchSettings
from mcnet.reconstruction.options import ReconstructionOptions
from mcnet.reconstruction.reconstruct import reconstruct

MODULE = "mcnet.reconstruction.motion_search"
SPURIOUS_MM = (0.0, 0.015, 0.03, 0.035, 0.05, 0.07)


def table(inputs: Inputs) -> pd.DataFrame:
    """Root mean square errors of the poses of the central lines, mean over all scans."""
    rows = []
    for in_space in (False,) if inputs.quick else (False, True):
        scans = list(inputs.scanned(in_space=in_space))
        route = "six-dof" if in_space else "in-plane"
        usual = sys.modules[MODULE]._SHRUNK[route]
        used_mm = usual.keywords["spurious_mm"]
        for mm in (0.0, used_mm) if inputs.quick else sorted({*SPURIOUS_MM, used_mm}):
            less = {route: partial(usual.func, spurious_mm=mm)}
            with mock.patch.dict(f"{MODULE}._SHRUNK", less):
                errors = [_error(one, in_space=in_space, quick=inputs.quick) for one in scans]
            row = {"constant": f"_SHRUNK, {route}", "value": mm, "in use": mm == used_mm}
            rows.append(row | {name: np.mean([one[name] for one in errors]) for name in errors[0]})
    return pd.DataFrame(rows)


def _error(one: Scanned, *, in_space: bool, quick: bool) -> dict[str, float]:
    search = OF_VOLUMES if in_space else SearchSettings()
    if quick:
        search = replace(search, n_steps=(2, 1, 1), polish=())
    found = reconstruct(one.raw, motion=None, options=ReconstructionOptions(search=search))
    return pose_error(one.raw, found.motion, one.motion)


if __name__ == "__main__":
    show(__doc__, table)
