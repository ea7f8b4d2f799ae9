"""`mcnet correct`, `models` and `export` as a user meets them."""

import errno
import json
import pickle
import sys
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest
from properties import ellipsoid
from pydicom.dataset import Dataset
from synthetic_dicom import SAGITTAL, Grid, Series, decimals
from tiny_models import FakeSeverityEstimator, tiny_weights

from mcnet.cli import correction as commands
from mcnet.cli.main import COMMANDS, main
from mcnet.correction import models as shipped
from mcnet.io.dicom.series import read_series

AFFINE = np.diag([-8.0, 8.0, 8.0, 1.0])


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return tiny_weights(tmp_path_factory.mktemp("weights") / "tiny.safetensors")


@pytest.fixture(autouse=True)
def severity_estimator(monkeypatch):
    """What judges: here as a test says, not by learned weights."""
    estimator = SimpleNamespace(
        load_severity_estimator=lambda: estimator.found, found=FakeSeverityEstimator()
    )
    monkeypatch.setitem(sys.modules, "mcnet.correction.severity_estimator", estimator)
    return estimator


def head():
    values = ellipsoid((13, 16, 15), (8, 8, 8), centre_mm=(4, 0, 0), radii_mm=(35, 45, 40))
    return (values * np.linspace(300, 600, 16, dtype=np.float32)[:, None]).astype(np.int16)


def saved(path, values, affine=AFFINE):
    nib.save(nib.Nifti1Image(values, affine), path)
    return path


@pytest.fixture
def scan(tmp_path):
    return saved(tmp_path / "scan.nii.gz", head())


@pytest.fixture
def series(tmp_path):
    stored = head().astype(np.uint16)
    return Series(stored=stored, grid=Grid(SAGITTAL, 8, 8, -8)).write(tmp_path / "series")


def run(*arguments):
    main([str(argument) for argument in arguments])


def fails(capsys, *arguments):
    """The sentence on which a command ends with status 2."""
    with pytest.raises(SystemExit) as ended:
        run(*arguments)
    assert ended.value.code == 2
    message = capsys.readouterr().err.strip()
    assert "Traceback" not in message
    return message


def files_of(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# One scan.


def test_a_scan_its_page_and_its_uncertainty_are_written(tmp_path, scan, weights, capsys):
    pytest.importorskip("mcnet.report.correction_page")
    out, page, sd = (tmp_path / name for name in ("out.nii.gz", "page.html", "sd.nii.gz"))
    run("correct", scan, "-o", out, "--model", weights, "--report", page, "--uncertainty", sd)
    before, after = nib.load(scan), nib.load(out)
    np.testing.assert_array_equal(before.affine, after.affine)
    assert after.get_data_dtype() == np.int16
    assert np.abs(before.get_fdata() - after.get_fdata()).max() > 1
    assert nib.load(sd).get_fdata().max() > 0
    assert "<html" in page.read_text()
    assert json.loads((tmp_path / "out.json").read_text())["model"]["name"] == "tiny"
    told = capsys.readouterr().err
    assert "by estimate: 1.2 mm (0.8 to 2.0) before, 1.2 mm (0.8 to 2.0) after." in told
    assert "That is no measure of image quality" in told


def test_a_still_scan_is_left_unless_forced(tmp_path, scan, weights, severity_estimator, capsys):
    severity_estimator.found = FakeSeverityEstimator(is_still=True, warnings=("An odd [scan].",))
    run("correct", scan, "-o", tmp_path / "left.nii.gz", "--model", weights)
    assert (tmp_path / "left.nii.gz").read_bytes() == scan.read_bytes()
    told = capsys.readouterr().err
    assert "Warning: An odd [scan]." in told
    assert "left.nii.gz: Estimated to be still: no more motion is seen" in told
    assert "so it was left as it is. Estimated motion: 1.2 mm (0.8 to 2.0)." in told
    run("correct", scan, "-o", tmp_path / "forced.nii.gz", "--model", weights, "--force")
    assert (tmp_path / "forced.nii.gz").read_bytes() != scan.read_bytes()


def test_a_still_scan_has_no_uncertainty_and_that_is_no_failure(
    tmp_path, scan, weights, severity_estimator, capsys
):
    severity_estimator.found = FakeSeverityEstimator(is_still=True)
    given = ["-o", tmp_path / "out.nii.gz", "--uncertainty", tmp_path / "sd.nii.gz"]
    run("correct", scan, *given, "--model", weights)
    assert not (tmp_path / "sd.nii.gz").exists()
    assert "uncertainty" in capsys.readouterr().err


def test_a_series_becomes_a_series_or_nifti(tmp_path, series, weights):
    run("correct", series, "-o", tmp_path / "out", "--model", weights)
    run("correct", series, "-o", tmp_path / "out.nii", "--model", weights)
    np.testing.assert_allclose(
        read_series(tmp_path / "out").volume.values,
        nib.load(tmp_path / "out.nii").get_fdata(),
        atol=0.51,
    )


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["scan.nii.gz"], "no output is named"),
        (["none", "-o", "out"], "none does not exist"),
        (["scan.nii.gz", "-o", "scan.nii.gz"], "is an input and would be overwritten"),
        (["scan.nii.gz", "-o", "link/scan.nii.gz"], "is an input and would be overwritten"),
        (["scan.nii.gz", "-o", "out"], "out does not end in .nii"),
        (["scan.nii.gz", "-o", "scan.nii.gz/a.nii"], "cannot be written"),
        (["scan.nii.gz", "-o", "bids.nii"], "bids.json was not written by mcnet"),
        (["scan.nii.gz", "-o", "a.nii", "--uncertainty", "a.nii.gz"], "overwrite each other"),
        (["scan.nii.gz", "-o", "a.nii", "--uncertainty", "scan.nii.gz"], "is an input"),
        (["scan.nii.gz", "-o", "a.nii", "--report", "page"], "does not end in .html"),
        (["scan.nii.gz", "-o", "a.nii", "--report", "scan.nii.gz/p.html"], "cannot be written"),
        (["series", "-o", "series"], "is an input and would be overwritten"),
        (["series", "-o", "raw"], "exists and is not an empty folder"),
        (["series", "-o", "series/new"], "lies in series, which is read"),
        (["series", "-o", "a.nii", "--report", "series/p.html"], "lies in series, which"),
        (["series", "-o", "scan.nii.gz/new"], "cannot be written"),
        (["scan.nii.gz", "-o", "a.nii", "--participant-label", "01"], "for a BIDS data set"),
        (["raw", "-o", "a.nii"], "is a BIDS data set; give mcnet correct raw OUT participant"),
        (["raw", "out"], "give one of the two"),
        (["raw", "out", "participant", "-o", "a.nii"], "are for one scan"),
    ],
)
def test_outputs_are_refused_before_anything_is_read(
    tmp_path, scan, series, capsys, monkeypatch, given, sentence
):
    (tmp_path / "raw" / "sub-01").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "bids.json").write_text('{"RepetitionTime": 2.3}')
    for reader in ("correction.files.read_source", "correction.models.load_model"):
        monkeypatch.setattr(f"mcnet.{reader}", lambda _: pytest.fail("something was read"))
    monkeypatch.chdir(tmp_path)
    before = files_of(tmp_path)
    assert sentence in fails(capsys, "correct", *given)
    assert files_of(tmp_path) == before


@pytest.mark.parametrize("output", ["new/out.nii.gz", "new/series", "page.html"])
def test_a_folder_without_permission_is_told(
    tmp_path, scan, series, weights, capsys, monkeypatch, output
):
    monkeypatch.setattr("os.access", lambda *_, **__: False)
    given = [scan, "-o", tmp_path / output] if output.endswith("gz") else [series, "-o"]
    given += [] if output.endswith("gz") else [tmp_path / output]
    assert "no permission to write to" in fails(capsys, "correct", *given, "--model", weights)
    assert not (tmp_path / "new").exists()


def colours(values):
    kind = np.dtype([(channel, "u1") for channel in "RGB"])
    return np.ascontiguousarray(np.stack([values.astype(np.uint8)] * 3, -1)).view(kind)[..., 0]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda values: np.stack([values, values], -1), "holds 2 volumes"),
        (colours, "holds colours"),
        (lambda values: values.astype(np.complex64), "holds complex numbers"),
        (lambda values: values[:, :, 7], "has 2 dimensions"),
        (lambda values: values[:, :, 7:8], "give the whole volume"),
        (lambda values: np.where(values > 0, values, -1000).astype(np.int16), "looks like CT"),
        (lambda values: np.where(values > 0, np.nan, 1).astype(np.float32), "NaN"),
    ],
)
def test_what_is_no_mr_scan_is_refused(tmp_path, weights, capsys, make, sentence):
    scan = saved(tmp_path / "bad.nii.gz", make(head()))
    given = ["-o", tmp_path / "out.nii.gz", "--report", tmp_path / "p.html", "--model", weights]
    before = files_of(tmp_path)
    assert sentence in fails(capsys, "correct", scan, *given)
    assert files_of(tmp_path) == before


def test_mixed_series_are_refused(tmp_path, series, weights, capsys):
    other = {"SeriesInstanceUID": "1.2.3", "SeriesNumber": 9}
    Series(attributes=other, name=lambda number: f"other{number}").write(series)
    told = fails(capsys, "correct", series, "-o", tmp_path / "out", "--model", weights)
    assert "holds 2 series" in told
    assert not (tmp_path / "out").exists()


def test_an_enhanced_series_is_not_corrected_in_vain(tmp_path, weights, capsys, monkeypatch):
    from synthetic_dicom import stored_values, write_enhanced

    folder = write_enhanced(tmp_path / "enhanced", stored_values(), Grid(SAGITTAL))
    monkeypatch.setattr(
        "mcnet.correction.files.correct_source", lambda *_, **__: pytest.fail("it was corrected")
    )
    told = fails(capsys, "correct", folder, "-o", tmp_path / "out", "--model", weights)
    assert "name an output that ends in .nii.gz" in told


def test_bad_weights_are_refused(tmp_path, scan, weights, capsys):
    class Dangerous:
        def __reduce__(self):
            return (pytest.fail, ("the pickle was opened",))

    (tmp_path / "pickle.safetensors").write_bytes(pickle.dumps(Dangerous()))
    (tmp_path / "cut.safetensors").write_bytes(weights.read_bytes()[:-300])
    before = files_of(tmp_path)
    for model, sentence in (
        ("pickle.safetensors", "is a pickle file"),
        ("cut.safetensors", "is no whole safetensors file"),
        ("scan.nii.gz", "is no whole safetensors file"),
        ("none.safetensors", "is no file"),
    ):
        given = ["-o", tmp_path / "out.nii", "--model", tmp_path / model]
        assert sentence in fails(capsys, "correct", scan, *given)
    told = fails(capsys, "correct", scan, "-o", tmp_path / "out.nii", "--model", "t1w-9mm")
    assert "'t1w-9mm' does not come with mcnet" in told
    assert files_of(tmp_path) == before


@pytest.mark.parametrize("is_still", [True, False])
def test_a_full_disk_ends_in_a_sentence(
    tmp_path, scan, weights, capsys, monkeypatch, severity_estimator, is_still
):
    severity_estimator.found = FakeSeverityEstimator(is_still=is_still)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("nibabel.save", full)
    monkeypatch.setattr("shutil.copyfileobj", full)
    before = files_of(tmp_path)
    told = fails(capsys, "correct", scan, "-o", tmp_path / "out.nii", "--model", weights)
    assert "out.nii cannot be written (no space left on device)" in told
    assert files_of(tmp_path) == before


# A BIDS data set.


@pytest.fixture
def data_set(tmp_path):
    for subject in ("01", "02", "03"):
        folder = tmp_path / "raw" / f"sub-{subject}" / "anat"
        folder.mkdir(parents=True)
        saved(folder / f"sub-{subject}_T1w.nii.gz", head())
    return tmp_path / "raw"


def test_a_data_set_is_corrected_as_a_bids_app(tmp_path, data_set, weights, capsys):
    pytest.importorskip("mcnet.report.correction_page")
    base = ["correct", data_set, tmp_path / "out", "participant", "--model", weights]
    run(*base, "--participant-label", "01", "02")
    assert f"{tmp_path / 'out'}: 2 scans, 2 corrected." in capsys.readouterr().err
    assert "<html" in (tmp_path / "out" / "sub-02_desc-moco_T1w.html").read_text()
    run(*base)
    assert "3 scans, 1 corrected, 2 done before." in capsys.readouterr().err


def test_scans_that_fail_are_told_at_the_end(tmp_path, data_set, weights, capsys):
    pytest.importorskip("mcnet.report.correction_page")
    (data_set / "sub-01/anat/sub-01_T1w.nii.gz").write_bytes(b"no scan")
    told = fails(capsys, "correct", data_set, tmp_path / "out", "participant", "--model", weights)
    assert "3 scans, 2 corrected, 1 failed." in told
    assert "mcnet: 1 of 3 scans were not corrected:\n  sub-01_T1w: " in told
    assert (tmp_path / "out/sub-03/anat/sub-03_desc-moco_T1w.nii.gz").exists()


def test_ctrl_c_within_a_data_set_tells_that_it_goes_on(tmp_path, monkeypatch, capsys):
    def interrupted(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "_correct_dataset", lambda *_: interrupted())
    assert "same command again" in fails(capsys, "correct", tmp_path, "out", "participant")


# Models.


def test_models_are_listed_with_their_cards(weights, capsys, monkeypatch):
    monkeypatch.setattr(shipped, "WEIGHTS", weights.parent)
    run("models")
    told = capsys.readouterr().out
    for word in ("tiny", "CC0-1.0", "sagittal", "0.5 to 10 mm"):
        assert word in told


def test_without_models_that_is_told(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(shipped, "WEIGHTS", tmp_path)
    assert "no model came with this mcnet" in fails(capsys, "models")


def test_export_hands_the_model_on(tmp_path, weights, capsys, monkeypatch):
    export = pytest.importorskip("mcnet.correction.export")
    written = []
    monkeypatch.setattr(export, "export_onnx", lambda *given: written.append(given))
    run("export", "-o", tmp_path / "m.onnx", "--model", weights)
    assert (written[0][0].name, written[0][1]) == ("tiny", tmp_path / "m.onnx")
    assert {"correct", "models", "export"} <= set(COMMANDS)


@pytest.mark.parametrize("broken", ["one frame", "no study"])
def test_a_series_that_cannot_be_written_again_is_not_corrected_in_vain(
    tmp_path, weights, capsys, monkeypatch, broken
):
    folder = tmp_path / "source"
    grid = Grid(SAGITTAL)

    def one_frame(number):
        groups = {
            "PlanePositionSequence": ("ImagePositionPatient", grid.position_mm(0, 0, number)),
            "PlaneOrientationSequence": ("ImageOrientationPatient", np.ravel(grid.directions)),
            "PixelMeasuresSequence": ("PixelSpacing", [grid.row_step_mm, grid.column_step_mm]),
        }
        frame = Dataset()
        for sequence, (keyword, numbers) in groups.items():
            item = Dataset()
            setattr(item, keyword, decimals(numbers))
            setattr(frame, sequence, [item])
        return {"PerFrameFunctionalGroupsSequence": [frame], "NumberOfFrames": 1}

    if broken == "one frame":
        Series(grid=grid, of_slice=one_frame).write(folder)
    else:
        Series(grid=grid, attributes={"StudyInstanceUID": None}).write(folder)
    monkeypatch.setattr(
        "mcnet.correction.files.correct_source", lambda *_, **__: pytest.fail("it was corrected")
    )
    told = fails(capsys, "correct", folder, "-o", tmp_path / "out", "--model", weights)
    assert {"one frame": "enhanced multi-frame", "no study": "no StudyInstanceUID"}[broken] in told
    assert not (tmp_path / "out").exists()
