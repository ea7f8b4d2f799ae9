"""Why a scan was left as it is: one cause, told alike in every place that tells it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import nibabel as nib
import numpy as np
import pytest
from properties import ellipsoid
from pydicom import dcmread
from synthetic_dicom import SAGITTAL, Grid, Series
from tiny_models import FakeSeverityEstimator, tiny_weights

from mcnet.cli.main import main
from mcnet.correction import files
from mcnet.correction.outcome import CorrectedScan, LeftBecause, left_sentence

CAUSES: tuple[LeftBecause, ...] = get_args(LeftBecause)
BEGINS = {
    "estimated still": "Estimated to be still: no more motion is seen",
    "no motion found": "No motion found to undo: motion is seen in the scan",
    "pixels too coarse": "Not corrected: the scan's sagittal pixels are coarser",
}


@pytest.fixture(params=CAUSES)
def because(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> LeftBecause:
    """A cause for which every scan is left, whatever the guard judges."""
    cause: LeftBecause = request.param
    done = files.correct_scan

    def left(*given: Any, **options: Any) -> CorrectedScan:
        result = done(*given, **options)
        return replace(result, after=result.before, left_because=cause)

    monkeypatch.setattr(files, "correct_scan", left)
    # the other judgement than that of the cause: no place is to go by it
    severity_estimator = FakeSeverityEstimator(is_still=cause != "estimated still")
    monkeypatch.setattr(
        "mcnet.correction.severity_estimator.load_severity_estimator", lambda: severity_estimator
    )
    return cause


def saved(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = ellipsoid((13, 16, 15), (8, 8, 8), centre_mm=(4, 0, 0), radii_mm=(35, 45, 40))
    nib.save(nib.Nifti1Image((values * 300).astype(np.int16), np.diag([-8.0, 8, 8, 1])), path)
    return path


def run(*arguments: object) -> None:
    main([str(argument) for argument in arguments])


def test_every_cause_has_a_sentence_of_its_own() -> None:
    assert {cause: left_sentence(cause).startswith(BEGINS[cause]) for cause in CAUSES} == (
        dict.fromkeys(CAUSES, True)
    )


def test_the_command_the_record_and_the_page_tell_it(
    tmp_path: Path, because: LeftBecause, capsys: pytest.CaptureFixture[str]
) -> None:
    scan, weights = saved(tmp_path / "in.nii.gz"), tiny_weights(tmp_path / "tiny.safetensors")
    out, page = tmp_path / "out.nii.gz", tmp_path / "page.html"
    run("correct", scan, "-o", out, "--report", page, "--model", weights)
    assert f"out.nii.gz: {left_sentence(because)} Estimated motion: 1.2 mm" in (
        " ".join(capsys.readouterr().err.split())
    )
    assert out.read_bytes() == scan.read_bytes()
    record = json.loads((tmp_path / "out.json").read_text())
    assert record["left_because"] == because
    assert "is_left" not in record
    shown = page.read_text().replace("&#39;", "'")
    assert "<title>in.nii.gz: Left as it was</title>" in shown
    assert f"<p>{left_sentence(because)}</p>" in shown
    assert ("That the head lay still is an estimate" in shown) == (because == "estimated still")
    assert [cause for cause in CAUSES if f"<p>{left_sentence(cause)}</p>" in shown] == [because]


def test_a_derived_series_tells_it(tmp_path: Path, because: LeftBecause) -> None:
    weights = tiny_weights(tmp_path / "tiny.safetensors")
    stored = np.random.default_rng(1).integers(1, 400, (11, 16, 13)).astype(np.uint16)
    series = Series(stored=stored, grid=Grid(SAGITTAL, 1.1, 1.2, -1.3)).write(tmp_path / "in")
    run("correct", series, "-o", tmp_path / "out", "--model", weights)
    for path in (tmp_path / "out").iterdir():
        assert dcmread(path).DerivationDescription.startswith(left_sentence(because))


def test_a_bids_derivative_tells_it(
    tmp_path: Path, because: LeftBecause, capsys: pytest.CaptureFixture[str]
) -> None:
    saved(tmp_path / "raw" / "sub-01" / "anat" / "sub-01_T1w.nii.gz")
    weights = tiny_weights(tmp_path / "tiny.safetensors")
    run("correct", tmp_path / "raw", tmp_path / "out", "participant", "--model", weights)
    (record,) = (tmp_path / "out" / "sub-01").rglob("*.json")
    about = json.loads(record.read_text())
    assert about["Description"] == left_sentence(because)
    assert about["left_because"] == because
    assert "1 scans, 1 left" in capsys.readouterr().err
