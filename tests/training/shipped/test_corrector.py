"""A corrector as data: what its file says is what is trained."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from properties import ellipsoid

from mcnet.core.errors import McnetError
from mcnet.correction import magnitude_motion
from mcnet.correction.magnitude_motion import find_motion
from mcnet.correction.models import load_model
from mcnet.networks.cards import read_card
from mcnet.networks.model_card import Subjects
from mcnet.training.shipped import searched_scans
from mcnet.training.shipped.corrector import read_corrector
from mcnet.training.shipped.corrector_training import train_corrector

CORRECTORS = sorted((Path(__file__).parents[3] / "experiments" / "correctors").glob("*.toml"))

TINY = """
name = "tiny"
purpose = "tests"
data = "drawn heads"
seed = 2
[[subjects]]
folder = "heads"
scans_per_subject = 2
validation = ["b"]
held_out = ["c"]
[variety]
matrix = 44
pixel_mm = [4.5, 5.0]
slices_per_scan = 2
[network]
levels = 2
width = 2
head = "residual"
fold = 2
[loss]
air_weight = 0.1
ssim_weight = 1.0
[training]
epochs = 1
batch_size = 4
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "heads").mkdir()
    for name, radius in (("a", 45), ("b", 50), ("c", 55)):
        shape, size = (29, 40, 37), (5.0, 4.0, 4.5)
        values = ellipsoid(shape, size, centre_mm=(4, 6, -5), radii_mm=(radius, 60, 55))
        values = values * np.linspace(0.5, 1.5, shape[1])[:, None]
        image = nib.Nifti1Image((1000 * values).astype(np.int16), np.diag([*size, 1.0]))
        nib.save(image, tmp_path / "heads" / f"{name}.nii.gz")
    (tmp_path / "tiny.toml").write_text(TINY)
    return tmp_path


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")
def test_a_trained_corrector_is_a_model_with_its_card(folder: Path) -> None:
    corrector = read_corrector(folder / "tiny.toml")
    weights = train_corrector(corrector, folder / "run", root=folder)
    model = load_model(str(weights))
    assert model.name == "tiny"
    assert model.trained_pixel_mm == (4.5, 5.0)
    assert model.card.subjects == Subjects(("a",), ("b",), ("c",))
    assert model.card.licence == "Apache-2.0"
    assert (model.card.contrast, model.card.architecture) == ("T1w", "unet")
    assert (model.card.seed, model.card.data) == (2, ("drawn heads",))
    assert model.card.fingerprint == read_card(weights.with_name("weights.safetensors")).fingerprint


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")
def test_a_corrector_of_another_architecture_is_trained(folder: Path) -> None:
    text = TINY.replace("levels = 2", 'architecture = "residual-cnn"\nblocks = 1')
    (folder / "tiny.toml").write_text(text)
    weights = train_corrector(read_corrector(folder / "tiny.toml"), folder / "run", root=folder)
    model = load_model(str(weights))
    assert model.card.architecture == "residual-cnn"
    assert model.network.config.blocks == 1


@pytest.mark.slow
def test_a_corrector_may_learn_from_what_a_search_leaves(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = replace(magnitude_motion.SEARCH, n_steps=(1, 1, 1))
    monkeypatch.setattr(searched_scans, "find_motion", partial(find_motion, settings=few))
    monkeypatch.setattr("mcnet.training.shipped.searched_scans.n_cores", lambda: 1)
    (folder / "tiny.toml").write_text(
        TINY.replace("fold = 2", "fold = 2\nsearch_difference = true")
        + "mixed_precision = true\nslices_per_epoch = 6\n"
        "[searches]\nn_train = 2\nn_validation = 1\nscans_each = 2\nvalidation_scans_each = 2\n"
    )
    weights = train_corrector(read_corrector(folder / "tiny.toml"), folder / "run", root=folder)
    model = load_model(str(weights))
    assert model.network.config.search_difference
    assert model.card.further["searches"]["n_train"] == 2
    assert len(model.card.gain.gain) == 2
    assert len(list((folder / "run" / "searched").iterdir())) == 3


def test_subjects_that_are_not_there_are_told(folder: Path) -> None:
    (folder / "tiny.toml").write_text(TINY.replace('"c"', '"nobody"'))
    with pytest.raises(McnetError, match="nobody named nobody"):
        train_corrector(read_corrector(folder / "tiny.toml"), folder / "run", root=folder)


@pytest.mark.parametrize("path", CORRECTORS, ids=lambda path: path.stem)
def test_the_correctors_of_the_repository_are_valid(path: Path) -> None:
    corrector = read_corrector(path)
    assert corrector.name == path.stem
    # the four heads on which the shipped weights are tested
    assert set(corrector.subjects[0].held_out) == {"sub-09", "sub-10", "sub-11", "sub-13"}


def test_unknown_settings_are_told_in_lists_too(folder: Path) -> None:
    for wrong, told in (
        ("held_outs", "subjects.held_outs"),
        ("scan_per_subject", "subjects.scan_per_subject"),
    ):
        (folder / "tiny.toml").write_text(
            TINY.replace("[variety]", f"[[subjects]]\n{wrong} = 3\n[variety]")
        )
        with pytest.raises(McnetError, match=rf"{told} is no setting; did you mean subjects\."):
            read_corrector(folder / "tiny.toml")


def test_a_start_that_does_not_come_with_mcnet_is_refused(folder: Path) -> None:
    text = (folder / "tiny.toml").read_text().replace('name = "tiny"', 'name = "tiny"\nstart = "x"')
    (folder / "tiny.toml").write_text(text)
    with pytest.raises(McnetError, match="model 'x' does not come with mcnet"):
        train_corrector(read_corrector(folder / "tiny.toml"), folder / "run", root=folder)


def test_training_starts_from_the_weights_that_are_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = []

    def stop(*_args: object, initial_weights: Path | None, **_options: object) -> Path:
        starts.append(initial_weights)
        raise McnetError("far enough")

    monkeypatch.setattr("mcnet.training.shipped.corrector_training.train_stage", stop)
    for start in ("", "t1w-1mm"):
        corrector = replace(read_corrector(folder / "tiny.toml"), start=start)
        with pytest.raises(McnetError, match="far enough"):
            train_corrector(corrector, folder / "run", root=folder)
    assert starts == [None, load_model("t1w-1mm").path]
