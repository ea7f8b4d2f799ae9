"""The whole experiment on a few small heads, and what a second call does."""

import json
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from properties import ellipsoid

import mcnet.experiments.train as steps
from mcnet.core.provenance import sha256_of_file
from mcnet.datasets.pairs.design import PairsDesign
from mcnet.evaluation.answers import Question
from mcnet.experiments.config import Experiment, MotionConfig, SubjectsConfig, read_experiment
from mcnet.experiments.gather import pairs_plan
from mcnet.experiments.reproduce import reproduce
from mcnet.networks.architectures.unet import UNetConfig
from mcnet.networks.cards import read_card, read_header
from mcnet.physics.acquisition import Acquisition
from mcnet.training.training_config import TrainingConfig
from mcnet.training.variants import Variant

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    folder = tmp_path_factory.mktemp("subjects")
    rng = np.random.default_rng(5)
    for number in range(4):
        radii = rng.uniform(50, 80, size=3)
        head = ellipsoid((29, 33, 31), (6.0,) * 3, centre_mm=(0, 0, 0), radii_mm=radii)
        head = head * (1 + 0.4 * rng.random(head.shape, dtype=np.float32))
        nib.save(nib.Nifti1Image(head, np.diag([6.0, 6, 6, 1])), folder / f"p{number}.nii.gz")
    return Experiment(
        title="tiny",
        subjects=SubjectsConfig(folders=(str(folder),)),
        motion=MotionConfig(n_generated=6, n_test=2),
        acquisition=Acquisition((24, 32, 32), (192.0, 224.0, 224.0)),
        pairs=PairsDesign(n_slices=3, spacing_mm=20.0),
        network=UNetConfig(levels=2, width=2, head="residual"),
        training=TrainingConfig(epochs=1, batch_size=4),
        n_examples=2,
        questions=(Question("Does it help?", "l1+tv", "l1"),),
    )


@pytest.fixture(scope="module")
def run(experiment, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    reproduce(experiment, folder)
    return folder


def snapshot(folder: Path):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def changed_steps(before, after):
    """Which of the run's results were written anew."""
    names = ("done/0", "l1/weights", "l1-then-l1+tv/weights", "rows.csv", "report.html")
    return {
        name
        for name in names
        for path, when in after.items()
        if name in str(path) and not path.name.startswith(".") and before.get(path) != when
    }


def test_a_run_holds_everything_that_it_promises(run, experiment):
    for name in (
        "settings.toml",
        "evaluation/rows.csv",
        "report/report.html",
        "report/table.csv",
        "report/answers.csv",
        "report/answers.png",
    ):
        assert (run / name).stat().st_size > 0
    for mode, number in (("rotation", 2), ("rotation+translation", 3)):
        assert (run / "report" / f"figure-{number}.png").exists()
        for stage in ("l1", "l1+tv", "l1-then-l1", "l1-then-l1+tv"):
            assert (run / "models" / mode / stage / "weights.safetensors").exists()
    assert read_experiment(run / "settings.toml") == experiment


def test_records_tell_subjects_traces_and_weights(run, experiment):
    data = pairs_plan(experiment).inputs
    subjects = Path(experiment.subjects.folders[0])
    assert data["p0"] == sha256_of_file(subjects / "p0.nii.gz")
    assert len(data) == 4 + 6
    stage = run / "models" / "rotation"
    parent = {"rotation/l1": sha256_of_file(stage / "l1" / "weights.safetensors")}
    assert inputs_of(stage / "l1.step.json") == data
    assert inputs_of(stage / "l1-then-l1+tv.step.json") == data | parent
    for name in ("evaluation", "report"):
        found = inputs_of(run / f"{name}.step.json")
        assert data.items() | parent.items() <= found.items()
        assert len(found) == len(data) + 2 * len(experiment.models)
    header = read_header(stage / "l1-then-l1+tv" / "weights.safetensors")
    told = {name: header.card.further[f"{name}_sha256"] for name in ("train", "validation")}
    initial = {"initial_weights": parent["rotation/l1"]}
    assert header.provenance["inputs_sha256"] == told | initial


def inputs_of(record: Path):
    return json.loads(record.read_text())["inputs_sha256"]


def test_the_rows_have_every_model_and_baseline_of_both_modes(run, experiment):
    rows = pd.read_csv(run / "evaluation" / "rows.csv")
    labels = {"corrupted", "registered", "smoothed", *experiment.models}
    for _, of_mode in rows.groupby("mode"):
        assert set(of_mode.model) == labels
        assert of_mode.groupby("model").size().nunique() == 1
    assert set(rows["mode"]) == {"rotation", "rotation+translation"}
    assert rows.subject.nunique() == 1


def test_the_test_subjects_and_traces_trained_no_model(run):
    rows = pd.read_csv(run / "evaluation" / "rows.csv")
    card = read_card(run / "models" / "rotation" / "l1" / "weights.safetensors")
    learned = card.further["notes"]
    assert not set(rows.subject) & set(learned["subjects"]["train"])
    assert not set(rows.trace) & set(learned["traces"]["train"])


def test_a_second_call_does_nothing_again(run, experiment):
    before = snapshot(run)
    reproduce(experiment, run)
    assert changed_steps(before, snapshot(run)) == set()


def test_a_change_redoes_what_follows_from_it_alone(run, experiment):
    before = snapshot(run)
    reproduce(replace(experiment, n_examples=1), run)
    assert changed_steps(before, snapshot(run)) == {"report.html"}

    before = snapshot(run)
    reproduce(replace(experiment, training=TrainingConfig(epochs=2, batch_size=4)), run)
    assert changed_steps(before, snapshot(run)) == {
        "l1/weights",
        "l1-then-l1+tv/weights",
        "rows.csv",
        "report.html",
    }


def test_the_same_seed_gives_the_same_table(run, experiment, tmp_path):
    reproduce(experiment, run)
    reproduce(experiment, tmp_path / "again")
    name = "evaluation/rows.csv"
    assert (tmp_path / "again" / name).read_bytes() == (run / name).read_bytes()


def test_an_interrupted_run_goes_on(experiment, tmp_path, monkeypatch):
    class InterruptedAfterTwo:
        calls = 0

        def __call__(self, *args, **kwargs):
            self.calls += 1
            if self.calls > 2:
                raise KeyboardInterrupt
            return train_stage(*args, **kwargs)

    train_stage = steps.train_stage
    short = replace(experiment, recipes=("l1", "l1-long", "l1+tv"))
    monkeypatch.setattr(steps, "train_stage", InterruptedAfterTwo())
    with pytest.raises(KeyboardInterrupt):
        reproduce(short, tmp_path)
    first = tmp_path / "models" / "rotation" / "l1" / "weights.safetensors"
    when = first.stat().st_mtime_ns
    assert not list((tmp_path / "evaluation").glob("*.csv"))
    monkeypatch.setattr(steps, "train_stage", train_stage)
    page = reproduce(short, tmp_path)
    assert page.exists()
    assert first.stat().st_mtime_ns == when


def test_fresh_motion_trains_other_models_on_the_same_validation_and_test(
    run, experiment, tmp_path, monkeypatch
):
    monkeypatch.setattr("mcnet.training.training._usual_workers", lambda *_: 0)
    seeds = []
    train_stage = steps.train_stage

    def remember(folder, stage, train, validation, **others):
        seeds.append(train.seed)
        assert train.scans_per_subject == 3  # of six traces, two test and one validates
        return train_stage(folder, stage, train, validation, **others)

    monkeypatch.setattr(steps, "train_stage", remember)
    on_the_fly = replace(
        experiment,
        pairs=replace(experiment.pairs, modes=("rotation",)),
        recipes=("l1", "l1-long"),
        questions=(),
        training=replace(experiment.training, motion="generated"),
    )
    reproduce(on_the_fly, tmp_path)
    assert seeds == [1, 2]
    rows, fixed = (pd.read_csv(folder / "evaluation" / "rows.csv") for folder in (tmp_path, run))
    fixed = fixed[fixed["mode"] == "rotation"]
    for model, same in (("corrupted", True), ("l1", False)):
        scores = [list(table[table.model == model].ssim) for table in (rows, fixed)]
        assert (scores[0] == scores[1]) is same
    weights = tmp_path / "models" / "rotation" / "l1" / "weights.safetensors"
    notes = read_card(weights).further["notes"]
    assert notes["traces"]["train"] == []
    assert notes["fresh_motion"]["mode"] == "rotation"

    reproduce(on_the_fly, tmp_path)
    assert len(seeds) == 2
    # wider bounds than every trace keeps: the fixed pairs stay, fresh motion does not
    wider = replace(on_the_fly, recipes=("l1",), motion=replace(on_the_fly.motion, within_mm=2.001))
    assert pairs_plan(wider).key == pairs_plan(on_the_fly).key
    reproduce(wider, tmp_path)
    assert len(seeds) == 3


def test_shared_traces_train_on_the_motion_of_the_test_and_leave_the_test_as_it_is(
    run, experiment, tmp_path
):
    shared = replace(
        experiment,
        pairs=replace(experiment.pairs, modes=("rotation",)),
        recipes=("l1",),
        variants={
            name: Variant(training={"shared_traces": name, "aligned": name == "odd"})
            for name in ("even", "odd")
        },
        questions=(Question("Is it?", "even", "odd", crossed=True),),
    )
    reproduce(shared, tmp_path)
    rows, split = (pd.read_csv(folder / "evaluation" / "rows.csv") for folder in (tmp_path, run))
    split = split[split["mode"] == "rotation"]
    for model in ("corrupted", "l1"):
        scores = [list(table[table.model == model].ssim) for table in (rows, split)]
        assert scores[0] == scores[1]
    traces = sorted(set(rows.trace))
    for number, name in enumerate(("even", "odd")):
        weights = tmp_path / "models" / "rotation" / f"{name}--l1" / "weights.safetensors"
        learned = read_card(weights).further["notes"]["traces"]["train"]
        assert len(learned) == 3
        assert set(learned) & set(traces) == {traces[number]}
    answered = pd.read_csv(tmp_path / "report" / "answers.csv")
    assert list(answered.severity) == ["all", "all"]
    own = rows[(rows.model == "even") & (rows.trace == traces[0])].ssim.mean()
    other = rows[(rows.model == "odd") & (rows.trace == traces[1])].ssim.mean()
    of_whole = answered[answered.metric == "ssim"].iloc[0]
    assert of_whole.of_model == pytest.approx((own + other) / 2, abs=1e-5)
    assert "even (crossed)" in (tmp_path / "report" / "table.md").read_text()
