"""Errors of poses found in raw k-space, by constants and settings of the joint search.

Constants: ``_UNEXPLAINED`` and ``_UNCERTAIN_IMAGE`` of `mcnet.motion_estimation.coarse_to_fine`;
settings: ``regulariser_weight``, ``regulariser_epsilon``, ``image_prior_weight`` and
``pose_smoothness`` of ``JointSettings``.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from tuning import Inputs, show, tried

from mcnet.evaluation.pose_error import pose_error
from mcnet.motion_estimation.coarse_to_fine import SearchSettings
from mcnet.motion_estimation.joint import JointSettings
from mcnet.reconstruction.options import ReconstructionOptions
from mcnet.reconstruction.reconstruct import reconstruct

CONSTANTS = {
    "mcnet.motion_estimation.coarse_to_fine._UNEXPLAINED": (1e-4, 3e-4, 3e-3, 1e-2),
    "mcnet.motion_estimation.coarse_to_fine._UNCERTAIN_IMAGE": (1e-7, 1e-5),
}
SETTINGS = {
    "regulariser_weight": (0.003, 0.03),
    "regulariser_epsilon": (0.01, 0.05),
    "image_prior_weight": (1e-4, 1e-2),
    "pose_smoothness": (1e-4, 1e-2),
}


def table(inputs: Inputs) -> pd.DataFrame:
    """Root mean square errors of the poses of the central lines, mean over all scans."""
    scans = list(inputs.scanned())
    settings = SearchSettings()
    if inputs.quick:
        settings = replace(
            settings, n_steps=(2, 1, 1), polish=settings.polish[:1], n_polish_steps=1
        )
    rows = []
    for row, tried_settings in _candidates(settings, quick=inputs.quick):
        options = ReconstructionOptions(search=tried_settings)
        errors = []
        for one in scans:
            found = reconstruct(one.raw, motion=None, options=options).motion
            errors.append(pose_error(one.raw, found, one.motion))
        rows.append(row | {name: np.mean([one[name] for one in errors]) for name in errors[0]})
    return pd.DataFrame(rows)


def _candidates(
    settings: SearchSettings, *, quick: bool
) -> Iterator[tuple[dict[str, Any], SearchSettings]]:
    for constant, values in CONSTANTS.items():
        for row in tried(constant, values[:1] if quick else values):
            yield row, settings
    if quick:
        return
    usual = JointSettings()
    for name, values in SETTINGS.items():
        for value in (getattr(usual, name), *values):
            row = {"constant": name, "value": value, "in use": value == getattr(usual, name)}
            yield row, replace(settings, joint=replace(settings.joint, **{name: value}))


if __name__ == "__main__":
    show(__doc__, table)
