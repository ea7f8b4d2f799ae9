"""What the numbers in motion files of FSL, SPM, AFNI and fMRIPrep mean, and plain CSV.

Each program writes how it moved a volume *back* to the reference; `mcnet.motion.poses` wants how
the head moved. So every program's six numbers are made into its own rigid transform, inverted, and
turned from its axes to RAS+ (x right, y anterior, z superior):

======== ===================================== ============ ===== ============================
format   columns                               units        axes  the head turned, and shifted
======== ===================================== ============ ===== ============================
fsl      rot x y z, trans x y z                rad, mm      LAS   Rz(-rz) Ry(-ry) Rx(rx);
                                                                  ( tx, -ty, -tz)
fmriprep trans_x trans_y trans_z               mm, rad      LAS   as fsl: MCFLIRT's own numbers
         rot_x rot_y rot_z, by name; before
         1.2 X Y Z RotX RotY RotZ
spm      trans x y z, pitch roll yaw           mm, rad      RAS   Rz(yaw) Ry(-roll) Rx(pitch);
                                                                  (-tx, -ty, -tz)
afni     roll pitch yaw, dS dL dP              deg, mm      LPS   Rz(-roll) Rx(pitch) Ry(yaw);
                                                                  ( dL,  dP, -dS)
csv      translation_x_mm ... rotation_z_deg   mm, deg      RAS   Rz Ry Rx, as they stand;
         by name, optional time_s                                 ( x,   y,   z)
======== ===================================== ============ ===== ============================

The shifts are those of small angles; exactly, the inverse's shift is ``-R t``.

Sources
    FSL: matrix ``Rx Ry Rz`` from volume to reference, each factor ``[[cos, sin], [-sin, cos]]``
    (``rotmat2euler`` of MISCMATHS), in scaled voxels whose x runs to the left.
    SPM: ``spm_matrix`` of the rows gives the matrix from image to reference; its roll has the
    opposite sense of its pitch and yaw.
    AFNI: the help of 3dvolreg ("those needed to bring the sub-brick back into alignment with the
    base", degrees counterclockwise) and of 3drotate (right-hand rule about I-S, R-L and A-P).

Left open by the programs: their files do not say about which point the head turns (FSL the
centre of mass, SPM the origin of the world, AFNI the centre of the grid). It is taken to be the
centre of the field of view. FSL's x runs to the left only as FSL orders voxels; an image stored
along other axes than left-right, anterior-posterior, inferior-superior keeps its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from mcnet.motion.plausibility import MAX_ROTATION_DEG, MAX_TRANSLATION_MM
from mcnet.motion.poses import inverse_pose, pose_parameters
from mcnet.motion.trace import MotionTrace

MotionFormat = Literal["fsl", "spm", "afni", "fmriprep", "csv"]
"""Whose conventions a motion file follows."""
FORMATS: tuple[MotionFormat, ...] = get_args(MotionFormat)


@dataclass(frozen=True)
class Convention:
    """What the six columns of a program mean, in RAS+ axes."""

    columns: tuple[str, ...]
    """Names of the columns in the order of the file."""
    translation: tuple[int, int, int]
    """Columns of the shifts along x, y and z."""
    rotation: tuple[int, int, int]
    """Columns of the turns about x, y and z."""
    translation_signs: tuple[int, int, int] = (1, 1, 1)
    rotation_signs: tuple[int, int, int] = (1, 1, 1)
    """Sign of the head's turn about x, y and z, by the right-hand rule."""
    order: Literal["xyz", "yxz"] = "xyz"
    """Axes of the head's turns, the first turn first."""
    radians: bool = True
    moves_back: bool = True
    """Whether the numbers bring the volume back to the reference, rather than move the head."""
    named: bool = False
    """Whether a header names the columns."""
    old_columns: tuple[str, ...] = ()
    """What a header called them before."""

    def columns_of(self, header: Sequence[str]) -> tuple[str, ...]:
        """Names of the six columns as this header has them, or is to have them."""
        is_old = bool(self.old_columns) and set(header).issuperset(self.old_columns)
        return self.old_columns if is_old else self.columns

    @property
    def limits(self) -> Float[np.ndarray, "6"]:
        """Largest possible numbers of the six columns, in their own units."""
        limits = np.full(6, MAX_TRANSLATION_MM)
        angle = np.radians(MAX_ROTATION_DEG) if self.radians else MAX_ROTATION_DEG
        limits[list(self.rotation)] = angle
        return limits


_BY_NAME = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")
CONVENTIONS: dict[MotionFormat, Convention] = {
    "fsl": Convention(_BY_NAME[3:] + _BY_NAME[:3], (3, 4, 5), (0, 1, 2), (-1, 1, 1), (1, -1, -1)),
    "fmriprep": Convention(
        _BY_NAME,
        (0, 1, 2),
        (3, 4, 5),
        (-1, 1, 1),
        (1, -1, -1),
        named=True,
        old_columns=("X", "Y", "Z", "RotX", "RotY", "RotZ"),
    ),
    "spm": Convention(
        ("x", "y", "z", "pitch", "roll", "yaw"), (0, 1, 2), (3, 4, 5), rotation_signs=(1, -1, 1)
    ),
    "afni": Convention(
        ("roll", "pitch", "yaw", "dS", "dL", "dP"),
        (4, 5, 3),
        (1, 2, 0),
        (-1, -1, 1),
        (1, 1, -1),
        order="yxz",
        radians=False,
    ),
    "csv": Convention(
        tuple(f"translation_{axis}_mm" for axis in "xyz")
        + tuple(f"rotation_{axis}_deg" for axis in "xyz"),
        (0, 1, 2),
        (3, 4, 5),
        radians=False,
        moves_back=False,
        named=True,
    ),
}


def head_motion(
    values: Float[np.ndarray, "n_points 6"], convention: Convention
) -> tuple[Float[np.ndarray, "n_points 3"], Float[np.ndarray, "n_points 3"]]:
    """Translations in mm and angles in degrees of the head, from a program's numbers."""
    if not convention.moves_back:
        return values[:, convention.translation], values[:, convention.rotation]
    angles = values[:, convention.rotation] * convention.rotation_signs
    in_order = angles[:, ["xyz".index(axis) for axis in convention.order]]
    turns = Rotation.from_euler(convention.order, in_order, degrees=not convention.radians)
    poses = np.tile(np.eye(4), (len(values), 1, 1))
    poses[:, :3, :3] = turns.inv().as_matrix()
    poses[:, :3, 3] = values[:, convention.translation] * convention.translation_signs
    return pose_parameters(inverse_pose(poses))


def program_numbers(trace: MotionTrace, convention: Convention) -> Float[np.ndarray, "n_points 6"]:
    """A program's six numbers of the head's motion: the inverse of `head_motion`."""
    values = np.zeros((trace.n_points, 6))
    if not convention.moves_back:
        values[:, convention.translation] = trace.translation_mm
        values[:, convention.rotation] = trace.rotation_deg
        return values
    poses = trace.poses
    turns = Rotation.from_matrix(np.ascontiguousarray(poses[:, :3, :3]))
    in_order = turns.as_euler(convention.order, degrees=not convention.radians)
    angles = in_order[:, [convention.order.index(axis) for axis in "xyz"]]
    values[:, convention.rotation] = angles * convention.rotation_signs
    shifts = inverse_pose(poses)[:, :3, 3]
    values[:, convention.translation] = shifts * convention.translation_signs
    return values
