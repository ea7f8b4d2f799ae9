"""How much of a correction is applied: a curve of the card, fitted to make the loss smallest."""

import numpy as np
import pytest

from mcnet.core.errors import McnetError
from mcnet.correction.gain import GAINS, GainCurve, fitted_gain, gain_of_card


def test_a_curve_is_straight_between_points_and_level_beyond() -> None:
    curve = GainCurve((1.0, 3.0), (0.4, 1.2))
    assert [curve.at(mm) for mm in (0.0, 1.0, 2.0, 3.0, 9.0)] == pytest.approx(
        [0.4, 0.4, 0.8, 1.2, 1.2]
    )
    assert gain_of_card({"gain": curve.as_dict}) == curve


def test_a_card_without_a_curve_applies_all() -> None:
    assert gain_of_card({}).at(2.0) == 1


@pytest.mark.parametrize("gain", [3, {"gain": [1]}, {"severity_mm": [1, 2], "gain": [1]}])
def test_another_card_is_refused(gain: object) -> None:
    with pytest.raises(McnetError, match="gain"):
        gain_of_card({"gain": gain})


def test_the_fit_finds_the_best_gain_of_each_group_and_never_falls() -> None:
    rng = np.random.default_rng(0)
    severity = rng.permutation(np.linspace(0.1, 5, 50))
    best = np.where(severity < 1, 0.2, np.where(severity < 3, 1.0, 0.6))
    loss = (np.array(GAINS)[None] - best[:, None]) ** 2
    curve = fitted_gain(severity, loss, n_bins=5)
    assert curve.gain[0] == pytest.approx(0.2)
    assert curve.gain[2] == pytest.approx(1.0)
    assert curve.gain[-1] == pytest.approx(1.0)  # 0.6 would fall
    assert list(curve.severity_mm) == sorted(curve.severity_mm)
