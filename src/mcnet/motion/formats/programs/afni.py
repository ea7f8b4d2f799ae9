"""AFNI: 3dvolreg's six numbers a volume.

For small angles the head rotates by ``(pitch, yaw, -roll)`` and is translated by ``(dL, dP, -dS)``.

The help of 3dvolreg ("those needed to bring the sub-brick back into alignment with the base",
degrees counterclockwise) and of 3drotate (right-hand rule about I-S, R-L and A-P). In DICOM axes
(LPS) the matrix from the volume to the base is ``Ry(yaw) Rx(pitch) Rz(roll)``, by the right-hand
rule, and its translation ``(dL, dP, dS)``, as 3dvolreg makes the matrices of its ``-1Dmatrix_save``
from the six numbers (`mcnet.motion.formats.programs.aff12`).
"""

from mcnet.motion.formats.conventions import SixNumbers
from mcnet.motion.formats.motion_format import MotionFormat

FORMAT = MotionFormat(
    name="afni",
    label="AFNI 3dvolreg `-1Dfile` (or `-dfile`, 9 columns)",
    pattern="*.1D",
    convention=SixNumbers(
        columns=("roll", "pitch", "yaw", "dS", "dL", "dP"),
        translation=(4, 5, 3),
        rotation=(1, 2, 0),
        translation_signs=(-1, -1, 1),
        rotation_signs=(1, 1, -1),
        order="yxz",
        radians=False,
    ),
    rotates_about="the centre of the grid",
    # -dfile puts an index before the six columns and two residuals behind them
    wider_rows={9: 1},
)
