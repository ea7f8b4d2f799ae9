"""Which motion a head in a coil can make, and what the numbers of other motion look like.

The limits are of no one study: 113 recorded runs of fMRI stay within 10 mm and 9 degrees of their
reference, and the paper's motion, within 2 mm and 2 degrees and multiplied by 8, within 16. In the
same runs the turns in degrees are .24 to 2.7 times the shifts in millimetres (root mean squares;
.1 to 9 in 3,000 generated traces). Numbers in other units or of another order are off by a factor
of 57 (degrees for radians), of 1000 (metres) or of 57 times 57 (turns and shifts exchanged).
"""

import numpy as np
from jaxtyping import Float

from mcnet.core.errors import McnetError
from mcnet.motion.trace import MotionTrace

# set by what was observed; other values: experiments/tuning/plausible_motion.py
MAX_ROTATION_DEG = 30.0
MAX_TRANSLATION_MM = 50.0
"""A head in a coil does not move farther about or along an axis."""
# set by what was observed; other values: experiments/tuning/plausible_motion.py
_SUSPICIOUS = (0.05, 20.0)
"""Degrees of turn for a millimetre of shift that no run comes near."""
# set by what was observed; other values: experiments/tuning/plausible_motion.py
_ORDINARY = (0.1, 10.0)
"""Those of runs of heads."""


def furthest(trace: MotionTrace) -> tuple[float, float]:
    """Largest shift in mm and largest turn in degrees of any point along or about any axis."""
    return float(np.abs(trace.translation_mm).max()), float(np.abs(trace.rotation_deg).max())


def size_in_words(shift_mm: float, rotation_deg: float) -> str:
    """How far a head moves, in words."""
    return f"turns of up to {rotation_deg:.4g} degrees and shifts of up to {shift_mm:.4g} mm"


def is_possible(trace: MotionTrace) -> bool:
    """Whether a head in a coil can move that far."""
    return trace.is_within(translation_mm=MAX_TRANSLATION_MM, rotation_deg=MAX_ROTATION_DEG)


def is_ordinary(trace: MotionTrace) -> bool:
    """Whether a head moves that far, and turns and shifts in the usual proportion."""
    least, most = _ORDINARY
    return is_possible(trace) and least <= rotation_per_translation(trace) <= most


def is_suspicious(trace: MotionTrace) -> bool:
    """Whether turns and shifts are out of proportion, as in other units or another order."""
    least, most = _SUSPICIOUS
    return not least <= rotation_per_translation(trace) <= most


def rotation_per_translation(trace: MotionTrace) -> float:
    """Degrees of turn for a millimetre of shift: root mean squares about the mean pose.

    Of a single pose, about the pose of rest; of a head that does not move, 1.
    """
    shift, turn = (_spread(values) for values in (trace.translation_mm, trace.rotation_deg))
    if shift == turn:
        return 1.0
    return turn / shift if shift else np.inf


def check_possible(trace: MotionTrace, remedy: str) -> None:
    """Refuse motion that goes farther than a head in a coil can.

    Raises
    ------
    McnetError
        It does; the sentence ends with the remedy.
    """
    if not is_possible(trace):
        shift_mm, rotation_deg = furthest(trace)
        raise McnetError(
            f"{trace.name} has {size_in_words(shift_mm, rotation_deg)}, but a head in a coil "
            f"rotates by {MAX_ROTATION_DEG:g} degrees and moves by {MAX_TRANSLATION_MM:g} mm at "
            f"most; {remedy}."
        )


def check_scaled(trace: MotionTrace, factor: float) -> None:
    """Refuse recorded motion that was multiplied until no head can make it.

    Raises
    ------
    McnetError
        It was; the largest factor is told.
    """
    shift_mm, rotation_deg = furthest(trace)
    room = min(
        limit / size if size else np.inf
        for limit, size in ((MAX_TRANSLATION_MM, shift_mm), (MAX_ROTATION_DEG, rotation_deg))
    )
    check_possible(trace, f"give a --scale of {abs(factor) * room:.2g} at most")


def check_factor(factor: float, *, within: float, name: str = "factor") -> None:
    """Refuse a factor by which motion within so many mm and degrees becomes impossible.

    Raises
    ------
    McnetError
        It is none above 0, or too large.
    """
    most = min(MAX_TRANSLATION_MM, MAX_ROTATION_DEG) / within
    if not 0 < factor <= most:
        raise McnetError(
            f"{name} {factor:g} is impossible; give a number above 0, up to {most:g}, by which "
            f"motion within {within:g} mm and degrees stays within the {MAX_TRANSLATION_MM:g} mm "
            f"and {MAX_ROTATION_DEG:g} degrees of a head in a coil."
        )


def check_moves(trace: MotionTrace) -> None:
    """Refuse a recording of nothing, where motion is to be measured.

    Raises
    ------
    McnetError
        All its poses are one and the same.
    """
    if not np.ptp(np.hstack([trace.translation_mm, trace.rotation_deg]), axis=0).any():
        raise McnetError(
            f"{trace.name} holds one and the same pose {trace.n_points} times: nothing moved, so "
            "there is no motion to measure; leave that file out."
        )


def remarks(trace: MotionTrace) -> list[str]:
    """What a user should know of possible motion: of a head at rest, of a tracker that stopped."""
    values = np.hstack([trace.translation_mm, trace.rotation_deg])
    moved = np.flatnonzero((np.diff(values, axis=0) != 0).any(axis=1))
    if moved.size == 0:
        return [f"{trace.name} holds one and the same pose throughout: nothing moves."]
    n_still = trace.n_points - 1 - int(moved[-1])
    restless = moved.size > _USUALLY_MOVES * (trace.n_points - n_still)
    if restless and n_still >= max(_FROZEN_POINTS, _FROZEN_SHARE * trace.n_points):
        return [
            f"the last {n_still} of {trace.n_points} poses of {trace.name} are exactly the same, "
            "while those before differ: did the tracking stop?"
        ]
    return []


_ROUNDING = 1e-9
"""Less than this, in mm or degrees, is what is left of sums of equal numbers."""
_USUALLY_MOVES = 0.9
"""Share of the steps that change the pose while a tracker works; drawn motion may have fewer."""
_FROZEN_POINTS = 8
_FROZEN_SHARE = 0.05
"""So many last points, and such a share of all, that are the same are no chance."""


def _spread(values: Float[np.ndarray, "n_points 3"]) -> float:
    moved = values if len(values) == 1 else values - values.mean(axis=0)
    spread = float(np.sqrt((moved**2).sum(axis=1).mean()))
    return spread if spread > _ROUNDING else 0.0
