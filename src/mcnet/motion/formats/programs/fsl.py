"""FSL: MCFLIRT's six numbers a volume.

For small angles the head rotates by ``(rot_x, -rot_y, -rot_z)`` and is translated by
``(trans_x, -trans_y, -trans_z)``.

The matrix ``Rx Ry Rz``, each factor ``[[cos, sin], [-sin, cos]]`` (``rotmat2euler`` of MISCMATHS),
brings the volume to the reference, in scaled voxels whose x runs to the left (LAS). That is FSL's
own order of voxels; an image stored along other axes than left-right, posterior-anterior,
inferior-superior keeps its own.
"""

from mcnet.motion.formats.conventions import SixNumbers
from mcnet.motion.formats.motion_format import MotionFormat

FORMAT = MotionFormat(
    name="fsl",
    label="FSL MCFLIRT `-plots`",
    pattern="*.par",
    convention=SixNumbers(
        columns=("rot_x", "rot_y", "rot_z", "trans_x", "trans_y", "trans_z"),
        translation=(3, 4, 5),
        rotation=(0, 1, 2),
        translation_signs=(-1, 1, 1),
        rotation_signs=(1, -1, -1),
    ),
    rotates_about="the centre of mass",
)
