"""How much of a correction is applied: a curve of the card, fitted to make the loss smallest."""

import numpy as np
import pytest

from mcnet.correction.gain import GAINS, fitted_gain


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
