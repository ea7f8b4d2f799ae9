"""How far the poses that a search found are from the true ones."""

from typing import Any

import numpy as np

from mcnet.io.kspace import RawScan
from mcnet.motion.poses import AXES, inverse_pose
from mcnet.motion.trace import MotionTrace
from mcnet.physics.line_poses import matrices_of, poses_of


def pose_error(raw: RawScan, found: MotionTrace, true: MotionTrace) -> dict[str, Any]:
    """Root mean square error of poses over the central half of the lines.

    The whole has a free pose, a move of the image: the median error of that half is taken off.
    ``rotation_deg``, ``line_axis_mm``, ``other_mm``; in space the worst of three turns, and of the
    two shifts across the lines' axis.
    """
    quarter = raw.n_lines // 4
    if raw.is_3d:
        return _error_in_space(raw, found, true)
    apart = (raw.poses_of(found) - raw.poses_of(true))[quarter : raw.n_lines - quarter]
    apart = apart - np.median(apart, axis=0)
    turn, *shifts = np.sqrt((apart**2).mean(axis=0))
    along = shifts.pop(raw.grid.line_axis)
    return {"rotation_deg": float(np.degrees(turn)), "line_axis_mm": along, "other_mm": shifts[0]}


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
