"""What the numbers of a motion file would mean in another format or unit; implausible ones refused.

FSL and SPM write the same six columns in another order, AFNI writes degrees and others radians:
a file read as another program's gives finite numbers and no head motion.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mcnet.core.errors import McnetError
from mcnet.motion.formats.conventions import CONVENTIONS, FORMATS, MotionFormat, head_motion
from mcnet.motion.formats.tables import TextTable
from mcnet.motion.plausibility import is_ordinary, is_suspicious, size_in_words
from mcnet.motion.trace import MotionTrace

Numbers = Float[np.ndarray, "n_points 6"]

_MM_PER_METRE = 1000.0


@dataclass(frozen=True, eq=False)
class _Reading:
    """The same numbers as another format or unit has them."""

    words: str
    values: Numbers
    motion_format: MotionFormat
    remedy: str = ""

    @property
    def n_beyond(self) -> int:
        """Numbers beyond what a head in a coil can do."""
        return int(np.sum(np.abs(self.values) > CONVENTIONS[self.motion_format].limits))

    @property
    def trace(self) -> MotionTrace:
        """The head's motion."""
        return MotionTrace(*head_motion(self.values, CONVENTIONS[self.motion_format]))

    def __str__(self) -> str:
        """How far the head moves by the numbers themselves, before turns become angles."""
        convention = CONVENTIONS[self.motion_format]
        turns, shifts = (
            float(np.abs(self.values[:, columns]).max())
            for columns in (convention.rotation, convention.translation)
        )
        rotation_deg = np.degrees(turns) if convention.radians else turns
        return f"{self.words} has {size_in_words(shifts, rotation_deg)}"


def check_reading(lines: TextTable, values: Numbers, motion_format: MotionFormat) -> None:
    """Refuse numbers that are no motion of a head by this format.

    Raises
    ------
    McnetError
        A number is beyond what a head in a coil can do, or turns and shifts are out of proportion
        while another format or unit makes the file ordinary; others that serve are named.
    """
    limits = CONVENTIONS[motion_format].limits
    beyond = np.argwhere(np.abs(values) > limits)
    found = _Reading(f"{lines.path}, read as {motion_format},", values, motion_format)
    if len(beyond) == 0 and not is_suspicious(found.trace):
        return
    others = [
        each
        for each in _other_readings(values, motion_format, len(lines.header))
        if each.n_beyond == 0
    ]
    better = [each for each in others if is_ordinary(each.trace)]
    if not better and len(beyond):
        better = others
    if better:
        named = "; ".join(f"{each}: {each.remedy}" for each in better)
        raise McnetError(f"{found}, which is no motion of a head; {named}.")
    if len(beyond):
        row, column = (int(index) for index in beyond[0])
        convention = CONVENTIONS[motion_format]
        turn = column in convention.rotation
        unit = ("rad" if convention.radians else "deg") if turn else "mm"
        kind = "turns" if turn else "shifts"
        raise McnetError(
            f"{lines.path}, line {lines.line_numbers[row]}: {convention.columns[column]} is "
            f"{values[row, column]:g} {unit}, but a head in a coil {kind} by {limits[column]:.4g} "
            f"{unit} at most; give the right --motion-format or repair the file."
        )


def _other_readings(
    values: Numbers, motion_format: MotionFormat, n_columns: int
) -> Iterator[_Reading]:
    convention = CONVENTIONS[motion_format]
    if not convention.named and n_columns == 6:
        for other in FORMATS:
            if other != motion_format and not CONVENTIONS[other].named:
                remedy = f"give --motion-format {other}"
                yield _Reading(f"read as {other} it", values, other, remedy)
    in_unit, in_mm = values.copy(), values.copy()
    told, wanted = ("degrees", "radians") if convention.radians else ("radians", "degrees")
    in_unit[:, convention.rotation] *= np.pi / 180 if convention.radians else 180 / np.pi
    in_mm[:, convention.translation] *= _MM_PER_METRE
    remedy = f"turn {told} into {wanted}, as {motion_format} has them"
    yield _Reading(f"with turns in {told} it", in_unit, motion_format, remedy)
    remedy = "turn metres into millimetres"
    yield _Reading("with shifts in metres it", in_mm, motion_format, remedy)
