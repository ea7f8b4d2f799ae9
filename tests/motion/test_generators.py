"""Generated motion, the fit of its profile, and the paper's segments."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from mcnet.core.errors import McnetError
from mcnet.motion.fitting import fit_profile, moments
from mcnet.motion.formats.files import read_motion
from mcnet.motion.generators import MotionProfile, generate_motion, paper_segments
from mcnet.motion.statistics import trace_statistics
from mcnet.motion.trace import MotionTrace

NOTHING = MotionProfile(
    drift_level=(0.0,) * 6, jitter=(0.0,) * 6, breathing=(0.0,) * 6, events_per_minute=0.0
)


def values_of(trace: MotionTrace) -> np.ndarray:
    return np.hstack([trace.translation_mm, trace.rotation_deg])


@settings(deadline=None, max_examples=25)
@given(n_points=st.integers(2, 300), seed=st.integers(0, 2**32))
def test_same_seed_gives_same_motion_at_rest_in_the_middle(n_points: int, seed: int) -> None:
    first, second = (generate_motion(n_points, np.random.default_rng(seed)) for _ in range(2))
    assert np.array_equal(values_of(first), values_of(second))
    assert first.n_points == n_points
    assert first.interval_s == 2.0
    assert values_of(first)[n_points // 2] == pytest.approx(0, abs=1e-12)


def test_other_seed_gives_other_motion() -> None:
    first, second = (generate_motion(31, np.random.default_rng(seed)) for seed in (1, 2))
    assert not np.allclose(values_of(first), values_of(second))


def test_a_profile_of_nothing_is_a_still_head(rng: np.random.Generator) -> None:
    assert values_of(generate_motion(37, rng, profile=NOTHING)) == pytest.approx(0, abs=1e-12)


def test_jitter_is_white_and_of_the_given_size(rng: np.random.Generator) -> None:
    jitter = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
    profile = replace(NOTHING, jitter=jitter, subject_spread=(0.0,) * 3, freedom_spread=(0.0,) * 3)
    trace = generate_motion(4001, rng, profile=profile)
    statistics = trace_statistics(trace)
    # the reference pose is composed, which mixes small rotations by less than 1 %
    assert statistics.standard_deviation == pytest.approx(jitter, rel=0.05)
    low, high = statistics.power[:1000].mean(axis=0), statistics.power[1000:].mean(axis=0)
    assert low / high == pytest.approx(1, rel=0.15)


@pytest.mark.slow
def test_drift_has_its_power_law_and_level_at_any_interval(rng: np.random.Generator) -> None:
    profile = replace(
        NOTHING,
        drift_level=(0.05, 0.0, 0.0, 0.0, 0.0, 0.0),
        drift_exponent=1.5,
        subject_spread=(0.0,) * 3,
        freedom_spread=(0.0,) * 3,
    )
    for interval_s in (0.8, 2.0):
        spectra = [
            trace_statistics(generate_motion(1000, rng, profile=profile, interval_s=interval_s))
            for _ in range(60)
        ]
        hertz = spectra[0].frequency / interval_s
        density = np.mean([one.power[:, 0] for one in spectra], axis=0) * interval_s
        # the window's leakage of the steep end weighs on the rest, hence the loose bound
        for low, high in ((0.008, 0.0125), (0.04, 0.06)):
            band = (hertz > low) & (hertz < high)
            law = 0.05**2 * (hertz[band] / 0.01) ** -1.5
            assert density[band].mean() / law.mean() == pytest.approx(1, rel=0.3)


@pytest.mark.parametrize(("interval_s", "seen_hz"), [(0.5, 0.3), (2.0, 0.2), (3.0, 1 / 3 - 0.3)])
def test_breathing_is_aliased_as_the_interval_tells(
    interval_s: float, seen_hz: float, rng: np.random.Generator
) -> None:
    profile = replace(
        NOTHING, breathing=(0.0, 1.0, 0.0, 0.0, 0.0, 0.0), breathing_hz=0.3, breathing_spread_hz=0.0
    )
    power = np.mean(
        [
            trace_statistics(generate_motion(256, rng, profile=profile, interval_s=interval_s))
            .power[:, 1]
            for _ in range(40)
        ],
        axis=0,
    )  # fmt: skip
    hertz = np.fft.rfftfreq(256)[1:] / interval_s
    assert hertz[power.argmax()] == pytest.approx(seen_hz, abs=0.02)


@pytest.mark.parametrize(("spike_share", "stays"), [(0.0, True), (1.0, False)])
def test_steps_stay_and_spikes_pass(
    spike_share: float, stays: bool, rng: np.random.Generator
) -> None:
    profile = replace(
        NOTHING,
        drift_level=(1e-3,) * 6,
        events_per_minute=0.2,
        events_spread=0.0,
        event_size=1e3,
        spike_share=spike_share,
    )
    traces = [generate_motion(150, rng, profile=profile) for _ in range(30)]
    jumps = [np.abs(np.diff(values_of(trace), axis=0)).sum() for trace in traces]
    extent = [np.ptp(values_of(trace), axis=0).sum() for trace in traces]
    ratio = np.median(np.array(jumps) / np.array(extent))
    # a step is walked once; a spike up and down again
    assert (ratio < 1.6) == stays


def test_calm_and_restless_subjects_differ_by_an_order(rng: np.random.Generator) -> None:
    magnitudes = [generate_motion(128, rng).magnitude for _ in range(200)]
    low, high = np.quantile(magnitudes, [0.05, 0.95])
    assert high / low > 6


@pytest.mark.parametrize("n_points", [1, 0, -3])
def test_too_few_points_are_refused(n_points: int, rng: np.random.Generator) -> None:
    with pytest.raises(McnetError, match="ask for 2 or more"):
        generate_motion(n_points, rng)


def test_impossible_interval_and_profile_are_refused(rng: np.random.Generator) -> None:
    with pytest.raises(McnetError, match="interval_s 0"):
        generate_motion(9, rng, interval_s=0.0)
    with pytest.raises(McnetError, match="jitter"):
        MotionProfile(jitter=(0.1, 0.1))
    with pytest.raises(McnetError, match="breathing"):
        MotionProfile(breathing=(0.1, 0.1, 0.1, 0.1, 0.1, -0.1))


def straight(n_points: int, reach_mm: float, rotation_deg: float = 0.0) -> MotionTrace:
    """A trace that runs along z and about x at even speed, from zero."""
    translations, angles = np.zeros((n_points, 3)), np.zeros((n_points, 3))
    translations[:, 2] = np.linspace(0, reach_mm, n_points)
    angles[:, 0] = np.linspace(0, rotation_deg, n_points)
    return MotionTrace(translations, angles)


def test_paper_takes_first_points_within_bounds_scales_and_rests_at_the_centre() -> None:
    # over the first 9 of 17 points: half the reach; from the centre: a quarter to either side
    kept = paper_segments(
        [straight(17, 7.9), straight(17, 8.1), straight(8, 0.1), straight(17, 0.0, 8.1)],
        n_points=9,
        centre_time=4,
    )
    assert len(kept) == 1
    assert kept[0].n_points == 9
    assert kept[0].translation_mm[:, 2] == pytest.approx(8 * np.linspace(-1.975, 1.975, 9))


def test_paper_scale_and_bounds_are_arguments() -> None:
    traces = [straight(9, 7.9), straight(9, 0.0, 7.9)]
    assert len(paper_segments(traces, n_points=9, centre_time=4)) == 0
    kept = paper_segments(traces, n_points=9, centre_time=4, within_mm=4.0, scale=2.0)
    assert [np.ptp(trace.translation_mm) for trace in kept] == pytest.approx([15.8])
    assert len(paper_segments(traces, n_points=9, centre_time=4, within_deg=4.0)) == 1


@pytest.fixture(scope="module")
def real(shared_data: Path) -> list[MotionTrace]:
    return [read_motion(path) for path in sorted((shared_data / "motion").glob("*.par"))]


@pytest.fixture(scope="module")
def real_segments(real: list[MotionTrace]) -> list[MotionTrace]:
    return [trace.segment(0, 128) for trace in real if trace.n_points >= 128]


@pytest.mark.slow
def test_paper_keeps_95_of_the_108_real_traces(real: list[MotionTrace]) -> None:
    assert len(real) == 108
    kept = paper_segments(real)
    assert len(kept) == 95
    for trace in kept:
        assert trace.poses[64] == pytest.approx(np.eye(4), abs=1e-9)


def test_94_are_kept_where_mcflirts_numbers_are_taken_for_the_heads(shared_data: Path) -> None:
    # one trace comes within 0.003 mm of the bound, on this side or on that
    files = [np.loadtxt(path) for path in sorted((shared_data / "motion").glob("*.par"))]
    naive = [MotionTrace(file[:, 3:], np.degrees(file[:, :3])) for file in files]
    assert len(paper_segments(naive)) == 94


@pytest.mark.slow
def test_generated_motion_is_distributed_as_real_motion(
    real_segments: list[MotionTrace], rng: np.random.Generator
) -> None:
    real = [trace_statistics(trace) for trace in real_segments]
    generated = [trace_statistics(generate_motion(128, rng)) for _ in range(500)]
    for name in ("magnitude", "displacement_median_mm", "displacement_95_mm"):
        samples = [[getattr(one, name) for one in each] for each in (real, generated)]
        assert ks_2samp(*samples, method="asymp").statistic < 0.2, name
    spectra = [np.median([one.mean_power for one in each], axis=0) for each in (generated, real)]
    ratio = [np.mean(np.split(spectrum, 16), axis=1) for spectrum in spectra]
    assert np.abs(np.log2(ratio[0] / ratio[1])).max() < 1


@pytest.mark.slow
def test_default_profile_is_what_the_fit_of_real_traces_ends_at(
    real_segments: list[MotionTrace],
) -> None:
    again = fit_profile(real_segments, np.random.default_rng(5), n_rounds=1, n_generated=400)
    default = MotionProfile()
    for name in ("drift_level", "subject_spread"):
        assert getattr(again, name) == pytest.approx(getattr(default, name), rel=0.3)
    assert again.drift_exponent == pytest.approx(default.drift_exponent, abs=0.1)
    assert again.event_size == pytest.approx(default.event_size, rel=0.3)


@pytest.mark.slow
def test_fitted_profile_moves_as_the_traces_that_it_was_fitted_to() -> None:
    truth = replace(MotionProfile(), drift_level=(0.4,) * 6, jitter=(0.1,) * 6)
    rng = np.random.default_rng(3)

    def log_power(profile: MotionProfile) -> np.ndarray:
        each = [generate_motion(128, rng, profile=profile) for _ in range(150)]
        return moments([trace_statistics(trace) for trace in each]).log_power

    traces = [generate_motion(128, rng, profile=truth) for _ in range(120)]
    wanted = moments([trace_statistics(trace) for trace in traces]).log_power
    found = fit_profile(traces, rng, n_rounds=4, n_generated=120)
    before, after = (np.abs(log_power(each) - wanted) for each in (MotionProfile(), found))
    assert before.mean() > 1.5
    assert after.mean() < 0.5


def test_moments_of_twice_the_motion_have_four_times_the_power(rng: np.random.Generator) -> None:
    traces = [generate_motion(64, rng) for _ in range(12)]
    once = moments([trace_statistics(trace) for trace in traces])
    twice = moments([trace_statistics(trace.scaled(2.0)) for trace in traces])
    assert twice.log_power - once.log_power == pytest.approx(np.log(4))
    assert twice.subject_spread == pytest.approx(once.subject_spread)
    assert twice.log_tail == pytest.approx(once.log_tail)


def test_traces_that_cannot_be_fitted_are_refused(rng: np.random.Generator) -> None:
    traces = [generate_motion(32, rng) for _ in range(10)]
    with pytest.raises(McnetError, match="10 or more"):
        fit_profile(traces[:9], rng)
    with pytest.raises(McnetError, match="of one length"):
        fit_profile([*traces, generate_motion(33, rng)], rng)
