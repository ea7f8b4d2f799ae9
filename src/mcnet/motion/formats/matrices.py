"""Motion files of rigid matrices: twelve numbers a row, the upper three rows of a 4x4 matrix."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mcnet.motion.formats.conventions import Convention, Numbers, Vectors
from mcnet.motion.poses import inverse_pose, pose_parameters
from mcnet.motion.trace import MotionTrace

Matrices = Float[np.ndarray, "n_points 4 4"]

RIGID_TOLERANCE = 1e-3
"""Relative change of a length that still counts as rigid: .1 mm at 100 mm from the centre. Rigid
matrices written with six digits are within 1e-5."""


@dataclass(frozen=True, kw_only=True)
class RigidMatrices(Convention):
    """``r11 r12 r13 t1 r21 ... t3`` a row: the point ``p`` goes to ``R p + t``.

    A pose in axes with signs ``F`` (a diagonal matrix) is ``F M F`` in RAS+ axes.
    """

    columns: tuple[str, ...] = tuple(
        f"{'t' if column == 4 else 'r'}{row}{'' if column == 4 else column}"
        for row in (1, 2, 3)
        for column in (1, 2, 3, 4)
    )
    translation: tuple[int, int, int] = (3, 7, 11)
    rotation: tuple[int, ...] = ()
    radians: bool = False
    axis_signs: tuple[int, int, int]
    """1 where an axis of the program runs as that of RAS+, -1 where against it."""
    moves_back: bool
    """Whether a matrix brings the volume back to the reference, rather than moves the head."""
    rigid_remedy: str
    """How the program is made to write rigid matrices."""

    def head_motion(self, values: Numbers) -> tuple[Vectors, Vectors]:
        """Translations in mm and angles in degrees of the head, from a program's matrices.

        The rotation is the one nearest to each matrix, as matrices in text are rounded.
        """
        poses = self._in_ras(_matrices(values))
        left, _, right = np.linalg.svd(poses[:, :3, :3])
        poses[:, :3, :3] = left @ right
        return pose_parameters(inverse_pose(poses) if self.moves_back else poses)

    def numbers(self, trace: MotionTrace) -> Numbers:
        """A program's matrices of the head's motion: the inverse of `head_motion`."""
        poses = inverse_pose(trace.poses) if self.moves_back else trace.poses
        return self._in_ras(poses)[:, :3].reshape(-1, 12) + 0.0  # no -0 in the text

    def parameters(self, values: Numbers) -> tuple[Vectors, Vectors]:
        """Translations and angles of the head in RAS+ axes: matrices have no others."""
        return self.head_motion(values)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Translations along, then rotations about x, y and z."""
        along = [f"the translation along {axis}" for axis in "xyz"]
        return (*along, *(f"the rotation about {axis}" for axis in "xyz"))

    def fault(self, values: Numbers) -> tuple[int, str] | None:
        """Return the first row whose matrix scales, shears or mirrors, and how."""
        linear = _matrices(values)[:, :3, :3]
        change = np.abs(np.linalg.svd(linear, compute_uv=False) - 1).max(axis=1)
        mirrors = np.linalg.det(linear) < 0
        bad = np.flatnonzero((change > RIGID_TOLERANCE) | mirrors)
        if not bad.size:
            return None
        row = int(bad[0])
        does = f"scales or shears lengths by up to {100 * change[row]:.2g} %"
        return row, (
            f"the matrix {'mirrors' if mirrors[row] else does}, but a head moves rigidly "
            f"(within {100 * RIGID_TOLERANCE:g} %); {self.rigid_remedy}, or name another file"
        )

    def _in_ras(self, matrices: Matrices) -> Matrices:
        """Matrices of the program's axes in RAS+ axes, and the other way round."""
        signs = np.array([*self.axis_signs, 1])
        return np.asarray(matrices * signs[:, None] * signs)


def _matrices(values: Numbers) -> Matrices:
    matrices = np.tile(np.eye(4), (len(values), 1, 1))
    matrices[:, :3] = values.reshape(-1, 3, 4)
    return matrices
