"""The pose of each phase-encoding line: the forms in which poses are held, and all conversions.

========================  ===========================  ==============  =============  ==========
form                      shape                        rotations       translations   in order of
========================  ===========================  ==============  =============  ==========
`LinePoses`               ``n_lines n_dof``            first, radians  then, mm       k-space
the same in mm            ``n_lines n_dof``            first, mm       then, mm       k-space
`motion.trace`            two of ``n_points 3``        degrees         mm             time
matrices                  ``n_lines 4 4``              ``[:3, :3]``    mm             either
========================  ===========================  ==============  =============  ==========

Within a plane ``n_dof`` is 3: a rotation about the plane's normal, and translations along its rows
and its columns (`InPlanePoses`). In space it is 6: rotations about x, y and z, and translations
along them (`SpacePoses`). Signs and the order of rotations are those of `mcnet.motion.poses`.

In mm, in which a search takes its steps, a rotation counts as the translation that it makes at
`RADIUS_MM` from the centre.

=====================  =======================================================================
from                   to
=====================  =======================================================================
trace                  `LinePoses`: `in_plane_poses`, `space_poses`; matrices: ``trace.poses``
`LinePoses`            trace: `trace_of`; matrices: `matrices_of`; in mm: `in_mm`
matrices               `LinePoses`: `poses_of`
in mm                  `LinePoses`: `from_mm`
=====================  =======================================================================
"""

import numpy as np
from jaxtyping import Complex64, Float, Int

from mcnet.motion.poses import AXES, Axis, inverse_pose, pose_matrix, pose_parameters
from mcnet.motion.trace import MotionTrace

LinePoses = Float[np.ndarray, "n_lines n_dof"]
"""A pose for each line, by its place in k-space: rotations in radians, then translations in mm."""
InPlanePoses = Float[np.ndarray, "n_lines 3"]
"""`LinePoses` within a plane."""
SpacePoses = Float[np.ndarray, "n_lines 6"]
"""`LinePoses` in space."""
Plane = tuple[Axis, Axis, Axis]
"""Normal, axis of the rows and axis of the columns: a cycle of x, y, z, so that signs agree."""
SAGITTAL: Plane = ("x", "y", "z")
RADIUS_MM = 50.0
"""Rotations in mm are the translations that they make at this distance from the centre."""
_N_ROTATIONS = {3: 1, 6: 3}
"""Of poses with so many degrees of freedom."""


def in_plane_poses(
    motion: MotionTrace, time_of_line: Int[np.ndarray, "n_lines"], plane: Plane = SAGITTAL
) -> InPlanePoses:
    """Poses of the lines, of a trace that stays within the plane."""
    normal, *within = (AXES.index(axis) for axis in plane)
    in_time = np.column_stack(
        [np.radians(motion.rotation_deg[:, normal]), motion.translation_mm[:, within]]
    )
    return np.asarray(in_time[time_of_line])


def space_poses(motion: MotionTrace, time_of_line: Int[np.ndarray, "n_lines"]) -> SpacePoses:
    """Poses of the lines, of any trace; rotations by the angles that their matrices have."""
    return poses_of(motion.poses[time_of_line])


def trace_of(
    poses: LinePoses,
    line_at_time: Int[np.ndarray, "n_lines"],
    *,
    plane: Plane = SAGITTAL,
    interval_s: float | None = None,
    name: str = "motion",
) -> MotionTrace:
    """Trace, in the order of time, of poses in space or within the plane."""
    in_time = poses[line_at_time]
    if poses.shape[1] == 6:
        return MotionTrace(in_time[:, 3:], np.degrees(in_time[:, :3]), interval_s, name)
    normal, *within = (AXES.index(axis) for axis in plane)
    translation_mm, rotation_deg = np.zeros((2, len(poses), 3))
    rotation_deg[:, normal] = np.degrees(in_time[:, 0])
    translation_mm[:, within] = in_time[:, 1:]
    return MotionTrace(translation_mm, rotation_deg, interval_s, name)


def matrices_of(poses: SpacePoses) -> Float[np.ndarray, "n_lines 4 4"]:
    """Matrices of poses in space."""
    return pose_matrix(poses[:, 3:], np.degrees(poses[:, :3]))


def poses_of(matrices: Float[np.ndarray, "n_lines 4 4"]) -> SpacePoses:
    """Poses of matrices: the inverse of `matrices_of`."""
    translation_mm, rotation_deg = pose_parameters(matrices)
    return np.concatenate([np.radians(rotation_deg), translation_mm], axis=1)


def in_mm(poses: LinePoses) -> LinePoses:
    """Poses with rotations as translations at `RADIUS_MM`."""
    return np.asarray(poses / _units(poses.shape[1]))


def from_mm(poses_mm: LinePoses) -> LinePoses:
    """Poses with rotations in radians: the inverse of `in_mm`."""
    return np.asarray(poses_mm * _units(poses_mm.shape[1]))


def derivatives_by_mm(
    derivatives: Complex64[np.ndarray, "n_dof *kspace"],
) -> Complex64[np.ndarray, "n_dof *kspace"]:
    """Derivatives by poses in mm from those by `LinePoses`, which are written over."""
    for derivative, unit in zip(derivatives, _units(len(derivatives)), strict=True):
        derivative *= np.float32(unit)
    return derivatives


def relative_to(poses: LinePoses, line: int) -> LinePoses:
    """Poses measured from that of a line: the head is first brought back from it, then moved."""
    if poses.shape[1] == 6:
        matrices = matrices_of(poses)
        return poses_of(matrices @ inverse_pose(matrices[line]))
    angle, row, column = poses[line]
    rotated = poses[:, 0] - angle
    cos, sin = np.cos(rotated), np.sin(rotated)
    rows = poses[:, 1] - (cos * row - sin * column)
    columns = poses[:, 2] - (sin * row + cos * column)
    return np.column_stack([rotated, rows, columns])


def relative_to_mean(poses: LinePoses, weights: Float[np.ndarray, "n_lines"]) -> LinePoses:
    """Poses measured from their weighted mean, so that the image of the head stays in its place.

    In space the head is brought back from the mean and then moved. Within a plane the mean is
    subtracted: the same to first order in the rotations.
    """
    if poses.shape[1] == 6:
        mean = np.average(poses, axis=0, weights=weights)
        return poses_of(matrices_of(poses) @ inverse_pose(matrices_of(mean[None])))
    share = np.asarray(weights) / np.sum(weights)
    return np.asarray(poses - share @ poses)


def _units(n_dof: int) -> Float[np.ndarray, "n_dof"]:
    """What 1 mm is of each degree of freedom."""
    n_rotations = _N_ROTATIONS[n_dof]
    return np.array([1 / RADIUS_MM] * n_rotations + [1.0] * (n_dof - n_rotations))
