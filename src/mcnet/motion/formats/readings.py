"""What the numbers of a motion file would mean in another format or unit; implausible ones refused.

FSL and SPM write the same six columns in another order, AFNI writes degrees and others radians:
a file read as another program's gives finite numbers and no head motion.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from mcnet.core.errors import BadFileError
from mcnet.motion.formats.conventions import Convention, Numbers
from mcnet.motion.formats.motion_format import MotionFormat, Rows
from mcnet.motion.formats.registry import motion_formats
from mcnet.motion.plausibility import (
    MAX_ROTATION_DEG,
    MAX_TRANSLATION_MM,
    is_ordinary,
    is_suspicious,
    size_in_words,
)
from mcnet.motion.trace import MotionTrace

_MM_PER_METRE = 1000.0


@dataclass(frozen=True, eq=False)
class _Reading:
    """The same numbers as another format or unit has them."""

    words: str
    values: Numbers
    convention: Convention
    remedy: str = ""

    @property
    def limits(self) -> tuple[float, float]:
        """Largest possible translation and angle, in the units of the parameters."""
        radians = self.convention.radians
        return MAX_TRANSLATION_MM, np.radians(MAX_ROTATION_DEG) if radians else MAX_ROTATION_DEG

    @property
    def is_beyond(self) -> Bool[np.ndarray, "n_points 6"]:
        """Where a translation or an angle is beyond what a head in a coil can do."""
        parameters = self.convention.parameters(self.values)
        return np.hstack(
            [np.abs(one) > limit for one, limit in zip(parameters, self.limits, strict=True)]
        )

    @property
    def trace(self) -> MotionTrace:
        """The head's motion."""
        return MotionTrace(*self.convention.head_motion(self.values))

    def __str__(self) -> str:
        """How far the head moves by the numbers themselves, before they become a rotation."""
        translation, rotation = (
            float(np.abs(one).max()) for one in self.convention.parameters(self.values)
        )
        rotation_deg = np.degrees(rotation) if self.convention.radians else rotation
        return f"{self.words} has {size_in_words(translation, rotation_deg)}"


def check_reading(rows: Rows, known: MotionFormat) -> None:
    """Refuse numbers that are no motion of a head by this format.

    Raises
    ------
    McnetError
        A matrix is not rigid, a translation or rotation is beyond what a head in a coil can do, or
        they are out of proportion while another format or unit makes the file ordinary; others
        that serve are named.
    """
    lines, values = rows.lines, rows.values
    fault = known.convention.fault(values)
    if fault:
        row, why = fault
        raise BadFileError(f"{lines.path}, line {lines.line_numbers[row]}: {why}.")
    found = _Reading(f"{lines.path}, read as {known.name},", values, known.convention)
    beyond = np.argwhere(found.is_beyond)
    if len(beyond) == 0 and not is_suspicious(found.trace):
        return
    others = [each for each in _other_readings(rows, known) if not each.is_beyond.any()]
    better = [each for each in others if is_ordinary(each.trace)]
    if not better and len(beyond):
        better = others
    if better:
        named = "; ".join(f"{each}: {each.remedy}" for each in better)
        raise BadFileError(f"{found}, which is no motion of a head; {named}.")
    if len(beyond):
        raise _beyond(found, rows, row=int(beyond[0, 0]), parameter=int(beyond[0, 1]))


def _beyond(found: _Reading, rows: Rows, *, row: int, parameter: int) -> BadFileError:
    """Return the sentence about a number that no head can reach, to be raised."""
    is_rotation = parameter >= 3
    value = found.convention.parameters(found.values)[is_rotation][row, parameter % 3]
    unit = ("rad" if found.convention.radians else "deg") if is_rotation else "mm"
    return BadFileError(
        f"{rows.lines.path}, line {rows.lines.line_numbers[row]}: "
        f"{found.convention.parameter_names[parameter]} is {value:g} {unit}, but a head in a coil "
        f"{'rotates' if is_rotation else 'moves'} by {found.limits[is_rotation]:.4g} {unit} at "
        "most; give the right --motion-format or repair the file."
    )


def _other_readings(rows: Rows, known: MotionFormat) -> Iterator[_Reading]:
    values, own = rows.values, known.convention
    if not known.header:
        for other in motion_formats():
            fits = other.has_rows_of(len(rows.lines.header)) and other is not known
            if fits and other.convention.fault(values) is None:
                remedy = f"give --motion-format {other.name}"
                yield _Reading(f"read as {other.name} it", values, other.convention, remedy)
    if own.rotation:
        told, wanted = ("degrees", "radians") if own.radians else ("radians", "degrees")
        in_unit = values.copy()
        in_unit[:, own.rotation] *= np.pi / 180 if own.radians else 180 / np.pi
        remedy = f"convert {told} to {wanted}, as {known.name} has them"
        yield _Reading(f"with rotations in {told} it", in_unit, own, remedy)
    in_mm = values.copy()
    in_mm[:, own.translation] *= _MM_PER_METRE
    remedy = "convert metres to millimetres"
    yield _Reading("with translations in metres it", in_mm, own, remedy)
