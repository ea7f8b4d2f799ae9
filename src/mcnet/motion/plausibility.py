"""Limits of what a head in a coil can do, and signs of numbers in other units or another order.

The limits are of no one study: 113 recorded runs of fMRI stay within 10 mm and 9 degrees of their
reference, and the paper's motion, within 2 mm and 2 degrees and multiplied by 8, within 16. In the
same runs the rotations in degrees are .24 to 2.7 times the translations in millimetres (root mean
squares; .1 to 9 in 3,000 generated traces). Numbers in other units or of another order are off by a
factor of 57 (degrees for radians), of 1000 (metres) or of 57 times 57 (rotations and translations
exchanged).
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
"""Degrees of rotation for a millimetre of translation that no run comes near."""
# set by what was observed; other values: experiments/tuning/plausible_motion.py
_ORDINARY = (0.1, 10.0)
"""Those of recorded runs, with a margin."""


def furthest(trace: MotionTrace) -> tuple[float, float]:
    """Largest translation in mm and rotation in degrees along and about any axis."""
    return float(np.abs(trace.translation_mm).max()), float(np.abs(trace.rotation_deg).max())


def size_in_words(translation_mm: float, rotation_deg: float) -> str:
    """How far a head moves, in words."""
    return (
        f"rotations of up to {rotation_deg:.4g} degrees and translations of up to "
        f"{translation_mm:.4g} mm"
    )


def is_possible(trace: MotionTrace) -> bool:
    """Whether a head in a coil can move that far."""
    return trace.is_within(translation_mm=MAX_TRANSLATION_MM, rotation_deg=MAX_ROTATION_DEG)


def is_ordinary(trace: MotionTrace) -> bool:
    """Whether a head can move that far, with rotations in proportion to translations."""
    least, most = _ORDINARY
    return is_possible(trace) and least <= rotation_per_translation(trace) <= most


def is_suspicious(trace: MotionTrace) -> bool:
    """Whether rotations and translations are out of proportion, as in other units or order."""
    least, most = _SUSPICIOUS
    return not least <= rotation_per_translation(trace) <= most


def rotation_per_translation(trace: MotionTrace) -> float:
    """Degrees of rotation for a millimetre of translation: root mean squares about the mean pose.

    Of a single pose, about the reference pose; of a head that does not move, 1.
    """
    translation, rotation = (
        _spread(values) for values in (trace.translation_mm, trace.rotation_deg)
    )
    if translation == rotation:
        return 1.0
    return rotation / translation if translation else np.inf


def check_possible(trace: MotionTrace, remedy: str) -> None:
    """Refuse motion that goes farther than a head in a coil can.

    Raises
    ------
    McnetError
        It does; the sentence ends with the remedy.
    """
    if not is_possible(trace):
        translation_mm, rotation_deg = furthest(trace)
        raise McnetError(
            f"{trace.name} has {size_in_words(translation_mm, rotation_deg)}, but a head in a coil "
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
    translation_mm, rotation_deg = furthest(trace)
    room = min(
        limit / size if size else np.inf
        for limit, size in ((MAX_TRANSLATION_MM, translation_mm), (MAX_ROTATION_DEG, rotation_deg))
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
    """Sentences on motion in which nothing moves, or whose end is frozen as a tracker leaves it."""
    values = np.hstack([trace.translation_mm, trace.rotation_deg])
    moved = np.flatnonzero((np.diff(values, axis=0) != 0).any(axis=1))
    if moved.size == 0:
        return [f"{trace.name} holds one and the same pose throughout: nothing moves."]
    n_still = trace.n_points - 1 - int(moved[-1])
    was_moving = moved.size > _MOVING_SHARE * (trace.n_points - n_still)
    if was_moving and n_still >= max(_FROZEN_POINTS, _FROZEN_SHARE * trace.n_points):
        return [
            f"the last {n_still} of {trace.n_points} poses of {trace.name} are exactly the same, "
            "while those before differ: did the tracking stop?"
        ]
    return []


_ROUNDING = 1e-9
"""Less than this, in mm or degrees, is rounding error of sums of equal numbers."""
_MOVING_SHARE = 0.9
"""Share of the steps that change the pose while a tracker works; drawn motion may have fewer."""
_FROZEN_POINTS = 8
_FROZEN_SHARE = 0.05
"""So many last points, and such a share of all, that are the same are not by chance."""


def _spread(values: Float[np.ndarray, "n_points 3"]) -> float:
    moved = values if len(values) == 1 else values - values.mean(axis=0)
    spread = float(np.sqrt((moved**2).sum(axis=1).mean()))
    return spread if spread > _ROUNDING else 0.0
