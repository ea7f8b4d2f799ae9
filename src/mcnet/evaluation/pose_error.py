"""Errors of estimated poses against the true ones."""

from typing import Any

import numpy as np

from mcnet.io.kspace import RawScan
from mcnet.motion.poses import AXES, inverse_pose
from mcnet.motion.trace import MotionTrace
from mcnet.physics.line_poses import matrices_of, poses_of


def pose_error(raw: RawScan, found: MotionTrace, true: MotionTrace) -> dict[str, Any]:
    """Root mean square error of poses over the central half of the lines.

    A common pose of all lines only moves the image, so the median error of that half is subtracted.
    ``rotation_deg``, ``line_axis_mm``, ``other_mm``; in 3D the largest of three rotations, and of
    the two translations across the lines' axis.
    """
    quarter = raw.n_lines // 4
    if raw.is_3d:
        return _error_in_space(raw, found, true)
    apart = (raw.poses_of(found) - raw.poses_of(true))[quarter : raw.n_lines - quarter]
    apart = apart - np.median(apart, axis=0)
    rotation, *translations = np.sqrt((apart**2).mean(axis=0))
    along = translations.pop(raw.grid.line_axis)
    return {
        "rotation_deg": float(np.degrees(rotation)),
        "line_axis_mm": along,
        "other_mm": translations[0],
    }


def _error_in_space(raw: RawScan, found: MotionTrace, true: MotionTrace) -> dict[str, float]:
    quarter = raw.n_lines // 4
    central = raw.line_at_time.argsort()[quarter : raw.n_lines - quarter]
    poses, true_poses = found.poses[central], true.poses[central]
    free = np.median(poses_of(inverse_pose(true_poses) @ poses), axis=0)
    in_place = true_poses @ matrices_of(free[None])
    apart = np.sqrt((poses_of(inverse_pose(in_place) @ poses) ** 2).mean(axis=0))
    along = 3 + AXES.index(raw.line_axis)
    others = np.delete(apart, along)
    return {
        "rotation_deg": float(np.degrees(others[:3].max())),
        "line_axis_mm": float(apart[along]),
        "other_mm": float(others[3:].max()),
    }
