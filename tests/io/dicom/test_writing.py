"""A volume as a derived DICOM series: what stays of the source, what is new, what is refused."""

import errno
import hashlib
import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    MRImageStorage,
    RLELossless,
)
from synthetic_dicom import SAGITTAL, Grid, Series, stored_values, write_enhanced

from mcnet import __version__
from mcnet.core.errors import McnetError
from mcnet.io.dicom.derived import Derivation, derived_instance
from mcnet.io.dicom.files import quiet_pydicom
from mcnet.io.dicom.series import DicomSeries, read_series
from mcnet.io.dicom.writing import write_series
from mcnet.io.volume import Volume
from mcnet.motion.poses import rotation_matrix

# Part 3 of the standard, table A.4-1 and the modules that it names: attributes of type 1 and 1C
# (which need a value) and of type 2 (which must be there and may be empty).
NEED_A_VALUE = {
    "General Study": ("StudyInstanceUID",),
    "General Series": ("Modality", "SeriesInstanceUID"),
    "Frame of Reference": ("FrameOfReferenceUID",),
    "General Image": ("ImageType",),
    "Image Plane": ("PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient"),
    "Image Pixel": (
        *("SamplesPerPixel", "PhotometricInterpretation", "Rows", "Columns", "BitsAllocated"),
        *("BitsStored", "HighBit", "PixelRepresentation", "PixelData"),
    ),
    "MR Image": ("ScanningSequence", "SequenceVariant"),
    "SOP Common": ("SOPClassUID", "SOPInstanceUID"),
    "Common Instance Reference": ("ReferencedSeriesSequence",),
}
MUST_BE_THERE = {
    "Patient": ("PatientName", "PatientID", "PatientBirthDate", "PatientSex"),
    "General Study": (
        *("StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber"),
    ),
    "General Series": ("SeriesNumber",),
    "Frame of Reference": ("PositionReferenceIndicator",),
    "General Equipment": ("Manufacturer",),
    "General Image": ("InstanceNumber",),
    "Image Plane": ("SliceThickness",),
    "MR Image": ("ScanOptions", "MRAcquisitionType", "RepetitionTime", "EchoTime"),
}
KEPT = (
    *("SOPClassUID", "Modality", "PatientName", "PatientID", "PatientBirthDate", "PatientSex"),
    *("StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "FrameOfReferenceUID"),
    *("ImageOrientationPatient", "ImagePositionPatient", "PixelSpacing", "SliceThickness"),
    *("Rows", "Columns", "BitsAllocated", "BitsStored", "PixelRepresentation", "InstanceNumber"),
    *("RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth", "EchoTime"),
)
OBLIQUE = Grid(
    (np.array(SAGITTAL) @ rotation_matrix(np.array([8.0, -5.0, 11.0])).T).tolist(),
    slice_step_mm=-3.0,
)
PIXELS = np.ones((12, 9), dtype=np.uint16)
ABOUT = Derivation("1.2.3", "Tested.")
SCALED = {"RescaleSlope": "0.5", "RescaleIntercept": "-20"}


def source(tmp_path: Path, **changes: Any) -> DicomSeries:
    return read_series(Series(grid=OBLIQUE).but(**changes).write(tmp_path / "in" / "source"))


def changed(series: DicomSeries) -> Volume:
    """A volume on the grid of the series with other values, all within what its bits hold."""
    values = np.ascontiguousarray(series.volume.values[::-1]) * np.float32(0.83)
    return replace(series.volume, values=values + np.float32(1.7))


def instances(folder: Path) -> list[Dataset]:
    return [dcmread(path) for path in sorted(folder.iterdir())]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"attributes": SCALED},
        {"attributes": SCALED, "stored": stored_values().astype(np.int16) - 300},
        {"of_slice": lambda n: {"RescaleSlope": f"{0.5 + n / 4}", "RescaleIntercept": -n}},
        {"syntax": RLELossless},
        {"syntax": ExplicitVRBigEndian},
    ],
)
def test_what_is_written_is_read_again_within_half_a_step(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    series = source(tmp_path, **changes)
    volume = changed(series)
    write_series(tmp_path / "out", volume, series)
    written = read_series(tmp_path / "out").volume
    largest_slope = max(plane.slope for plane in series.planes)
    assert np.abs(written.values - volume.values).max() <= largest_slope / 2 + 1e-4
    np.testing.assert_allclose(written.affine, series.volume.affine, atol=1e-9)
    assert json.loads((tmp_path / "out.json").read_text())["n_voxels_clipped"] == 0


def test_the_series_itself_is_written_without_loss(tmp_path: Path) -> None:
    series = source(tmp_path, attributes=SCALED)
    write_series(tmp_path / "out", series.volume, series)
    written = read_series(tmp_path / "out").volume
    np.testing.assert_array_equal(written.values, series.volume.values)


def test_another_reader_finds_the_same_grid_and_values(tmp_path: Path) -> None:
    series = source(tmp_path, attributes=SCALED)
    write_series(tmp_path / "out", changed(series), series)
    reader = SimpleITK.ImageSeriesReader
    files = [reader.GetGDCMSeriesFileNames(str(tmp_path / name)) for name in ("in/source", "out")]
    before, after = (SimpleITK.ReadImage(names) for names in files)
    assert before.GetSize() == after.GetSize()
    for property_ in ("GetOrigin", "GetSpacing", "GetDirection"):
        np.testing.assert_allclose(getattr(before, property_)(), getattr(after, property_)())
    # the volume was turned over along x, which is an axis of the file
    axis = series.order.order[0]
    expected = np.flip(SimpleITK.GetArrayFromImage(before).transpose(2, 1, 0), axis) * 0.83 + 1.7
    found = SimpleITK.GetArrayFromImage(after).transpose(2, 1, 0)
    np.testing.assert_allclose(found, expected, atol=0.25 + 1e-4)


def test_every_instance_has_what_the_standard_requires_of_mr_images(tmp_path: Path) -> None:
    series = source(tmp_path)
    write_series(tmp_path / "out", changed(series), series)
    for instance in instances(tmp_path / "out"):
        for module, keywords in NEED_A_VALUE.items():
            for keyword in keywords:
                assert instance.get(keyword) not in (None, ""), f"{module}: {keyword}"
        for module, keywords in MUST_BE_THERE.items():
            for keyword in keywords:
                assert keyword in instance, f"{module}: {keyword}"
        assert instance.SOPClassUID == instance.file_meta.MediaStorageSOPClassUID == MRImageStorage
        assert instance.file_meta.MediaStorageSOPInstanceUID == instance.SOPInstanceUID
        assert instance.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
        assert instance.HighBit == instance.BitsStored - 1
        assert len(instance.PixelData) == 2 * instance.Rows * instance.Columns
        assert instance.SmallestImagePixelValue == instance.pixel_array.min()
        assert instance.LargestImagePixelValue == instance.pixel_array.max()


def test_identity_is_new_and_points_to_the_source(tmp_path: Path) -> None:
    series = source(tmp_path)
    write_series(tmp_path / "out", changed(series), series)
    old = {str(i.SOPInstanceUID): i for i in instances(tmp_path / "in" / "source")}
    new = instances(tmp_path / "out")
    assert len(new) == len(old) == 10
    assert len({i.SOPInstanceUID for i in new} | set(old)) == 20
    assert len({i.SeriesInstanceUID for i in new}) == 1
    for instance in new:
        assert instance.SOPInstanceUID.is_valid
        assert len(instance.SOPInstanceUID) <= 64
        (reference,) = instance.SourceImageSequence
        before = old.pop(reference.ReferencedSOPInstanceUID)  # each is referred to once
        assert reference.ReferencedSOPClassUID == MRImageStorage
        assert reference.PurposeOfReferenceCodeSequence[0].CodeValue == "121322"
        assert instance.SeriesInstanceUID != before.SeriesInstanceUID
        (of_series,) = instance.ReferencedSeriesSequence
        assert of_series.SeriesInstanceUID == before.SeriesInstanceUID
        (of_instance,) = of_series.ReferencedInstanceSequence
        assert of_instance.ReferencedSOPInstanceUID == before.SOPInstanceUID
        # of the same place in the head, and otherwise the same
        for keyword in KEPT:
            assert instance.get(keyword) == before.get(keyword), keyword
    assert not old


def test_instances_say_that_they_are_derived(tmp_path: Path) -> None:
    series = source(tmp_path)
    write_series(tmp_path / "out", changed(series), series, derivation="Motion corrected")
    (text,) = {i.DerivationDescription for i in instances(tmp_path / "out")}
    assert text == (
        f"Motion corrected by mcnet {__version__}. Research tool, not a medical device."
    )
    for instance in instances(tmp_path / "out"):
        assert instance.ImageType == ["DERIVED", "SECONDARY", "M", "ND"]
        assert instance.SeriesDescription == "T1w MPRAGE mcnet"
        assert instance.SeriesNumber == 1004
        (equipment,) = instance.ContributingEquipmentSequence
        assert (equipment.ManufacturerModelName, equipment.SoftwareVersions) == (
            "mcnet",
            __version__,
        )


def test_a_second_derivation_tells_of_the_first(tmp_path: Path) -> None:
    series = source(tmp_path)
    write_series(tmp_path / "once", changed(series), series, derivation="Corrected")
    once = read_series(tmp_path / "once")
    write_series(tmp_path / "twice", changed(once), once, derivation="Smoothed")
    instance = instances(tmp_path / "twice")[0]
    assert instance.DerivationDescription.index("Corrected") == 0
    assert "; Smoothed by mcnet" in instance.DerivationDescription
    assert instance.SourceImageSequence[0].ReferencedSOPInstanceUID in {
        i.SOPInstanceUID for i in instances(tmp_path / "once")
    }
    assert len(instance.ContributingEquipmentSequence) == 2


def test_long_or_absent_descriptions_stay_within_the_standard(tmp_path: Path) -> None:
    absent = dict.fromkeys(("SeriesNumber", "ImageType"))
    attributes = {**absent, "SeriesDescription": "x" * 64, "DerivationDescription": "y" * 1024}
    series = source(tmp_path, attributes=attributes)
    write_series(tmp_path / "out", changed(series), series, derivation="Für alle")
    instance = instances(tmp_path / "out")[0]
    assert instance.ImageType == ["DERIVED", "SECONDARY", "OTHER"]
    assert instance.SeriesNumber == 1001
    assert instance.SeriesDescription == "x" * 58 + " mcnet"
    assert len(instance.DerivationDescription) == 1024
    assert "F?r alle" in instance.DerivationDescription


def test_private_and_outdated_attributes_are_left_out(tmp_path: Path) -> None:
    nested = Dataset()
    nested.add_new(0x00190010, "LO", "SIEMENS MR HEADER")
    nested.StudyID = "8"
    outdated = {
        "InstanceCreationDate": "20260102",
        "ContentDate": "20260102",
        "IconImageSequence": [Dataset()],
        "LargestPixelValueInSeries": 5,
        "RequestAttributesSequence": [nested],
    }
    series = source(tmp_path, attributes=outdated)
    write_series(tmp_path / "out", changed(series), series)
    for instance in instances(tmp_path / "out"):
        assert not [e.tag for e in instance.iterall() if e.tag.is_private]
        assert instance.RequestAttributesSequence[0].StudyID == "8"
        assert not {*outdated} - {"RequestAttributesSequence"} & {e.keyword for e in instance}
        assert "ContentDate" not in instance


@pytest.mark.parametrize(
    ("syntax", "told", "expected"),
    [
        (JPEGBaseline8Bit, None, "01"),
        (JPEGBaseline8Bit, "00", "01"),
        (ExplicitVRLittleEndian, "01", "01"),
        (ExplicitVRLittleEndian, None, None),
    ],
)
def test_what_was_once_lossy_stays_told(
    tmp_path: Path, syntax: str, told: str | None, expected: str | None
) -> None:
    before = instances(Series().write(tmp_path / "source"))[0]
    before.file_meta.TransferSyntaxUID = syntax
    if told:
        before.LossyImageCompression = told
    after = derived_instance(before, PIXELS, ABOUT)
    assert after.get("LossyImageCompression") == expected


def test_intensities_beyond_the_bits_are_clipped_and_counted(tmp_path: Path) -> None:
    series = source(tmp_path)
    values = series.volume.values.copy()
    values[1, 2, 3:6] = (-3.0, 5000.0, -0.4)
    write_series(tmp_path / "out", replace(series.volume, values=values), series)
    written = read_series(tmp_path / "out").volume.values
    np.testing.assert_array_equal(written[1, 2, 3:6], (0, 4095, 0))
    assert json.loads((tmp_path / "out.json").read_text())["n_voxels_clipped"] == 2


def test_eight_bits_stay_eight_bits(tmp_path: Path) -> None:
    folder = Series(stored=stored_values((9, 11, 10), highest=200)).write(tmp_path / "source")
    for path in folder.iterdir():
        instance = dcmread(path)
        pixels = instance.pixel_array.astype(np.uint8).tobytes()
        instance.BitsAllocated, instance.BitsStored, instance.HighBit = 8, 8, 7
        instance.PixelData = pixels + b"\0"  # 99 bytes, and one to make them even
        instance["PixelData"].VR = "OB"
        instance.save_as(path)
    series = read_series(folder)
    write_series(tmp_path / "out", series.volume, series)
    np.testing.assert_array_equal(read_series(tmp_path / "out").volume.values, series.volume.values)
    instance = instances(tmp_path / "out")[0]
    assert (instance.BitsAllocated, len(instance.PixelData)) == (8, 100)


def test_equal_input_gives_equal_bytes_and_other_input_another_identity(tmp_path: Path) -> None:
    series = source(tmp_path)
    volume = changed(series)
    for name in ("a", "b"):
        write_series(tmp_path / name, volume, series, seed=3)
    files = [sorted((tmp_path / name).iterdir()) for name in ("a", "b")]
    assert [path.name for path in files[0]] == [path.name for path in files[1]]
    assert [path.read_bytes() for path in files[0]] == [path.read_bytes() for path in files[1]]
    other = replace(volume, values=volume.values + np.float32(1))
    write_series(tmp_path / "c", other, series)
    write_series(tmp_path / "d", volume, series, derivation="Other")
    uids = {instances(tmp_path / name)[0].SeriesInstanceUID for name in "abcd"}
    assert len(uids) == 3


def test_provenance_lies_beside_the_folder(tmp_path: Path) -> None:
    series = source(tmp_path)
    first = series.planes[0].file.path
    write_series(
        *(tmp_path / "out.v1", changed(series), series),
        seed=7,
        inputs={"scan": first},
        notes={"model": "l1"},
    )
    record = json.loads((tmp_path / "out.v1.json").read_text())
    assert record["inputs_sha256"] == {"scan": hashlib.sha256(first.read_bytes()).hexdigest()}
    assert (record["seed"], record["model"], record["version"]) == (7, "l1", __version__)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out.v1", "out.v1.json"]
    assert {path.suffix for path in (tmp_path / "out.v1").iterdir()} == {".dcm"}


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left")])
def test_interrupted_writing_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    series = source(tmp_path)
    from mcnet.io.dicom import writing

    write_one, written = writing.dcmwrite, []

    def fails_at_the_third(path: Path, *given: Any, **options: Any) -> None:
        if len(written) == 2:
            raise error
        written.append(path)
        write_one(path, *given, **options)

    monkeypatch.setattr(writing, "dcmwrite", fails_at_the_third)
    expected = McnetError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected, match="no space left|^$"):
        write_series(tmp_path / "out", changed(series), series)
    assert len(written) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


# What is refused, and how.


def expect_refused(folder: Path, volume: Volume, series: DicomSeries, sentence: str) -> None:
    with pytest.raises(McnetError, match=sentence) as caught:
        write_series(folder, volume, series)
    assert str(caught.value).endswith(".")
    assert not list(folder.parent.glob(".writing-*"))


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    series = source(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").touch()
    expect_refused(tmp_path / "out", series.volume, series, "exists and is not an empty folder")
    expect_refused(tmp_path / "out" / "mine.txt", series.volume, series, "is a file, and a folder")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    series = source(tmp_path)
    (tmp_path / "out").mkdir()
    write_series(tmp_path / "out", series.volume, series)
    assert len(list((tmp_path / "out").iterdir())) == 10


def test_a_sidecar_of_another_program_is_not_overwritten(tmp_path: Path) -> None:
    series = source(tmp_path)
    (tmp_path / "out.json").write_text("{}")
    expect_refused(tmp_path / "out", series.volume, series, "out.json was not written by mcnet")
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    series = source(tmp_path)
    (tmp_path / "file").touch()
    expect_refused(tmp_path / "file" / "out", series.volume, series, "cannot be written")


def test_another_grid_is_refused(tmp_path: Path) -> None:
    series = source(tmp_path)
    smaller = Volume(series.volume.values[1:], series.volume.affine, "smaller")
    sentence = r"smaller \(.*\) lies on another grid than the DICOM series source \(.*write NIfTI"
    expect_refused(tmp_path / "out", smaller, series, sentence)
    shifted = Volume(series.volume.values, series.volume.affine + 0.01, "shifted")
    expect_refused(tmp_path / "out", shifted, series, "lies on another grid")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(tmp_path: Path, bad: float) -> None:
    series = source(tmp_path)
    values = series.volume.values.copy()
    values[2, :3, 4] = bad
    volume = replace(series.volume, values=values)
    expect_refused(tmp_path / "out", volume, series, "source has 3 voxels of NaN or infinite")


def test_an_enhanced_source_is_refused(tmp_path: Path) -> None:
    series = read_series(write_enhanced(tmp_path / "enhanced", stored_values(), OBLIQUE))
    expect_refused(tmp_path / "out", series.volume, series, "enhanced multi-frame .* write NIfTI")


def test_a_source_without_identity_is_refused(tmp_path: Path) -> None:
    series = source(tmp_path, of_slice=lambda n: {"SOPInstanceUID": None} if n == 4 else {})
    expect_refused(tmp_path / "out", series.volume, series, "has no SOPInstanceUID")
    assert not (tmp_path / "out").exists()


def test_a_source_that_is_gone_is_refused(tmp_path: Path) -> None:
    series = source(tmp_path)
    series.planes[4].file.path.unlink()
    expect_refused(tmp_path / "out", series.volume, series, r"cannot be read \(no such file")
    assert not (tmp_path / "out").exists()


def test_what_scanners_get_wrong_neither_warns_nor_fails(tmp_path: Path) -> None:
    wrong = {"SpecificCharacterSet": "ISO_IR 999", "PatientAge": "ten", "ImageComments": "ä" * 9}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the maker, not of mcnet
        folder = Series(attributes=wrong).write(tmp_path / "source")
    for path in folder.iterdir():
        content = path.read_bytes()
        series_number = b" \x00\x11\x00IS\x02\x00"
        assert content.count(series_number + b"4 ") == 1
        path.write_bytes(content.replace(series_number + b"4 ", series_number + b"x "))
    series = read_series(folder)
    write_series(tmp_path / "out", series.volume, series)
    with quiet_pydicom():
        assert {instance.SeriesNumber for instance in instances(tmp_path / "out")} == {1001}


@pytest.mark.slow
def test_the_real_series_is_written_back(shared_data: Path, tmp_path: Path) -> None:
    series = read_series(shared_data / "dicom" / "t1w")
    write_series(tmp_path / "out", series.volume, series)
    written = read_series(tmp_path / "out")
    np.testing.assert_array_equal(written.volume.values, series.volume.values)
    np.testing.assert_array_equal(written.volume.affine, series.volume.affine)
    for old, new in zip(series.planes, written.planes, strict=True):
        before, after = dcmread(old.file.path), dcmread(new.file.path)
        np.testing.assert_array_equal(before.pixel_array, after.pixel_array)
        for keyword in KEPT:
            assert before.get(keyword) == after.get(keyword), keyword
        missing = {e.keyword for e in before if not e.tag.is_private} - {e.keyword for e in after}
        assert missing == {
            *("InstanceCreationDate", "InstanceCreationTime", "ContentDate", "ContentTime"),
        }
