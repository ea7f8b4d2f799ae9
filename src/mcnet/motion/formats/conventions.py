"""What the numbers in a row of a motion file mean, and what six numbers a row mean.

Most programs write how they moved a volume *back* to the reference; `mcnet.motion.poses` describes
how the head moved. So a program's numbers are made into its own rigid transform, inverted where it
moves volumes back, and expressed in RAS+ axes (x right, y anterior, z superior). What is a
program's own, and its source, stands in its module of `mcnet.motion.formats.programs`.

Left open by all of the programs: their files do not say about which point the head rotates (the
centre of mass, the origin of the world, the centre of the grid). It is taken to be the centre of
the field of view.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from mcnet.motion.poses import inverse_pose, pose_parameters
from mcnet.motion.trace import MotionTrace

Numbers = Float[np.ndarray, "n_points n_columns"]
"""The numbers of a motion file, a row a time point."""
Vectors = Float[np.ndarray, "n_points 3"]


@dataclass(frozen=True, kw_only=True)
class Convention(ABC):
    """What the columns of a row mean."""

    columns: tuple[str, ...]
    """Names of the columns in the order of the file."""
    translation: tuple[int, int, int]
    """Columns of the translations along x, y and z, in mm."""
    rotation: tuple[int, ...]
    """Columns that are angles about x, y and z; of matrices there are none."""
    radians: bool = True
    """Unit of the angles; otherwise degrees."""

    @abstractmethod
    def head_motion(self, values: Numbers) -> tuple[Vectors, Vectors]:
        """Translations in mm and angles in degrees of the head, from a program's numbers."""

    @abstractmethod
    def numbers(self, trace: MotionTrace) -> Numbers:
        """A program's numbers of the head's motion: the inverse of `head_motion`."""

    @abstractmethod
    def parameters(self, values: Numbers) -> tuple[Vectors, Vectors]:
        """Translations and angles by the numbers themselves, in their own axes and units."""

    @property
    @abstractmethod
    def parameter_names(self) -> tuple[str, ...]:
        """Names of these three translations and three angles."""

    def fault(self, values: Numbers) -> tuple[int, str] | None:
        """Return the first row that is no rigid motion, and why; none where all are."""
        del values
        return None


@dataclass(frozen=True, kw_only=True)
class SixNumbers(Convention):
    """Three translations and three angles a row, in RAS+ axes after signs."""

    rotation: tuple[int, int, int]
    translation_signs: tuple[int, int, int] = (1, 1, 1)
    rotation_signs: tuple[int, int, int] = (1, 1, 1)
    """Sign of the head's rotation about x, y and z, by the right-hand rule."""
    order: Literal["xyz", "yxz"] = "xyz"
    """Axes of the head's rotations, the first rotation first."""
    moves_back: bool = True
    """Whether the numbers bring the volume back to the reference, rather than move the head."""

    def head_motion(self, values: Numbers) -> tuple[Vectors, Vectors]:
        """Translations in mm and angles in degrees of the head, from a program's numbers."""
        if not self.moves_back:
            return values[:, self.translation], values[:, self.rotation]
        angles = values[:, self.rotation] * self.rotation_signs
        in_order = angles[:, ["xyz".index(axis) for axis in self.order]]
        rotations = Rotation.from_euler(self.order, in_order, degrees=not self.radians)
        poses = np.tile(np.eye(4), (len(values), 1, 1))
        poses[:, :3, :3] = rotations.inv().as_matrix()
        poses[:, :3, 3] = values[:, self.translation] * self.translation_signs
        return pose_parameters(inverse_pose(poses))

    def numbers(self, trace: MotionTrace) -> Numbers:
        """A program's six numbers of the head's motion: the inverse of `head_motion`."""
        values = np.zeros((trace.n_points, 6))
        if not self.moves_back:
            values[:, self.translation] = trace.translation_mm
            values[:, self.rotation] = trace.rotation_deg
            return values
        poses = trace.poses
        rotations = Rotation.from_matrix(np.ascontiguousarray(poses[:, :3, :3]))
        in_order = rotations.as_euler(self.order, degrees=not self.radians)
        angles = in_order[:, [self.order.index(axis) for axis in "xyz"]]
        values[:, self.rotation] = angles * self.rotation_signs
        values[:, self.translation] = inverse_pose(poses)[:, :3, 3] * self.translation_signs
        return values

    def parameters(self, values: Numbers) -> tuple[Vectors, Vectors]:
        """Translations and angles by the numbers themselves, in their own axes and units."""
        return values[:, self.translation], values[:, self.rotation]

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the columns: translations first."""
        return tuple(self.columns[column] for column in (*self.translation, *self.rotation))
