"""From a file to its corrected file: grid, header, type and scale stay; what is left is a copy."""

import errno
import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from synthetic_dicom import SAGITTAL, Grid, Series
from tiny_models import FakeSeverityEstimator, tiny_model

from mcnet.core.errors import McnetError
from mcnet.correction.files import (
    CorrectedFile,
    correct_source,
    read_source,
    write_corrected,
    write_uncertainty,
)
from mcnet.correction.models import Model
from mcnet.correction.options import CorrectionOptions
from mcnet.correction.suited import contrast_warnings
from mcnet.io.dicom.series import read_series
from mcnet.motion.poses import rotation_matrix

SHAPE = (11, 16, 13)
MOVING, STILL = FakeSeverityEstimator(), FakeSeverityEstimator(is_still=True)
CHANGED_FIELDS = {"descrip", "magic", "vox_offset"}
"""Header fields that may differ: mcnet's name, and what belongs to the kind of file."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return tiny_model(tmp_path_factory.mktemp("model"))


def corrected(
    path: Path, model: Model, severity_estimator: FakeSeverityEstimator = MOVING, **options: Any
) -> CorrectedFile:
    return correct_source(
        read_source(path),
        model,
        severity_estimator=severity_estimator,
        options=CorrectionOptions(**options),
    )


def head(dtype: str, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """Numbers that are large inside and small at the rim, no two neighbours alike."""
    axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    inside = 180 * np.exp(-sum(axis**2 for axis in axes))
    return (inside + np.random.default_rng(2).integers(0, 40, size=shape)).astype(dtype)


AXES = {
    "RAS": np.eye(3),
    "LPS": np.diag([-1.0, -1.0, 1.0]),
    "LAS": np.diag([-1.0, 1.0, 1.0]),
    "PSR": np.eye(3)[[2, 0, 1]] * [-1, 1, 1],
    "IPL": np.array([[0, 0, -1.0], [0, -1.0, 0], [-1.0, 0, 0]]),
    "SAR": np.array([[0, 0, 1.0], [0, 1.0, 0], [1.0, 0, 0]]),
}


def oblique(angles_deg: tuple[float, float, float]) -> np.ndarray:
    return rotation_matrix(np.array(angles_deg))


def sheared(affine: np.ndarray) -> np.ndarray:
    affine = affine.copy()
    affine[:3, 1] += 0.07 * affine[:3, 2]
    return affine


def odd_image(
    axes: np.ndarray,
    size_mm: tuple[float, float, float],
    dtype: str,
    scaling: tuple[float, float],
    codes: tuple[int, int],
    shear: bool,
    nifti2: bool,
    extension: bool,
) -> nib.Nifti1Image:
    affine = np.eye(4)
    affine[:3, :3] = axes @ np.diag(size_mm)
    affine[:3, 3] = (-31.5, 12.25, 7.0)
    kind = nib.Nifti2Image if nifti2 else nib.Nifti1Image
    image = kind(head(dtype), affine, dtype=dtype)
    image.header.set_slope_inter(*scaling)
    image.header.set_xyzt_units("mm", "sec")
    image.header["descrip"] = b"TE=2.9;Time=101112"
    image.header["aux_file"] = b"none"
    image.header["intent_name"] = b"T1"
    image.header["cal_max"] = 170
    image.header["toffset"] = 2.5
    image.header.set_dim_info(freq=1, phase=2, slice=0)
    image.set_qform(affine, code=codes[0])
    image.set_sform(sheared(affine) if shear else affine, code=codes[1] or int(shear))
    if extension:
        image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"of the scanner"))
    return image


def same_header(before: nib.Nifti1Image, after: nib.Nifti1Image, but: set[str]) -> None:
    assert type(before.header) is type(after.header)
    for field in set(before.header) - but:
        np.testing.assert_array_equal(before.header[field], after.header[field], err_msg=field)
    assert [e.get_content() for e in before.header.extensions] == [
        e.get_content() for e in after.header.extensions
    ]
    np.testing.assert_array_equal(before.affine, after.affine)
    assert before.header.get_zooms() == after.header.get_zooms()
    assert nib.aff2axcodes(before.affine) == nib.aff2axcodes(after.affine)
    assert before.get_data_dtype() == after.get_data_dtype()
    assert (before.dataobj.slope, before.dataobj.inter) == (
        after.dataobj.slope,
        after.dataobj.inter,
    )


@pytest.mark.slow
@settings(deadline=None, max_examples=40, derandomize=True)
@given(
    axes=st.sampled_from(list(AXES)),
    angles_deg=st.sampled_from([(0.0, 0.0, 0.0), (9.0, -4.0, 13.0), (-20.0, 3.0, 1.0)]),
    size_mm=st.sampled_from([(1.0, 1.0, 1.0), (0.8, 1.3, 0.9), (3.0, 1.0, 1.0), (1, 1, 4.5)]),
    dtype=st.sampled_from(["int16", "uint8", "float32", "uint16", ">i2", "float64", "int32"]),
    scaling=st.sampled_from([(1.0, 0.0), (0.37, -12.0), (25.0, 3.0)]),
    codes=st.sampled_from([(1, 1), (0, 2), (1, 4), (3, 3)]),
    shear=st.booleans(),
    nifti2=st.booleans(),
    extension=st.booleans(),
    endings=st.sampled_from([(".nii", ".nii"), (".nii.gz", ".nii.gz"), (".nii", ".nii.gz")]),
    is_still=st.booleans(),
)
def test_grid_header_type_and_scale_survive_a_correction(
    model: Model,
    tmp_path_factory: pytest.TempPathFactory,
    axes: str,
    angles_deg: tuple[float, float, float],
    size_mm: tuple[float, float, float],
    endings: tuple[str, str],
    is_still: bool,
    **form: Any,
) -> None:
    folder = tmp_path_factory.mktemp("odd")
    source, output = folder / f"in{endings[0]}", folder / f"out{endings[1]}"
    nib.save(odd_image(oblique(angles_deg) @ AXES[axes], size_mm, **form), source)
    found = corrected(source, model, FakeSeverityEstimator(is_still=is_still))
    write_corrected(output, found)
    before, after = nib.load(source), nib.load(output)
    same_header(before, after, set() if is_still else {"descrip"})
    stored = before.dataobj.get_unscaled(), after.dataobj.get_unscaled()
    assert np.array_equal(*stored) == is_still
    if not is_still:
        # what was computed stands at the voxel where it belongs, to half a step of the type
        values = np.asarray(nib.as_closest_canonical(after).dataobj, dtype=np.float64)
        step = 0.0 if form["dtype"].startswith("float") else abs(form["scaling"][0])
        np.testing.assert_allclose(values, found.result.after.values, atol=step / 2 + 2e-2)


@pytest.mark.parametrize("dtype", ["int32", "float64", "int16"])
def test_a_scan_that_is_left_keeps_numbers_that_float32_could_not_hold(
    tmp_path: Path, model: Model, dtype: str
) -> None:
    values = head("float64") * (100.000001 if dtype == "int16" else 10_000_000.123)
    nib.save(nib.Nifti1Image(values.astype(dtype), np.eye(4)), tmp_path / "in.nii")
    found = corrected(tmp_path / "in.nii", model, STILL)
    write_corrected(tmp_path / "out.nii", found)
    write_corrected(tmp_path / "out.nii.gz", found)
    whole = (tmp_path / "in.nii").read_bytes()
    assert (tmp_path / "out.nii").read_bytes() == whole
    assert gzip.decompress((tmp_path / "out.nii.gz").read_bytes()) == whole


def test_a_pair_that_is_left_becomes_one_file_of_the_same_numbers(
    tmp_path: Path, model: Model
) -> None:
    image = nib.Nifti1Pair(head("int32") * 10_000_001, np.diag([-2.0, 1, 1, 1]))
    image.header.set_slope_inter(0.5, 3)
    nib.save(image, tmp_path / "in.hdr")
    write_corrected(tmp_path / "out.nii.gz", corrected(tmp_path / "in.hdr", model, STILL))
    before, after = nib.load(tmp_path / "in.hdr"), nib.load(tmp_path / "out.nii.gz")
    np.testing.assert_array_equal(before.dataobj.get_unscaled(), after.dataobj.get_unscaled())
    assert (after.dataobj.slope, after.dataobj.inter) == (0.5, 3)
    np.testing.assert_array_equal(before.affine, after.affine)


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    path = tmp_path / "scan.nii.gz"
    nib.save(nib.Nifti1Image(head("int16"), np.diag([-2.0, -1.5, 1.0, 1])), path)
    return path


def test_the_json_file_tells_what_was_found_and_done(
    tmp_path: Path, scan: Path, model: Model
) -> None:
    found = corrected(scan, model, FakeSeverityEstimator(warnings=("Odd.",)))
    write_corrected(tmp_path / "out.nii.gz", found, {"Sources": ["a"]})
    about = json.loads((tmp_path / "out.json").read_text())
    assert about["inputs_sha256"] == {"scan": hashlib.sha256(scan.read_bytes()).hexdigest()}
    assert about["model"] == {"name": "tiny", "sha256": model.sha256}
    assert about["severity_estimator"] == {"name": "fake", "sha256": "1" * 64}
    assert about["severity_before"] == {
        "mm": 1.25,
        "low_mm": 0.75,
        "high_mm": 2.0,
        "is_still": False,
    }
    assert (about["left_because"], about["Sources"]) == (None, ["a"])
    assert about["warnings"][0] == "Odd."
    assert about["generator"] == "mcnet"
    assert about["options"]["force"] is False


def test_uncertainty_lies_voxel_by_voxel_on_the_scan(
    tmp_path: Path, scan: Path, model: Model
) -> None:
    found = corrected(scan, model, uncertainty=True)
    write_uncertainty(tmp_path / "sd.nii.gz", found)
    image = nib.load(tmp_path / "sd.nii.gz")
    np.testing.assert_array_equal(image.affine, nib.load(scan).affine)
    assert image.get_data_dtype() == np.float32
    assert (image.header["cal_max"], image.dataobj.slope, image.dataobj.inter) == (0, 1, 0)
    assert found.result.uncertainty is not None
    # the axes of the file are those of the scan, two of which run backwards
    np.testing.assert_array_equal(
        image.get_fdata(dtype=np.float32), found.result.uncertainty.values[::-1, ::-1]
    )
    assert image.get_fdata().std() > 0


def test_of_a_scan_that_is_left_there_is_no_uncertainty(
    tmp_path: Path, scan: Path, model: Model
) -> None:
    found = corrected(scan, model, STILL, uncertainty=True)
    with pytest.raises(McnetError, match=r"sd.nii is not written.*--force"):
        write_uncertainty(tmp_path / "sd.nii", found)
    assert not (tmp_path / "sd.nii").exists()


@pytest.mark.parametrize("is_still", [True, False])
def test_a_full_disk_leaves_nothing(
    tmp_path: Path, scan: Path, model: Model, monkeypatch: pytest.MonkeyPatch, is_still: bool
) -> None:
    found = corrected(scan, model, FakeSeverityEstimator(is_still=is_still))
    before = sorted(tmp_path.iterdir())

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("mcnet.io.nifti.files.nib.save", full)
    monkeypatch.setattr("mcnet.io.nifti.same_grid.shutil.copyfileobj", full)
    with pytest.raises(McnetError, match=r"cannot be written \(no space left"):
        write_corrected(tmp_path / "out.nii.gz", found)
    assert sorted(tmp_path.iterdir()) == before


def test_what_the_name_says_of_the_contrast_is_told(
    tmp_path: Path, scan: Path, model: Model
) -> None:
    other = scan.rename(tmp_path / "sub-01_T2w.nii.gz")
    warnings = corrected(other, model).result.warnings
    assert "('sub-01_T2w')" in warnings[0]
    assert "T1-weighted" in warnings[0]
    named = other.rename(tmp_path / "a.nii.gz")
    assert not contrast_warnings(read_source(named).names, model.card.contrast)
    (tmp_path / "a.json").write_text('{"SeriesDescription": "ax flair 3mm", "Modality": "MR"}')
    assert "ax flair 3mm" in read_source(named).names
    (tmp_path / "a.json").write_text('{"ProtocolName": "AX T2 FLAIR", "Modality": "MRI"}')
    assert "AX T2 FLAIR" in read_source(named).names
    (tmp_path / "a.json").write_text('{"Modality": "pt "}')
    with pytest.raises(McnetError, match="is of modality pt;"):
        read_source(named)


def test_ct_is_refused_by_its_values(tmp_path: Path) -> None:
    values = head("int16").astype(np.int16)
    values[:2] = -1000
    nib.save(nib.Nifti1Image(values, np.eye(4)), tmp_path / "ct.nii")
    with pytest.raises(McnetError, match="looks like CT: 18% of its voxels lie below -900"):
        read_source(tmp_path / "ct.nii")


def test_what_applies_by_inheritance_counts_for_a_scan_by_itself(
    tmp_path: Path, scan: Path
) -> None:
    inherited = tmp_path / "raw" / "T1w.json"
    path = tmp_path / "raw/sub-01/anat/sub-01_T1w.nii.gz"
    path.parent.mkdir(parents=True)
    scan.rename(path)
    (tmp_path / "raw/dataset_description.json").write_text("{}")
    words = {
        "InPlanePhaseEncodingDirectionDICOM": "col ",
        "ImageOrientationPatientDICOM": [0, 1, 0, 0, 0, -1],
    }
    inherited.write_text(json.dumps(words))
    assert read_source(path).phase_encoding == "z"
    inherited.write_text('{"Modality": "CT"}')
    with pytest.raises(McnetError, match="is of modality CT"):
        read_source(path)
    inherited.write_text('{"Modality": "C')
    with pytest.raises(McnetError, match="T1w.json is no JSON"):
        read_source(path)


@pytest.mark.parametrize(
    ("form", "damage"),
    [("utf-16", ""), ("latin-1", ""), ("utf-8-sig", ""), ("utf-8", "cut off")],
)
def test_a_sidecar_counts_in_any_encoding_or_is_refused(
    tmp_path: Path, scan: Path, form: str, damage: str
) -> None:
    words = '{"Modality": "CT", "ProtocolName": "Schädel"}'
    (tmp_path / "scan.json").write_bytes(words.encode(form)[: -3 if damage else None])
    with pytest.raises(McnetError, match="is no JSON" if damage else "is of modality CT"):
        read_source(scan)


@pytest.mark.parametrize("axes", AXES.values(), ids=AXES)
def test_the_axis_of_the_lines_is_that_of_the_file_and_is_kept(
    tmp_path: Path, model: Model, axes: np.ndarray
) -> None:
    affine = np.eye(4)
    affine[:3, :3] = axes
    nib.save(nib.Nifti1Image(head("int16"), affine), tmp_path / "in.nii")
    place = int(np.abs(axes[2]).argmax())  # the axis of the file that runs up or down
    (tmp_path / "in.json").write_text(json.dumps({"PhaseEncodingDirection": "ijk"[place]}))
    found = corrected(tmp_path / "in.nii", model)
    assert found.record["options"]["phase_encoding"] == "z"
    write_corrected(tmp_path / "out.nii", found)
    assert read_source(tmp_path / "out.nii").phase_encoding == "z"


def test_two_axes_are_told_and_the_scanners_own_is_taken(tmp_path: Path, scan: Path) -> None:
    words = {
        "InPlanePhaseEncodingDirectionDICOM": "ROW",
        "ImageOrientationPatientDICOM": [0, 1, 0, 0, 0, -1],
        "PhaseEncodingDirection": "k",
    }
    (tmp_path / "scan.json").write_text(json.dumps(words))
    source = read_source(scan)
    assert source.phase_encoding == "y"
    assert "y is taken unless --phase-encoding says otherwise" in source.warnings[0]


def test_a_scan_of_one_volume_in_four_dimensions_keeps_them(tmp_path: Path, model: Model) -> None:
    nib.save(nib.Nifti1Image(head("int16")[..., None], np.eye(4)), tmp_path / "in.nii")
    for severity_estimator in (MOVING, STILL):
        write_corrected(
            tmp_path / "out.nii", corrected(tmp_path / "in.nii", model, severity_estimator)
        )
        assert nib.load(tmp_path / "out.nii").shape == (*SHAPE, 1)


# DICOM


@pytest.fixture
def series(tmp_path: Path) -> Path:
    stored = (head("uint16") * 4).astype(np.uint16)
    return Series(stored=stored, grid=Grid(SAGITTAL, 1.1, 1.2, -1.3)).write(tmp_path / "series")


@pytest.mark.parametrize("is_still", [True, False])
def test_a_series_becomes_a_series(
    tmp_path: Path, series: Path, model: Model, is_still: bool
) -> None:
    found = corrected(series, model, FakeSeverityEstimator(is_still=is_still))
    write_corrected(tmp_path / "out", found)
    before, after = read_series(series), read_series(tmp_path / "out")
    np.testing.assert_allclose(after.volume.values, found.result.after.values, atol=0.51)
    np.testing.assert_allclose(after.volume.affine, before.volume.affine)
    for old, new in zip(before.planes, after.planes, strict=True):
        pixels = [dcmread(plane.file.path).PixelData for plane in (old, new)]
        assert (pixels[0] == pixels[1]) == is_still
        done = dcmread(new.file.path).DerivationDescription
        assert done.startswith(
            "Estimated to be still: no more motion" if is_still else "Motion corrected by mcnet"
        )
    about = json.loads((tmp_path / "out.json").read_text())
    assert set(about["inputs_sha256"]) == {f"scan/{path.name}" for path in series.iterdir()}
    assert about["left_because"] == ("estimated still" if is_still else None)


def test_a_series_becomes_nifti_where_the_output_is_named_so(
    tmp_path: Path, series: Path, model: Model
) -> None:
    found = corrected(series, model, uncertainty=True)
    write_corrected(tmp_path / "out.nii.gz", found)
    write_uncertainty(tmp_path / "sd.nii.gz", found)
    image = nib.load(tmp_path / "out.nii.gz")
    np.testing.assert_array_equal(image.get_fdata(dtype=np.float32), found.result.after.values)
    np.testing.assert_allclose(image.affine, nib.load(tmp_path / "sd.nii.gz").affine)


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ({"SeriesDescription": "t2_space_sag"}, "t2"),
        ({"SeriesDescription": "x", "ProtocolName": "AX T2 FLAIR"}, "T2"),
        ({"SeriesDescription": "T1 FLAIR 3D"}, None),
        ({"SeriesDescription": "T1w MPRAGE"}, None),
    ],
)
def test_what_a_series_says_of_its_contrast_is_told(
    tmp_path: Path, attributes: dict[str, Any], told: str | None
) -> None:
    folder = Series(attributes=attributes).write(tmp_path / "s")
    warnings = contrast_warnings(read_source(folder).names, "T1w")
    assert (told is None) == (not warnings)
    assert told is None or f"but {told};" in warnings[0]


def test_a_series_and_the_file_made_of_it_tell_the_axis_of_the_lines(
    tmp_path: Path, model: Model
) -> None:
    stored = (head("uint16") * 4).astype(np.uint16)
    attributes = {"InPlanePhaseEncodingDirection": "COL"}
    folder = Series(stored, Grid(SAGITTAL, 1.1, 1.2, -1.3), attributes).write(tmp_path / "s")
    found = corrected(folder, model)
    assert found.source.phase_encoding == "z"
    write_corrected(tmp_path / "out.nii", found)
    assert read_source(tmp_path / "out.nii").phase_encoding == "z"


def test_a_ct_series_is_refused(tmp_path: Path) -> None:
    folder = Series(attributes={"Modality": "CT"}).write(tmp_path / "s")
    with pytest.raises(McnetError, match="is of modality CT; mcnet corrects MR scans"):
        read_source(folder)


def test_a_correction_does_not_change_what_was_read(
    tmp_path: Path, scan: Path, model: Model
) -> None:
    source = read_source(scan)
    values = source.volume.values.copy()
    correct_source(
        source, model, severity_estimator=FakeSeverityEstimator(), options=CorrectionOptions()
    )
    np.testing.assert_array_equal(source.volume.values, values)
