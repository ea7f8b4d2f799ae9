"""A trial of reconstruction: its rows, its errors of poses, its tables."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mcnet.core.errors import McnetError
from mcnet.correction.models import load_model
from mcnet.datasets.subjects import template_subjects
from mcnet.evaluation import raw_trial
from mcnet.evaluation.raw_trial import LABELS, try_reconstruction
from mcnet.evaluation.raw_trial_design import RawTrialDesign
from mcnet.motion.generators import generate_motion
from mcnet.report.raw_trial_page import _examples, write_raw_trial


@pytest.mark.slow
def test_a_trial_scores_what_a_user_gets_and_writes_its_tables(tmp_path):
    design = RawTrialDesign(factors=(8.0,), n_slices=8, thickness_mm=8.0, matrix=64)
    motion = generate_motion(64, np.random.default_rng(3))
    trial = try_reconstruction(template_subjects(1, 7), [motion], load_model("paper-2mm"), design)
    assert set(trial.rows["model"]) == {"corrupted", "registered", "smoothed", *LABELS}
    means = trial.rows.groupby("model")["ssim_head_registered"].mean()
    assert means["known motion"] > max(means["corrupted"], means["smoothed"])
    assert list(trial.scans["mode"]) == ["factor 8"]
    summary = write_raw_trial(tmp_path, trial, model="paper-2mm", inputs={}, seed=1)
    assert summary["factor 8, known motion"] == pytest.approx(means["known motion"], abs=1e-4)
    text = (tmp_path / "table.md").read_text()
    assert "| factor 8 | reconstructed |" in text
    assert "of 1 |" in text
    assert (tmp_path / "examples.png").stat().st_size > 1000
    titles = [axis.get_title() for axis in _examples(trial).axes]
    assert titles == ["still", "corrupted", *LABELS]


@pytest.mark.slow
def test_a_trial_in_space_scores_slices_of_the_volume_and_goes_on_where_it_stopped(
    tmp_path, monkeypatch
):
    design = RawTrialDesign(factors=(8.0,), in_space=True, n_slices=12, matrix=32)
    motion = generate_motion(32, np.random.default_rng(3))
    asked = (template_subjects(1, 7), [motion], load_model("paper-2mm"), design)
    trial = try_reconstruction(*asked, unfinished=tmp_path)
    monkeypatch.setattr(raw_trial, "reconstruct", lambda *_, **__: pytest.fail("made again"))
    again = try_reconstruction(*asked, unfinished=tmp_path)
    pd.testing.assert_frame_equal(again.rows, trial.rows)
    pd.testing.assert_frame_equal(again.scans, trial.scans)
    np.testing.assert_array_equal(again.examples["factor 8"], trial.examples["factor 8"])
    means = trial.rows.groupby("model")["ssim_head_registered"].mean()
    assert means["known motion"] > means["corrupted"]
    assert len(trial.rows) == len(design.scored) * len(means)
    places = design.positions_mm[design.scored]
    assert np.allclose(sorted(set(trial.rows["position_mm"])), places)
    # the same places as those of a scan in slices, to within half a voxel
    assert np.allclose(places, (np.array([2, 6, 10]) - 6) * 5.0, atol=4.0)


def test_subjects_that_the_network_knows_are_refused():
    model = load_model("paper-2mm")
    known = template_subjects(1, 7)[0]
    subject = replace(known, name=model.card.subjects.trained_on[0])
    with pytest.raises(McnetError, match="try it on others"):
        try_reconstruction([subject], [], model, RawTrialDesign())


def test_factors_that_try_nothing_are_refused():
    with pytest.raises(McnetError, match="factor 0 is impossible"):
        RawTrialDesign(factors=(0.0,))
