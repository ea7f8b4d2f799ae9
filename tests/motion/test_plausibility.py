"""What a head in a coil can do: limits, proportions, and what is told of odd recordings."""

import numpy as np
import pytest

from mcnet.core.errors import McnetError
from mcnet.datasets.pairs.drawn_motion import RandomMotion
from mcnet.evaluation.raw_trial_design import RawTrialDesign
from mcnet.experiments.config import MotionConfig
from mcnet.motion.generators import generate_motion
from mcnet.motion.plausibility import (
    check_factor,
    check_moves,
    check_possible,
    check_scaled,
    is_ordinary,
    is_suspicious,
    remarks,
    rotation_per_translation,
)
from mcnet.motion.trace import MotionTrace, still


def trace_of(translation_mm: float, rotation_deg: float) -> MotionTrace:
    """Back and forth along y and about x."""
    translations, rotations = np.zeros((2, 8, 3))
    translations[::2, 1], rotations[::2, 0] = translation_mm, rotation_deg
    return MotionTrace(translations, rotations, name="run")


@pytest.mark.parametrize(
    ("translation_mm", "rotation_deg"), [(50, 30), (-50, -30), (0, 0), (16, 16)]
)
def test_what_a_head_can_do_passes(translation_mm: float, rotation_deg: float) -> None:
    check_possible(trace_of(translation_mm, rotation_deg), "stop")


@pytest.mark.parametrize(("translation_mm", "rotation_deg"), [(50.1, 0), (0, -30.1)])
def test_what_no_head_can_do_is_refused(translation_mm: float, rotation_deg: float) -> None:
    with pytest.raises(
        McnetError, match=r"run has rotations of up to .*30 degrees .* 50 mm at most; s"
    ):
        check_possible(trace_of(translation_mm, rotation_deg), "stop")


def test_the_largest_factor_is_told() -> None:
    scaled = trace_of(4.0, 5.0).scaled(8.0)
    with pytest.raises(
        McnetError, match=r"rotations of up to 40 degrees .* give a --scale of 6 at mo"
    ):
        check_scaled(scaled, 8.0)
    check_scaled(trace_of(2.0, 2.0).scaled(-8.0), -8.0)


def test_proportions_of_rotations_and_translations() -> None:
    assert rotation_per_translation(trace_of(2.0, 1.0)) == pytest.approx(0.5)
    assert rotation_per_translation(trace_of(0.0, 1.0)) == np.inf
    assert rotation_per_translation(still(5)) == 1
    assert is_ordinary(trace_of(2.0, 1.0))
    assert not is_suspicious(trace_of(2.0, 1.0))
    for translation_mm, rotation_deg in ((1.0, 0.01), (0.01, 8.0), (0.001, 1.0)):
        assert is_suspicious(trace_of(translation_mm, rotation_deg))
        assert not is_ordinary(trace_of(translation_mm, rotation_deg))
    assert not is_suspicious(trace_of(1.0, 15.0))


@pytest.mark.parametrize("factor", [0.0, -1.0, 15.1, 1e308, np.inf, np.nan])
def test_factors_beyond_what_a_head_can_do_are_refused_everywhere(factor: float) -> None:
    with pytest.raises(
        McnetError, match="factor .* is impossible; give a number above 0, up to 15"
    ):
        check_factor(factor, within=2.0)
    with pytest.raises(McnetError, match="factor .* is impossible"):
        RawTrialDesign(factors=(2.0, factor))
    for config in (MotionConfig, RandomMotion):
        with pytest.raises(McnetError, match="scale .* is impossible"):
            config(scale=factor)


def test_the_papers_factor_passes_everywhere() -> None:
    check_factor(8.0, within=2.0)
    assert MotionConfig(n_generated=3).scale == RandomMotion().scale == 8


def test_nothing_that_moves_is_refused_or_told() -> None:
    with pytest.raises(McnetError, match="still holds one and the same pose 7 times"):
        check_moves(still(7))
    assert remarks(still(7)) == ["still holds one and the same pose throughout: nothing moves."]
    check_moves(trace_of(0.1, 0.0))


def test_a_frozen_end_is_told_and_a_drawn_step_is_not(rng: np.random.Generator) -> None:
    trace = generate_motion(60, rng)
    assert remarks(trace) == []
    frozen = MotionTrace(trace.translation_mm.copy(), trace.rotation_deg.copy(), name="run")
    frozen.translation_mm[45:], frozen.rotation_deg[45:] = 0.1, 0.2
    (told,) = remarks(frozen)
    assert "the last 15 of 60 poses of run are exactly the same" in told
    step = np.zeros((60, 3))
    step[20:] = 3.0
    assert remarks(MotionTrace(step, step)) == []
