"""SPM: Realign's six numbers a volume.

For small angles the head rotates by ``(pitch, -roll, yaw)`` and is translated by ``(-x, -y, -z)``.

``spm_matrix`` of a row is the matrix from the image to the reference, in RAS millimetres; its roll
has the opposite sense of its pitch and yaw.
"""

from mcnet.motion.formats.conventions import SixNumbers
from mcnet.motion.formats.motion_format import MotionFormat

FORMAT = MotionFormat(
    name="spm",
    label="SPM Realign",
    pattern="rp_*.txt",
    convention=SixNumbers(
        columns=("x", "y", "z", "pitch", "roll", "yaw"),
        translation=(0, 1, 2),
        rotation=(3, 4, 5),
        rotation_signs=(1, -1, 1),
    ),
    rotates_about="the origin of the scanner's coordinates",
)
