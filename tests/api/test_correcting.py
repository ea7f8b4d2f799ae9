import json

import nibabel as nib
import numpy as np
import pytest
from properties import ellipsoid
from tiny_models import FakeSeverityEstimator, tiny_weights

import mcnet
from mcnet.cli.main import main
from mcnet.core.errors import McnetError, OutputError

AFFINE = np.diag([-8.0, 8.0, 8.0, 1.0])


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return tiny_weights(tmp_path_factory.mktemp("weights") / "tiny.safetensors")


@pytest.fixture(autouse=True)
def estimator(monkeypatch):
    found = FakeSeverityEstimator()
    monkeypatch.setattr(
        "mcnet.correction.severity_estimator.load_severity_estimator", lambda: found
    )
    return found


@pytest.fixture
def image():
    head = ellipsoid((13, 16, 15), (8, 8, 8), centre_mm=(4, 0, 0), radii_mm=(35, 45, 40))
    values = (head * np.linspace(300, 600, 16, dtype=np.float32)[:, None]).astype(np.int16)
    return nib.Nifti1Image(values, AFFINE)


@pytest.fixture
def scan(tmp_path, image):
    nib.save(image, tmp_path / "scan.nii.gz")
    return tmp_path / "scan.nii.gz"


def files_in(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_call_and_the_command_write_the_same(tmp_path, scan, weights, capsys):
    main(["correct", str(scan), "-o", str(tmp_path / "cli.nii.gz"), "--model", str(weights)])
    capsys.readouterr()
    before = files_in(tmp_path)
    correction = mcnet.correct(scan, model=weights)
    assert files_in(tmp_path) == before
    assert capsys.readouterr() == ("", "")
    assert correction.left_because is None
    correction.save(tmp_path / "api.nii.gz")
    assert (tmp_path / "api.nii.gz").read_bytes() == (tmp_path / "cli.nii.gz").read_bytes()
    records = [json.loads((tmp_path / f"{name}.json").read_text()) for name in ("cli", "api")]
    assert [record.pop("command").split()[0] for record in records] == ["mcnet", "mcnet.correct()"]
    for record in records:
        del record["files_sha256"]
    assert records[0] == records[1]


def test_path_image_and_volume_are_corrected_alike(scan, image, weights):
    model = mcnet.load_model(weights)
    found = [mcnet.correct(one, model=model) for one in (scan, image, mcnet.read_scan(scan))]
    for one in found:
        assert np.array_equal(one.corrected.values, found[0].corrected.values)
        assert not np.array_equal(one.corrected.values, one.before.values)
    inputs = [one.provenance["inputs_sha256"] for one in found]
    assert inputs[1] == inputs[2] != inputs[0]


def test_an_image_is_written_in_its_own_form(tmp_path, image, weights):
    correction = mcnet.correct(image, model=weights, uncertainty=True)
    correction.save(
        tmp_path / "out.nii",
        report=tmp_path / "out.html",
        uncertainty=str(tmp_path / "deviation.nii"),
    )
    written = nib.load(tmp_path / "out.nii")
    assert written.get_data_dtype() == np.int16
    assert np.allclose(written.affine, AFFINE)
    same = correction.corrected.to_nibabel(like=image)
    assert np.array_equal(np.asarray(written.dataobj), np.asarray(same.dataobj))
    assert "<html" in (tmp_path / "out.html").read_text()
    assert correction.uncertainty is not None


def test_a_still_scan_is_left_and_says_why(tmp_path, scan, weights, estimator):
    estimator.is_still = True
    correction = mcnet.correct(scan, model=weights)
    assert correction.left_because == "estimated still"
    assert correction.corrected is correction.before
    assert "estimated still" in repr(correction)
    correction.save(tmp_path / "left.nii.gz")
    assert (tmp_path / "left.nii.gz").read_bytes() == scan.read_bytes()
    forced = mcnet.correct(scan, model=weights, force=True)
    assert forced.left_because is None
    with pytest.raises(McnetError, match="has no uncertainty"):
        correction.save(tmp_path / "again.nii.gz", uncertainty=tmp_path / "u.nii.gz")
    assert not (tmp_path / "again.nii.gz").exists()


def test_severities_warnings_and_motion_are_at_hand(image, weights, estimator):
    estimator.warnings = ("An odd scan.",)
    correction = mcnet.correct(image, model=weights, search=False)
    assert correction.severity_before.mm == correction.severity_after.mm == 1.25
    assert "An odd scan." in correction.warnings
    assert correction.motion is None
    assert repr(correction) == "<Correction of scan: 1.2 mm of motion before, 1.2 mm after>"


def test_nothing_is_overwritten_that_mcnet_did_not_make(tmp_path, scan, weights):
    correction = mcnet.correct(scan, model=weights)
    (tmp_path / "mine.nii.gz").write_bytes(b"mine")
    for path in (scan, tmp_path / "mine.nii.gz"):
        before = files_in(tmp_path)
        with pytest.raises(OutputError):
            correction.save(path)
        assert files_in(tmp_path) == before


def test_progress_goes_where_it_is_asked_for(image, weights, capsys):
    told = []
    mcnet.correct(image, model=weights, progress=lambda done, total: told.append(done / total))
    assert told == sorted(told)
    assert told[-1] == 1
    assert capsys.readouterr() == ("", "")
    mcnet.correct(image, model=weights, progress=True)
    assert capsys.readouterr().out == ""


def test_a_notebook_shows_before_after_and_difference(image, weights, estimator):
    shown = mcnet.correct(image, model=weights)._repr_html_()
    assert [shown.count(f">{what}<") for what in ("before", "after", "difference")] == [3, 3, 3]
    assert shown.count("data:image/png;base64,") == 9
    estimator.is_still = True
    left = mcnet.correct(image, model=weights)._repr_html_()
    assert [left.count(f">{what}<") for what in ("before", "after", "difference")] == [3, 0, 0]
    assert "Estimated to be still" in left


def test_what_is_no_t1_weighted_scan_is_told_of_or_refused(image, weights):
    flair = mcnet.Volume.from_nibabel(image, name="sub-01_FLAIR")
    assert "FLAIR" in mcnet.correct(flair, model=weights).warnings[0]
    assert "FLAIR" in mcnet.assess(flair).warnings[0]
    values = image.get_fdata() - 1000
    with pytest.raises(McnetError, match="looks like CT"):
        mcnet.correct(mcnet.Volume.from_array(values, AFFINE), model=weights)
    with pytest.raises(McnetError, match="looks like CT"):
        mcnet.assess(mcnet.Volume.from_array(values, AFFINE))
