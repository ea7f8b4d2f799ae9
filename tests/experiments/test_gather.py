import numpy as np
import pytest

from mcnet.core.errors import McnetError
from mcnet.experiments.config import Experiment, MotionConfig, SubjectsConfig
from mcnet.experiments.gather import check_folders, list_traces, pairs_plan
from mcnet.physics.acquisition import Acquisition

SCAN = Acquisition(matrix=(16, 20, 16), order="centric")

RAD_AND_MM = np.repeat([1e-3, 0.05], 3)
"""How far a head moves in the columns of FSL: three turns, three shifts."""


def experiment(**changes):
    settings = {
        "title": "t",
        "subjects": SubjectsConfig(n_template=4),
        "motion": MotionConfig(n_generated=5, n_test=2),
        "acquisition": SCAN,
    }
    return Experiment(**(settings | changes))


def test_the_same_experiment_gives_the_same_plan():
    assert pairs_plan(experiment()).key == pairs_plan(experiment()).key
    assert pairs_plan(experiment()).key != pairs_plan(experiment(seed=2)).key


def test_nobody_and_no_motion_is_in_two_parts():
    plan = pairs_plan(experiment())
    for split, names in (
        (plan.subjects_split, [subject.name for subject in plan.subjects]),
        (plan.traces_split, [trace.name for trace in plan.traces]),
    ):
        parts = [*split.train, *split.validation, *split.test]
        assert sorted(parts) == sorted(names)
        assert len(set(parts)) == len(parts)


def test_generated_traces_follow_the_papers_recipe():
    config = MotionConfig(n_generated=6, within_mm=1.0, within_deg=1.0, scale=8.0)
    traces = list_traces(config, SCAN, seed=3)
    assert len(traces) == 6
    assert len({trace.name for trace in traces}) == 6
    for trace in traces:
        assert trace.n_points == 20
        np.testing.assert_allclose(trace.poses[SCAN.centre_time], np.eye(4), atol=1e-12)
        assert trace.is_within(translation_mm=8.0, rotation_deg=8.0)


def test_files_of_a_folder_are_read(tmp_path, rng):
    for name in ("a.par", "b.par", "c.par"):
        np.savetxt(tmp_path / name, RAD_AND_MM * rng.normal(size=(25, 6)))
    (tmp_path / "notes.md").write_text("not motion")
    (tmp_path / "a.json").write_text("{}")
    traces = list_traces(MotionConfig(folder=str(tmp_path)), SCAN, seed=1)
    assert [trace.name for trace in traces] == ["a.par", "b.par", "c.par"]


def test_a_folder_without_motion_is_refused(tmp_path):
    with pytest.raises(McnetError, match="holds no motion file"):
        list_traces(MotionConfig(folder=str(tmp_path)), SCAN, seed=1)
    with pytest.raises(McnetError, match="does not exist"):
        list_traces(MotionConfig(folder=str(tmp_path / "none")), SCAN, seed=1)


def test_two_folders_with_one_name_are_refused(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "sub-01.nii.gz").write_bytes(b"not read yet")
    folders = (str(tmp_path / "a"), str(tmp_path / "b"))
    with pytest.raises(McnetError, match="sub-01: two subjects share one name"):
        pairs_plan(experiment(subjects=SubjectsConfig(folders=folders)))


@pytest.fixture
def recordings(tmp_path, rng):
    folder = tmp_path / "motion"
    folder.mkdir()
    for n in range(6):
        np.savetxt(folder / f"trace-{n}.par", RAD_AND_MM * rng.normal(size=(25, 6)))
    return folder


def test_as_many_recordings_as_asked_for_are_drawn_by_the_seed(recordings):
    config = MotionConfig(folder=str(recordings), n_recorded=4)
    drawn = [[trace.name for trace in list_traces(config, SCAN, seed)] for seed in range(6)]
    assert all(len(set(names)) == 4 and names == sorted(names) for names in drawn)
    assert len({tuple(names) for names in drawn}) > 1
    again = [trace.name for trace in list_traces(config, SCAN, 3)]
    assert again == drawn[3]


def test_more_recordings_than_there_are_is_refused(recordings):
    config = MotionConfig(folder=str(recordings), n_recorded=7)
    with pytest.raises(McnetError, match=r"6 of 6 traces .* not 7; add traces or ask for fewer"):
        list_traces(config, SCAN, 1)


def test_shared_traces_are_met_by_every_subject(recordings):
    motion = MotionConfig(folder=str(recordings), n_recorded=2, shared=True)
    plan = pairs_plan(experiment(motion=motion))
    assert len(plan.traces) == 2
    for row in range(4):
        assert plan.traces_met(row, 0) == [0, 1]
        assert plan.n_images(row, 0) == 2 * 2 * 10  # traces, modes, slices
    parted = pairs_plan(experiment(motion=MotionConfig(folder=str(recordings), n_test=2)))
    assert sum(len(parted.traces_met(row, 0)) for row in range(4)) == 2 * 3 + 1 + 2


def test_the_device_is_part_of_the_key():
    assert pairs_plan(experiment(), device="cuda").key != pairs_plan(experiment()).key


def test_folders_that_are_not_there_are_told_with_what_to_write_instead(tmp_path):
    subjects = SubjectsConfig(folders=(str(tmp_path / "heads"),))
    with pytest.raises(
        McnetError, match=r"heads, .* under \[subjects\] folders, does not exist; copy"
    ):
        check_folders(experiment(subjects=subjects))
    motion = MotionConfig(folder=str(tmp_path / "motion"))
    with pytest.raises(
        McnetError, match=r"under \[motion\] folder, .* your own motion files there"
    ):
        pairs_plan(experiment(motion=motion))
