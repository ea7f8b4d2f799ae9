"""A table of your own: the conventions of `mcnet.motion.poses`, by the names of the columns."""

from mcnet.motion.formats.conventions import SixNumbers
from mcnet.motion.formats.motion_format import MotionFormat

_TRANSLATIONS = tuple(f"translation_{axis}_mm" for axis in "xyz")
_ROTATIONS = tuple(f"rotation_{axis}_deg" for axis in "xyz")

FORMAT = MotionFormat(
    name="csv",
    label="you",
    pattern="*.csv",
    convention=SixNumbers(
        columns=_TRANSLATIONS + _ROTATIONS,
        translation=(0, 1, 2),
        rotation=(3, 4, 5),
        radians=False,
        moves_back=False,
    ),
    rotates_about="the centre of the field of view",
    header=_TRANSLATIONS[:1],
    time_column="time_s",
    separator=",",
)
