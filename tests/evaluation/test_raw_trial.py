"""A trial of reconstruction: its rows, its errors of poses, its tables."""

from dataclasses import replace

import moving_head
import numpy as np
import pytest

from mcnet.correction.models import load_model
from mcnet.data.sources import template_people
from mcnet.errors import McnetError
from mcnet.evaluation.raw_trial import LABELS, RawTrialDesign, pose_error, try_reconstruction
from mcnet.geometry import pose_matrix, pose_parameters
from mcnet.report.raw_trial_page import _examples, write_raw_trial
from mcnet.simulation.generators import generate_motion


def test_a_trial_scores_what_a_user_gets_and_writes_its_tables(tmp_path):
    design = RawTrialDesign(factors=(8.0,), n_slices=8, thickness_mm=8.0, matrix=64)
    motion = generate_motion(64, np.random.default_rng(3))
    trial = try_reconstruction(template_people(1, 7), [motion], load_model("paper-2mm"), design)
    assert set(trial.rows["model"]) == {"corrupted", "registered", "smoothed", *LABELS}
    means = trial.rows.groupby("model")["ssim_head_registered"].mean()
    assert means["known motion"] > max(means["corrupted"], means["smoothed"])
    assert list(trial.scans["mode"]) == ["factor 8"]
    summary = write_raw_trial(tmp_path, trial, model="paper-2mm", inputs={})
    assert summary["factor 8, known motion"] == pytest.approx(means["known motion"], abs=1e-4)
    text = (tmp_path / "table.md").read_text()
    assert "| factor 8 | reconstructed |" in text
    assert "of 1 |" in text
    assert (tmp_path / "examples.png").stat().st_size > 1000
    titles = [axis.get_title() for axis in _examples(trial).axes]
    assert titles == ["still", "corrupted", *LABELS]


def test_a_pose_that_all_lines_share_is_no_error_and_one_of_some_is():
    raw = moving_head.raw_scan(4.0)
    true = moving_head.motion(4.0)
    poses = raw.poses_of(true)
    moved = raw.motion_of(poses + np.array([0.01, 2.0, -1.0]))
    assert max(pose_error(raw, moved, true).values()) < 1e-9
    poses[40:44] += [0.1, 0, 0]
    expected = np.degrees(0.1) * np.sqrt(4 / 48)
    assert pose_error(raw, raw.motion_of(poses), true)["turn_deg"] == pytest.approx(expected)


def test_an_error_in_space_is_the_worst_of_its_kind_but_for_a_common_move(rng):
    raw = moving_head.raw_volume(4.0)
    true = moving_head.motion_in_space(4.0)
    common = pose_matrix(np.array([1.0, -2.0, 0.5]), np.array([2.0, -1.0, 3.0]))
    translation, rotation = pose_parameters(true.poses @ common)
    moved = replace(true, translation_mm=translation, rotation_deg=rotation)
    assert max(pose_error(raw, moved, true).values()) < 1e-6
    quarter = raw.n_lines // 4
    lines = raw.line_at_time[np.arange(quarter, quarter + 2)]
    apart = true.translation_mm.copy()
    apart[lines, 0] += 3.0
    found = pose_error(raw, replace(true, translation_mm=apart), true)
    expected = 3.0 * np.sqrt(2 / (raw.n_lines - 2 * quarter))
    assert found["other_mm"] == pytest.approx(expected, rel=0.05)
    assert found["line_axis_mm"] < 0.1 * expected


def test_a_trial_in_space_scores_slices_of_the_volume():
    design = RawTrialDesign(factors=(8.0,), in_space=True, n_slices=12, matrix=32)
    motion = generate_motion(32, np.random.default_rng(3))
    trial = try_reconstruction(template_people(1, 7), [motion], load_model("paper-2mm"), design)
    means = trial.rows.groupby("model")["ssim_head_registered"].mean()
    assert means["known motion"] > means["corrupted"]
    assert len(trial.rows) == len(design.scored) * len(means)
    places = design.positions_mm[design.scored]
    assert np.allclose(sorted(set(trial.rows["position_mm"])), places)
    # the same places as those of a scan in slices, to within half a voxel
    assert np.allclose(places, (np.array([2, 6, 10]) - 6) * 5.0, atol=4.0)


def test_people_that_the_network_knows_are_refused():
    model = load_model("paper-2mm")
    known = template_people(1, 7)[0]
    person = replace(known, name=str(model.card["trained_on"][0]))
    with pytest.raises(McnetError, match="try it on others"):
        try_reconstruction([person], [], model, RawTrialDesign())


def test_factors_that_try_nothing_are_refused():
    with pytest.raises(McnetError, match="give positive ones"):
        RawTrialDesign(factors=(0.0,))
