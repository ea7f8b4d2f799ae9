"""A corrector on trial: unseen subjects and motion, scored as `mcnet correct` would serve them."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from properties import ellipsoid
from tiny_models import FakeSeverityEstimator, model_of, random_network, still_network

from mcnet.core.errors import McnetError
from mcnet.correction import scan as scan_module
from mcnet.datasets.subjects import Subject
from mcnet.evaluation.trial import trial_acquisition, try_corrector
from mcnet.evaluation.trial_design import TrialDesign, chosen_traces
from mcnet.io.volume import Volume
from mcnet.motion.generators import generate_motion
from mcnet.motion.trace import MotionTrace
from mcnet.report.trial_page import trial_summary, write_trial

SIZE = (5.0, 4.0, 4.0)
DESIGN = TrialDesign(factors=(3.0, 9.0), n_traces=2, n_slices=3, spacing_mm=15.0)


def _head(radius: float) -> Volume:
    shape = (31, 57, 51)
    values = ellipsoid(shape, SIZE, centre_mm=(0, 0, 0), radii_mm=(radius, 90.0, 80.0))
    inner = ellipsoid(shape, SIZE, centre_mm=(0, 30, 10), radii_mm=(radius, 25.0, 25.0))
    return Volume(500 * (values + 0.7 * inner), np.diag([*SIZE, 1.0]), "head")


SUBJECTS = [Subject("a", partial(_head, 60.0), "a"), Subject("b", partial(_head, 65.0), "b")]


def recorded(n: int, n_points: int = 140) -> list[MotionTrace]:
    rng = np.random.default_rng(0)
    return [replace(generate_motion(n_points, rng), name=f"t{k}") for k in range(n)]


@pytest.fixture(autouse=True)
def network_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No search: a trial is tested on networks of which the outcome is known."""
    monkeypatch.setattr(scan_module, "searched_grid", lambda *_: None)


@pytest.mark.slow
def test_a_corrector_that_changes_nothing_closes_nothing(tmp_path: Path) -> None:
    model = model_of(still_network(), trained_pixel_mm=[3.0, 5.0])
    severity_estimator = FakeSeverityEstimator()
    traces = chosen_traces(recorded(6), DESIGN)
    trial = try_corrector(SUBJECTS, traces, model, severity_estimator, DESIGN)
    assert len(trial.severities) == len(trial.rows["trace"].unique()) * 2 * 2 == 8
    assert len(severity_estimator.seen) == 2 * (8 + 2)  # before and after, still scans too
    mine = trial.rows[trial.rows["model"] == "tiny"].reset_index()
    corrupted = trial.rows[trial.rows["model"] == "corrupted"].reset_index()
    assert np.allclose(mine["ssim_head"], corrupted["ssim_head"])
    assert np.allclose(trial.still["ssim_head"], 1)
    numbers = write_trial(
        tmp_path, trial, model="tiny", fingerprint="0" * 64, inputs={"a": "0" * 64}, seed=4
    )
    assert numbers == trial_summary(trial, "tiny")
    assert numbers["factor 3"]["share_of_ssim_deficit_recovered"] == pytest.approx(0, abs=1e-6)
    assert (
        numbers["factor 3"]["ssim_head_registered_before"]
        > numbers["factor 9"]["ssim_head_registered_before"]
    )
    about = json.loads((tmp_path / "trial.json").read_text())["provenance"]
    assert (about["seed"], about["inputs_sha256"]) == (4, {"a": "0" * 64})
    text = (tmp_path / "table.md").read_text()
    assert "2 subjects (a, b) and 2 recorded traces" in text
    names = {path.name for path in tmp_path.iterdir()}
    assert {"rows.csv", "severity.csv", "examples.png", "severity.png", "trial.json"} <= names


@pytest.mark.slow
def test_severities_are_those_of_the_motion() -> None:
    model = model_of(random_network(), trained_pixel_mm=[3.0, 5.0])
    traces = chosen_traces(recorded(6), DESIGN)
    trial = try_corrector(SUBJECTS[:1], traces, model, FakeSeverityEstimator(), DESIGN)
    by_factor = trial.severities.groupby("mode")["severity_mm"].mean()
    assert by_factor["factor 9"] == pytest.approx(3 * by_factor["factor 3"], rel=0.05)
    assert (trial.rows[trial.rows["model"] == "tiny"]["ssim_head"] < 1).all()


def test_subjects_that_a_model_learned_from_are_refused() -> None:
    for key in ("trained_on", "validated_on"):
        model = model_of(still_network(), **{key: ["b", "z"]})
        with pytest.raises(McnetError, match=r"^b: tiny was trained on or chosen by"):
            try_corrector(SUBJECTS, recorded(1), model, FakeSeverityEstimator(), DESIGN)


def test_short_or_lively_traces_are_left_out() -> None:
    traces = [*recorded(2), *recorded(3, n_points=100)]
    lively = replace(traces[0].scaled(100.0), name="lively")
    with pytest.raises(McnetError, match="2 of 6 traces"):
        chosen_traces([*traces, lively], replace(DESIGN, n_traces=3))
    assert [trace.name for trace in chosen_traces(traces, DESIGN)] == ["t0", "t1"]


def test_the_acquisition_keeps_the_grid_unless_another_is_asked_for() -> None:
    acquisition = trial_acquisition(_head(60.0))
    assert acquisition.matrix == (31, 58, 52)
    assert acquisition.voxel_size_mm == pytest.approx(SIZE)
    coarser = trial_acquisition(_head(60.0), 6.0)
    assert coarser.matrix == (31, 38, 34)
    assert coarser.voxel_size_mm == pytest.approx((5.0, 6.0, 6.0))
    assert coarser.fov_mm[1] >= 57 * SIZE[1]


@pytest.mark.slow
def test_noise_and_another_order_of_lines_change_the_scans_alone() -> None:
    model, severity_estimator = (
        model_of(still_network(), trained_pixel_mm=[3.0, 5.0]),
        FakeSeverityEstimator(),
    )
    traces = chosen_traces(recorded(6), DESIGN)[:1]
    scores = {}
    for name, design in {
        "plain": DESIGN,
        "noisy": replace(DESIGN, noise=0.05),
        "centric": replace(DESIGN, order="centric"),
    }.items():
        trial = try_corrector(SUBJECTS[:1], traces, model, severity_estimator, design)
        scores[name] = trial.rows[trial.rows["model"] == "corrupted"]["ssim_head"].to_numpy()
        assert np.allclose(trial.still["ssim_head"], 1)
    assert np.all(scores["noisy"] < scores["plain"])
    assert not np.allclose(scores["centric"], scores["plain"])


def test_a_negative_noise_is_refused() -> None:
    with pytest.raises(McnetError, match="noise -1 is impossible"):
        TrialDesign(noise=-1.0)
