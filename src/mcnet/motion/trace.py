"""Head motion over time: six degrees of freedom, one pose per time point."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation, Slerp

from mcnet.core.errors import McnetError
from mcnet.motion.poses import inverse_pose, pose_matrix, pose_parameters

Mode = Literal["rotation", "rotation+translation", "six-dof"]
"""Which degrees of freedom move. The first two are the paper's, within sagittal slices."""

_KEPT: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    # translations kept, rotations kept: sagittal slices lie in the y-z plane and rotate about x
    "rotation": ((), (0,)),
    "rotation+translation": ((1, 2), (0,)),
    "six-dof": ((0, 1, 2), (0, 1, 2)),
}
MODES: tuple[Mode, ...] = ("rotation", "rotation+translation", "six-dof")


@dataclass(frozen=True, eq=False)
class MotionTrace:
    """Poses of the head at equally spaced times, by the conventions of `mcnet.motion.poses`."""

    translation_mm: Float[np.ndarray, "n_points 3"]
    """Translation along x, y and z in millimetres."""
    rotation_deg: Float[np.ndarray, "n_points 3"]
    """Rotation about x, y and z in degrees."""
    interval_s: float | None = None
    """Time between two points in seconds, where it is known."""
    name: str = "motion"
    """Where the trace comes from, for tables."""

    def __post_init__(self) -> None:
        """Refuse numbers that are no motion."""
        for values in (self.translation_mm, self.rotation_deg):
            if not np.all(np.isfinite(values)):
                raise McnetError(
                    f"{self.name} holds NaN or infinite values; a motion trace needs a finite "
                    "number for every degree of freedom: repair or drop those time points."
                )

    @property
    def n_points(self) -> int:
        """Number of time points."""
        return len(self.translation_mm)

    @property
    def poses(self) -> Float[np.ndarray, "n_points 4 4"]:
        """The poses as matrices."""
        return pose_matrix(self.translation_mm, self.rotation_deg)

    @property
    def magnitude(self) -> float:
        """Standard deviation over time, all six degrees of freedom together: 1 deg counts as 1 mm.

        The root of the summed variances. For the paper's "rotation" mode it is the standard
        deviation of the one angle, as in its Figure 5.
        """
        variances = np.concatenate([self.translation_mm.var(axis=0), self.rotation_deg.var(axis=0)])
        return float(np.sqrt(variances.sum()))

    def framewise_displacement_mm(self, radius_mm: float = 50.0) -> Float[np.ndarray, "n_steps"]:
        """Displacement from point to point (Power et al. 2012), on a sphere of this radius.

        The absolute changes of the translations, plus the radius times those of the angles.
        """
        translations = np.abs(np.diff(self.translation_mm, axis=0)).sum(axis=1)
        angles = np.abs(np.diff(np.radians(self.rotation_deg), axis=0)).sum(axis=1)
        return np.asarray(translations + radius_mm * angles)

    def rms_displacement_mm(self, radius_mm: float = 80.0) -> float:
        """Root mean square displacement from the mean pose, over time and over a sphere.

        Of a pose ``(A, t)`` measured from the mean, the mean over a sphere about the origin is
        ``radius^2 / 5 trace((A - I)^T (A - I)) + |t|^2`` (Jenkinson, FMRIB TR99MJ1, 1999).
        """
        poses = self.at_rest_on_average(np.ones(self.n_points)).poses
        apart = poses[:, :3, :3] - np.eye(3)
        of_rotations = radius_mm**2 / 5 * (apart**2).sum(axis=(1, 2))
        of_translations = (poses[:, :3, 3] ** 2).sum(axis=1)
        return float(np.sqrt(np.mean(of_rotations + of_translations)))

    def scaled(self, factor: float) -> "MotionTrace":
        """Return the trace with translations and angles multiplied, as the paper does by 8.

        Raises
        ------
        McnetError
            The factor is NaN or infinite, or makes the motion so.
        """
        most = max(np.abs(self.translation_mm).max(), np.abs(self.rotation_deg).max(), 1.0)
        if not abs(factor) <= np.finfo(float).max / most:
            raise McnetError(f"scale {factor:g} is impossible; give a finite number, such as 8.")
        return replace(
            self,
            translation_mm=self.translation_mm * factor,
            rotation_deg=self.rotation_deg * factor,
        )

    def segment(self, start: int, n_points: int) -> "MotionTrace":
        """Return ``n_points`` poses from time point ``start`` on.

        Raises
        ------
        McnetError
            The trace does not reach that far.
        """
        if start < 0 or n_points < 1 or start + n_points > self.n_points:
            raise McnetError(
                f"{self.name} has {self.n_points} time points, but {n_points} from point {start} "
                f"on are needed (one per phase-encoding line); use a longer recording, an earlier "
                "start, a smaller matrix, or resample it."
            )
        part = slice(start, start + n_points)
        return replace(
            self, translation_mm=self.translation_mm[part], rotation_deg=self.rotation_deg[part]
        )

    def resampled(self, n_points: int) -> "MotionTrace":
        """Return the same duration at ``n_points`` equally spaced times.

        Translations are interpolated linearly, rotations along the shortest way from one to the
        next at a constant rate (spherical linear interpolation), which Euler angles taken one by
        one are not.

        Raises
        ------
        McnetError
            The trace is a single pose.
        """
        if self.n_points < 2:
            raise McnetError(
                f"{self.name} is a single pose, between which and others nothing can be "
                "interpolated; give a trace of 2 points or more."
            )
        old, new = np.linspace(0, 1, self.n_points), np.linspace(0, 1, n_points)
        rotations = Slerp(old, Rotation.from_euler("xyz", self.rotation_deg, degrees=True))(new)
        translations = [np.interp(new, old, column) for column in self.translation_mm.T]
        ratio = (self.n_points - 1) / max(n_points - 1, 1)
        return replace(
            self,
            translation_mm=np.stack(translations, axis=1),
            rotation_deg=rotations.as_euler("xyz", degrees=True),
            interval_s=None if self.interval_s is None else self.interval_s * ratio,
        )

    def at_rest_when(self, index: int) -> "MotionTrace":
        """Return the trace measured from its own pose at time point ``index``.

        The inverse of that pose is composed with every pose, first the head is brought back and
        then moved: ``pose[t] @ inverse(pose[index])``. Subtracting Euler angles is not the same
        once angles are large.
        """
        return self._after(self.poses[index])

    def at_rest_on_average(self, weights: Float[np.ndarray, "n_points"]) -> "MotionTrace":
        """Return the trace measured from its weighted mean pose.

        With the k-space energy of each line as weights this aligns the motion-free reference with
        the corrupted image; the pose at one central line alone does not.
        """
        share = np.asarray(weights) / np.sum(weights)
        mean = pose_matrix(share @ self.translation_mm, share @ self.rotation_deg)
        return self._after(mean)

    def restricted_to(self, mode: Mode) -> "MotionTrace":
        """Return the trace with the degrees of freedom of ``mode`` alone, the others at zero."""
        translations, rotations = _KEPT[mode]
        translation, rotation = np.zeros_like(self.translation_mm), np.zeros_like(self.rotation_deg)
        translation[:, translations] = self.translation_mm[:, translations]
        rotation[:, rotations] = self.rotation_deg[:, rotations]
        return replace(self, translation_mm=translation, rotation_deg=rotation)

    def is_within(self, *, translation_mm: float, rotation_deg: float) -> bool:
        """Whether every point stays within these bounds of the reference pose."""
        return bool(
            np.abs(self.translation_mm).max() <= translation_mm
            and np.abs(self.rotation_deg).max() <= rotation_deg
        )

    def _after(self, pose: Float[np.ndarray, "4 4"]) -> "MotionTrace":
        translation, rotation = pose_parameters(self.poses @ inverse_pose(pose))
        return replace(self, translation_mm=translation, rotation_deg=rotation)


def still(n_points: int) -> MotionTrace:
    """Return a trace of a head that does not move."""
    return MotionTrace(np.zeros((n_points, 3)), np.zeros((n_points, 3)), name="still")
