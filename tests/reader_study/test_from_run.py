"""Cases from a run: the run's own pairs, corrected by its own weights, with its own scores."""

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from properties import ellipsoid

from mcnet.core.errors import McnetError
from mcnet.correction.slices import correct_slices
from mcnet.datasets.pairs.design import PairsDesign
from mcnet.datasets.pairs.loading import load_pairs
from mcnet.experiments.config import Experiment, MotionConfig, SubjectsConfig
from mcnet.experiments.reproduce import reproduce
from mcnet.networks.architectures.unet import UNetConfig
from mcnet.networks.weights import load_network
from mcnet.physics.acquisition import Acquisition
from mcnet.reader_study.from_run import run_source
from mcnet.training.training_config import TrainingConfig

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A small run of two modes and one model, on pixels that are not square."""
    subjects = tmp_path_factory.mktemp("subjects")
    rng = np.random.default_rng(5)
    for number in range(3):
        head = ellipsoid((29, 33, 31), (6.0,) * 3, centre_mm=(0, 0, 0), radii_mm=(60, 70, 75))
        head = head * (1 + 0.4 * rng.random(head.shape, dtype=np.float32))
        nib.save(nib.Nifti1Image(head, np.diag([6.0, 6, 6, 1])), subjects / f"p{number}.nii.gz")
    folder = tmp_path_factory.mktemp("run")
    reproduce(
        Experiment(
            title="tiny",
            subjects=SubjectsConfig(folders=(str(subjects),)),
            motion=MotionConfig(n_generated=5, n_test=2),
            acquisition=Acquisition((24, 32, 40), (192.0, 224.0, 240.0)),
            pairs=PairsDesign(n_slices=2, spacing_mm=20.0),
            recipes=("l1",),
            network=UNetConfig(levels=2, width=2, head="residual"),
            training=TrainingConfig(epochs=1, batch_size=4),
            n_examples=1,
        ),
        folder,
    )
    return folder


@pytest.fixture(scope="module")
def source(run):
    return run_source(run)


def test_every_test_slice_of_both_modes_is_a_case(run, source):
    rows = pd.read_csv(run / "evaluation" / "rows.csv")
    corrupted = rows[rows["model"] == "corrupted"]
    assert [case.severity for case in source.cases] == pytest.approx(
        corrupted["magnitude"].tolist(), rel=1e-5
    )
    assert {case.subject for case in source.cases} == set(corrupted["subject"])
    assert len({case.name for case in source.cases}) == len(source.cases) == len(corrupted)


def test_all_but_smoothed_are_read_unless_others_are_asked_for(run, source):
    assert source.versions == ("corrupted", "registered", "l1", "reference")
    assert run_source(run, ("smoothed", "l1")).versions == ("smoothed", "l1")
    with pytest.raises(McnetError, match="no version 'l2'; choose from corrupted, registered"):
        run_source(run, ("l2", "l1"))


def test_images_are_the_runs_own_in_the_order_asked_for(run, source):
    n_first = len(source.pairs["rotation"])
    chosen = [n_first + 1, 0, 2]
    found = list(source.images(chosen))
    for index, images in zip(chosen, found, strict=True):
        mode, row = ("rotation", index) if index < n_first else (
            "rotation+translation", index - n_first
        )  # fmt: skip
        pairs = load_pairs(run / "pairs.zarr", "test", mode).chosen([row])
        weights = run / "models" / mode / "l1" / "weights.safetensors"
        corrected = correct_slices(load_network(weights), pairs.corrupted, pairs.input_scale)
        for version, expected in (
            ("corrupted", pairs.corrupted[0]),
            ("reference", pairs.references[pairs.reference_index[0]]),
            ("l1", corrected[0]),
        ):
            shown = images.frames[version]
            assert shown.shape == (1, 40, 32)  # z down the rows, y across
            np.testing.assert_allclose(shown[0], expected.T[::-1, ::-1], atol=1e-5)
        assert images.pixel_mm == pytest.approx((6, 7))


def test_scores_are_those_of_the_runs_rows(run, source):
    rows = pd.read_csv(run / "evaluation" / "rows.csv")
    index = len(source.pairs["rotation"]) + 1
    (images,) = source.images([index])
    of_mode = rows[(rows["mode"] == "rotation+translation") & (rows["model"] == "l1")]
    assert images.metrics["l1"]["ssim_head"] == of_mode["ssim_head"].iloc[1]
    assert "reference" not in images.metrics


def test_settings_rows_and_weights_are_the_inputs(source):
    assert set(source.inputs) == {
        *("settings.toml", "evaluation/rows.csv"),
        "models/rotation/l1/weights.safetensors",
        "models/rotation+translation/l1/weights.safetensors",
    }
    assert all(path.is_file() for path in source.inputs.values())


def test_what_is_no_finished_run_is_refused(tmp_path):
    with pytest.raises(McnetError, match="holds no finished run; name a folder that mcnet"):
        run_source(tmp_path)


def test_scores_of_other_slices_are_refused(run, tmp_path):
    rows = pd.read_csv(run / "evaluation" / "rows.csv")
    for path in run.iterdir():
        if path.name != "evaluation":
            (tmp_path / path.name).symlink_to(path)
    (tmp_path / "evaluation").mkdir()
    rows.iloc[:-1].to_csv(tmp_path / "evaluation" / "rows.csv", index=False)
    with pytest.raises(McnetError, match="scores of other slices than the run's store"):
        run_source(tmp_path)
