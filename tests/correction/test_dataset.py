"""A BIDS data set corrected: what is written, what is skipped, what does not stop the others."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from properties import ellipsoid
from tiny_models import FakeSeverityEstimator, tiny_model

from mcnet import __version__
from mcnet.core.errors import McnetError
from mcnet.core.progress import OnProgress
from mcnet.core.writing import write_text
from mcnet.correction import dataset
from mcnet.correction.dataset import ScanOutcome, correct_dataset
from mcnet.correction.files import CorrectedFile
from mcnet.correction.models import Model
from mcnet.correction.options import CorrectionOptions

SCANS = (
    "sub-01/anat/sub-01_T1w.nii.gz",
    "sub-02/ses-a/anat/sub-02_ses-a_run-1_T1w.nii",
    "sub-02/ses-a/anat/sub-02_ses-a_run-2_T1w.nii.gz",
)
DERIVATIVES = (
    "sub-01/anat/sub-01_desc-moco_T1w",
    "sub-02/ses-a/anat/sub-02_ses-a_run-1_desc-moco_T1w",
    "sub-02/ses-a/anat/sub-02_ses-a_run-2_desc-moco_T1w",
)
ABOVE = {".bidsignore", "README.md", "dataset_description.json"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "raw"
    values = ellipsoid((13, 16, 15), (8, 8, 8), centre_mm=(4, 0, 0), radii_mm=(35, 45, 40))
    for number, name in enumerate(SCANS):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        stored = (values * (300 + number)).astype(np.int16)
        nib.save(nib.Nifti1Image(stored, np.diag([-8.0, 8, 8, 1])), root / name)
    (root / "dataset_description.json").write_text(
        '{"Name": "x", "BIDSVersion": "1.8.0", "DatasetType": "raw", "License": "CC0"}'
    )
    (root / "README").write_text("Made for a test, of ellipsoids that stand for heads. " * 5)
    (root / "T1w.json").write_text('{"MagneticFieldStrength": 3, "version": "of the scanner"}')
    (root / SCANS[1].replace(".nii", ".json")).write_text('{"SkullStripped": true}')
    return root


def write_page(page: Path, found: CorrectedFile, output: Path) -> None:
    mark = '<meta name="generator" content="mcnet 0">'
    write_text(page, f"{mark}{found.source.path.name} {output.name}")


def correct(
    root: Path, output: Path, model: Model, *labels: str, is_still: bool = False, **given: Any
) -> list[ScanOutcome]:
    return correct_dataset(
        root,
        output,
        labels,
        model,
        severity_estimator=given.pop("estimator", FakeSeverityEstimator(is_still=is_still)),
        options=given.pop("options", CorrectionOptions()),
        write_page=given.pop("write_page", write_page),
        **given,
    )


def ends(outcomes: list[ScanOutcome]) -> list[str]:
    return [outcome.ended for outcome in outcomes]


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_every_scan_has_its_derivative_sidecar_and_page(
    root: Path, tmp_path: Path, model: Model
) -> None:
    assert ends(correct(root, tmp_path / "out", model)) == ["corrected"] * 3
    assert set(content(tmp_path / "out")) == ABOVE | {
        name
        for stem in DERIVATIVES
        for name in (f"{stem}.nii.gz", f"{stem}.json", f"{stem.rpartition('/')[2]}.html")
    }
    before, after = (
        nib.load(root / SCANS[1]),
        nib.load(tmp_path / "out" / f"{DERIVATIVES[1]}.nii.gz"),
    )
    np.testing.assert_array_equal(before.affine, after.affine)
    assert before.get_data_dtype() == after.get_data_dtype()
    assert np.abs(before.get_fdata() - after.get_fdata()).max() > 1


def test_the_sidecar_tells_what_bids_asks_for_and_what_was_done(
    root: Path, tmp_path: Path, model: Model
) -> None:
    correct(root, tmp_path / "out", model)
    first, second = (
        json.loads((tmp_path / "out" / f"{stem}.json").read_text()) for stem in DERIVATIVES[:2]
    )
    assert first["Sources"] == [f"bids:raw:{SCANS[0]}"]
    assert (first["SkullStripped"], second["SkullStripped"]) == (False, True)
    assert first["MagneticFieldStrength"] == 3
    assert first["version"] == __version__  # not the scanner's
    assert first["model"]["sha256"] == model.sha256
    assert first["severity_before"]["mm"] == 1.25


def test_what_is_done_is_not_done_again(root: Path, tmp_path: Path, model: Model) -> None:
    output = tmp_path / "out"
    assert ends(correct(root, output, model, "02")) == ["corrected"] * 2
    written = content(output)
    assert ends(correct(root, output, model)) == ["corrected", "done before", "done before"]
    assert written.items() <= content(output).items()


@pytest.mark.slow
def test_what_has_changed_is_done_again(root: Path, tmp_path: Path, model: Model) -> None:
    output = tmp_path / "out"
    correct(root, output, model)
    image = nib.load(root / SCANS[0])
    nib.save(
        nib.Nifti1Image(image.get_fdata().astype(np.int16)[::-1], image.affine), root / SCANS[0]
    )
    (output / f"{DERIVATIVES[1]}.nii.gz").unlink()
    assert ends(correct(root, output, model)) == ["corrected", "corrected", "done before"]
    (output / f"{DERIVATIVES[2].rpartition('/')[2]}.html").unlink()
    assert ends(correct(root, output, model))[2] == "corrected"
    (root / "T1w.json").write_text('{"MagneticFieldStrength": 7}')
    assert ends(correct(root, output, model)) == ["corrected"] * 3
    forced = CorrectionOptions(force=True)
    assert ends(correct(root, output, model, options=forced)) == ["corrected"] * 3
    other = tiny_model(tmp_path, seed=4)
    assert ends(correct(root, output, other, options=forced)) == ["corrected"] * 3
    estimator = FakeSeverityEstimator(about={"name": "another", "sha256": "2" * 64})
    again = correct(root, output, other, options=forced, estimator=estimator)
    assert ends(again) == ["corrected"] * 3


def test_still_scans_are_copied_and_told(root: Path, tmp_path: Path, model: Model) -> None:
    assert ends(correct(root, tmp_path / "out", model, is_still=True)) == ["left"] * 3
    for name, stem in zip(SCANS, DERIVATIVES, strict=True):
        before, after = nib.load(root / name), nib.load(tmp_path / "out" / f"{stem}.nii.gz")
        np.testing.assert_array_equal(before.dataobj.get_unscaled(), after.dataobj.get_unscaled())


def test_a_bad_scan_does_not_stop_the_others(root: Path, tmp_path: Path, model: Model) -> None:
    (root / SCANS[0]).write_bytes((root / SCANS[0]).read_bytes()[:300])
    (root / SCANS[1]).unlink()
    (root / SCANS[1]).symlink_to("nowhere")
    outcomes = correct(root, tmp_path / "out", model)
    assert ends(outcomes) == ["failed", "failed", "corrected"]
    assert "damaged" in outcomes[0].sentence
    assert "is a link to a file that is not here" in outcomes[1].sentence
    assert set(content(tmp_path / "out")) == ABOVE | {
        *(f"{DERIVATIVES[2]}{ending}" for ending in (".nii.gz", ".json")),
        f"{DERIVATIVES[2].rpartition('/')[2]}.html",
    }


def test_metadata_that_are_refused_fail_the_scans_that_they_apply_to(
    root: Path, tmp_path: Path, model: Model
) -> None:
    (root / SCANS[1].replace(".nii", ".json")).write_bytes(b'{"Modality": "M')
    (root / "sub-01/sub-01_T1w.json").write_text('{"Modality": "CT"}')
    outcomes = correct(root, tmp_path / "out", model)
    assert ends(outcomes) == ["failed", "failed", "corrected"]
    assert "is of modality CT" in outcomes[0].sentence
    assert "run-1_T1w.json is no JSON" in outcomes[1].sentence


def test_what_is_inherited_tells_the_axis_and_is_written_as_valid_json(
    root: Path, tmp_path: Path, model: Model
) -> None:
    (root / "T1w.json").write_text(
        '{"EchoTime": NaN, "SkullStripped": "false", "InPlanePhaseEncodingDirectionDICOM": "COL",'
        ' "ImageOrientationPatientDICOM": [0, 1, 0, 0, 0, -1]}'
    )
    correct(root, tmp_path / "out", model, "01")

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    written = (tmp_path / "out" / f"{DERIVATIVES[0]}.json").read_text()
    about = json.loads(written, parse_constant=refuse)
    assert (about["EchoTime"], about["SkullStripped"]) == (None, False)
    assert about["options"]["phase_encoding"] == "z"
    assert about["InPlanePhaseEncodingDirectionDICOM"] == "COL"


def test_derivatives_as_sources_keep_apart_and_those_of_one_name_are_refused(
    root: Path, tmp_path: Path, model: Model
) -> None:
    folder = root / "sub-01/anat"
    for name in ("desc-x", "desc-y", "acq-a_run-1", "run-1_acq-a"):
        shutil.copy(root / SCANS[0], folder / f"sub-01_{name}_T1w.nii.gz")
    outcomes = correct(root, tmp_path / "out", model, "01")
    assert {outcome.scan.name: outcome.ended for outcome in outcomes} == {
        "sub-01_T1w": "corrected",
        "sub-01_desc-x_T1w": "corrected",
        "sub-01_desc-y_T1w": "corrected",
        "sub-01_acq-a_run-1_T1w": "failed",
        "sub-01_run-1_acq-a_T1w": "failed",
    }
    assert "would both be written as sub-01_acq-a_run-1_desc-moco_T1w" in outcomes[1].sentence
    for label in "xy":
        about = tmp_path / "out/sub-01/anat" / f"sub-01_desc-{label}Moco_T1w.json"
        sources = json.loads(about.read_text())["Sources"]
        assert sources == [f"bids:raw:sub-01/anat/sub-01_desc-{label}_T1w.nii.gz"]


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), McnetError("Full.")])
def test_what_cannot_be_read_or_written_leaves_nothing_of_its_scan(
    root: Path,
    tmp_path: Path,
    model: Model,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    step = "sha256_of_file" if isinstance(error, OSError) else "write_corrected"
    done = getattr(dataset, step)

    def fails_for_the_first(path: Path, *given: Any) -> Any:
        if "sub-01" in path.name:
            raise error
        return done(path, *given)

    monkeypatch.setattr(dataset, step, fails_for_the_first)
    outcomes = correct(root, tmp_path / "out", model)
    assert ends(outcomes) == ["failed", "corrected", "corrected"]
    assert outcomes[0].sentence.endswith(".")
    assert not list((tmp_path / "out").rglob("*sub-01*.*"))


def test_an_interrupted_scan_is_not_taken_for_done(
    root: Path, tmp_path: Path, model: Model
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        correct(root, tmp_path / "out", model, write_page=interrupted)
    assert not (tmp_path / "out").exists()
    assert ends(correct(root, tmp_path / "out", model)) == ["corrected"] * 3


def test_a_derivative_of_somebody_is_kept(root: Path, tmp_path: Path, model: Model) -> None:
    correct(root, tmp_path / "out", model)
    mine = tmp_path / "out" / f"{DERIVATIVES[1]}.nii.gz"
    mine.write_bytes(b"a scan of somebody")
    before = content(tmp_path / "out")
    forced = CorrectionOptions(force=True)
    outcomes = correct(root, tmp_path / "out", model, options=forced)
    assert ends(outcomes) == ["corrected", "failed", "corrected"]
    assert "was not written by mcnet, or was changed since" in outcomes[1].sentence
    assert mine.read_bytes() == b"a scan of somebody"
    assert set(content(tmp_path / "out")) == set(before)


def test_a_disk_that_fills_up_leaves_nothing_of_a_scan(
    root: Path, tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nibabel.save", full)
    outcomes = correct(root, tmp_path / "out", model)
    assert ends(outcomes) == ["failed"] * 3
    assert "no space left on device" in outcomes[0].sentence
    assert not (tmp_path / "out").exists()


def test_every_scan_is_announced_with_its_progress(
    root: Path, tmp_path: Path, model: Model
) -> None:
    told: list[str] = []
    steps: list[tuple[int, int]] = []

    @contextmanager
    def announce(title: str) -> Iterator[OnProgress]:
        told.append(title)
        yield lambda done, total: steps.append((done, total))

    correct(root, tmp_path / "out", model, announce=announce)
    assert told[0] == "Correcting sub-01_T1w"
    assert len(told) == 3
    assert steps[-1][0] == steps[-1][1]


def test_the_output_is_refused_before_anything_is_written(
    root: Path, tmp_path: Path, model: Model
) -> None:
    before = content(tmp_path)
    with pytest.raises(McnetError, match="is the source"):
        correct(root, root, model)
    with pytest.raises(McnetError, match="lies among the raw data"):
        correct(root, root / "sub-01", model)
    with pytest.raises(McnetError, match="no participant sub-9"):
        correct(root, tmp_path / "out", model, "9")
    assert content(tmp_path) == before


def test_the_bids_validator_finds_no_error(root: Path, tmp_path: Path, model: Model) -> None:
    name, beside_python = "bids-validator-deno", str(Path(sys.executable).parent)
    validator = shutil.which(name) or shutil.which(name, path=beside_python)
    if validator is None:
        pytest.skip("bids-validator-deno is not installed: pip install bids-validator-deno")
    output = root / "derivatives" / "mcnet"
    correct(root, output, model)
    for folder in (root, output):
        done = subprocess.run([validator, folder, "--json"], capture_output=True, check=False)
        issues = json.loads(done.stdout)["issues"]["issues"]
        assert [issue for issue in issues if issue["severity"] == "error"] == []
