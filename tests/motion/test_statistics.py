"""What describes a trace, by hand."""

import numpy as np
import pytest

from mcnet.motion.statistics import median_spectrum, trace_statistics
from mcnet.motion.trace import MotionTrace, still


def nodding(n_points: int, cycles: int, amplitude_deg: float) -> MotionTrace:
    angles = np.zeros((n_points, 3))
    angles[:, 0] = amplitude_deg * np.sin(2 * np.pi * cycles * np.arange(n_points) / n_points)
    return MotionTrace(np.zeros((n_points, 3)), angles)


def test_power_of_a_sine_stands_at_its_frequency_and_degree_of_freedom() -> None:
    statistics = trace_statistics(nodding(48, cycles=6, amplitude_deg=3.0))
    strongest = np.unravel_index(statistics.power.argmax(), statistics.power.shape)
    assert strongest == (5, 3)
    assert statistics.frequency[5] == pytest.approx(6 / 48)
    assert statistics.power.sum() == pytest.approx(statistics.power[5, 3])
    assert statistics.mean_power[5] == pytest.approx(statistics.power[5, 3] / 6)


@pytest.mark.parametrize("n_points", [31, 48])
def test_mean_power_over_both_signs_of_frequency_is_the_variance(
    n_points: int, rng: np.random.Generator
) -> None:
    trace = MotionTrace(rng.normal(size=(n_points, 3)), rng.normal(size=(n_points, 3)))
    statistics = trace_statistics(trace)
    both_signs = np.where(statistics.frequency == 0.5, 1, 2)[:, None]
    total = (both_signs * statistics.power).sum(axis=0) / n_points
    assert total == pytest.approx(statistics.standard_deviation**2)
    assert statistics.magnitude**2 == pytest.approx(total.sum())


def test_displacements_and_spikes_by_hand() -> None:
    translations = np.zeros((21, 3))
    translations[:, 1] = np.cumsum(np.full(21, 0.1))
    translations[10:, 1] += 5.0
    statistics = trace_statistics(MotionTrace(translations, np.zeros((21, 3))))
    assert statistics.displacement_median_mm == pytest.approx(0.1)
    assert statistics.displacement_max_mm == pytest.approx(5.1)
    assert statistics.spike_share == pytest.approx(1 / 20)
    assert statistics.displacement_95_mm == pytest.approx(0.1 + 0.05 * 5.0, abs=1e-9)
    assert statistics.standard_deviation[0] == 0
    assert statistics.standard_deviation[1] == pytest.approx(translations[:, 1].std())


def test_a_still_head_has_no_power() -> None:
    statistics = trace_statistics(still(9))
    assert not statistics.power.any()
    assert statistics.spike_share == 0


def test_median_spectrum_is_over_traces() -> None:
    three = [trace_statistics(nodding(24, 4, amplitude)) for amplitude in (1.0, 2.0, 30.0)]
    assert median_spectrum(three) == pytest.approx(three[1].mean_power)
