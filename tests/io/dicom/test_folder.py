"""Every file in the folder of a series is accounted for."""

import gzip
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian
from synthetic_dicom import Grid, Series, stored_values, write_enhanced

from mcnet.core.errors import McnetError
from mcnet.correction.files import read_source
from mcnet.io.dicom.series import read_series, series_files
from mcnet.io.dicom.writing import write_series

DCM = Series(name=lambda n: f"IM{n:04d}.dcm")


def expect_refused(folder: Path, sentence: str) -> None:
    with pytest.raises(McnetError, match=sentence) as caught:
        read_series(folder)
    assert str(caught.value).startswith(str(folder))
    assert str(caught.value).endswith(".")


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def packed(path: Path) -> None:
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()


def unlinked(path: Path) -> None:
    path.unlink()
    path.symlink_to(".git/annex/objects/content")


def a_pointer(path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n")


def a_page(path: Path) -> None:
    path.write_text("<html>404 not found</html>")


def zeroed(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


UNREADABLE = [
    (emptied, "is empty"),
    (packed, "is compressed with gzip: unpack it with gunzip"),
    (unlinked, "is a link to a file that is not here"),
    (a_pointer, "stands for content that is not here: fetch it first"),
    (a_page, "is no DICOM file"),
    (zeroed, "is no DICOM file"),
]


@pytest.mark.parametrize("name", [DCM.name, str, lambda n: f"MR.1.2.840.{n}"])
@pytest.mark.parametrize(("damage", "told"), UNREADABLE)
def test_a_file_that_may_be_a_missing_slice_is_refused(
    tmp_path: Path, damage: Callable[[Path], None], told: str, name: Callable[[int], str]
) -> None:
    folder = DCM.but(name=name).write(tmp_path / "series")
    damage(folder / name(9))  # at the end, where no gap would tell
    expect_refused(
        folder,
        rf"holds 1 files that may be slices of the series and cannot be read \({name(9)}(.gz)? "
        f"{told}\\); copy or export the series again, or move them elsewhere if they are none",
    )


def test_names_that_are_random_do_not_hide_a_slice(tmp_path: Path) -> None:
    names = ["a3f", "b77", "c0d", "d9e", "e11", "f2a", "0be", "1cd", "2ef", "9aa"]
    folder = DCM.but(name=lambda n: names[n]).write(tmp_path / "series")
    emptied(folder / "9aa")
    expect_refused(folder, "9aa is empty")


def test_of_many_unreadable_files_some_are_listed(tmp_path: Path) -> None:
    folder = Series(stored=stored_values((9, 12, 30)), name=DCM.name).write(tmp_path / "series")
    for number in (0, 1, 28, 29):
        emptied(folder / DCM.name(number))
    expect_refused(
        folder,
        r"holds 4 files .*\(IM0000.dcm is empty, IM0001.dcm is empty, IM0028.dcm is .*, \.\.\.\)",
    )


def test_a_folder_of_packed_files_says_so(tmp_path: Path) -> None:
    folder = DCM.write(tmp_path / "series")
    for path in sorted(folder.iterdir()):
        packed(path)
    expect_refused(
        folder,
        r"holds no DICOM image \(IM0000.dcm.gz is compressed with gzip: unpack it .*\.\.\.\)",
    )


def test_a_file_of_no_known_purpose_is_told_to_the_user(tmp_path: Path) -> None:
    folder = DCM.write(tmp_path / "series")
    (folder / "extra.bin").write_bytes(bytes(300))
    series = read_series(folder)
    assert series.warnings == (
        f"1 files of {folder} were left out, since they are no DICOM images (extra.bin is no DICOM "
        "file); check that none of them is a slice.",
    )
    assert read_source(folder).warnings == series.warnings
    assert len(series_files(folder)) == 10


def test_files_of_another_purpose_are_left_out_without_a_word(tmp_path: Path) -> None:
    folder = DCM.write(tmp_path / "series")
    for name in ("README", "Thumbs.db", "list.csv", "t1w.json", "t1w.nii.gz", "a.png", ".DS_Store"):
        (folder / name).write_bytes(b"\x01\x02\x03")
    (folder / "DICOMDIR").write_bytes(Path(get_testdata_file("DICOMDIR")).read_bytes())
    assert read_series(folder).warnings == ()


@pytest.mark.parametrize("is_implicit", [True, False])
@pytest.mark.parametrize("with_preamble", [True, False])
def test_files_without_meta_header_or_preamble_are_read(
    tmp_path: Path, is_implicit: bool, with_preamble: bool
) -> None:
    expected = read_series(DCM.write(tmp_path / "whole")).volume
    folder = DCM.write(tmp_path / "series")
    for path in folder.iterdir():
        instance = dcmread(path)
        del instance.file_meta
        if not with_preamble:
            instance.preamble = None
        instance.save_as(
            path, implicit_vr=is_implicit, little_endian=True, enforce_file_format=False
        )
    series = read_series(folder)
    np.testing.assert_array_equal(series.volume.values, expected.values)
    write_series(tmp_path / "out", series.volume, series)
    written = read_series(tmp_path / "out").volume
    np.testing.assert_array_equal(written.values, expected.values)


def test_deflated_files_are_read_and_written_back(tmp_path: Path) -> None:
    expected = read_series(DCM.write(tmp_path / "plain")).volume
    folder = DCM.but(syntax=DeflatedExplicitVRLittleEndian).write(tmp_path / "series")
    series = read_series(folder)
    np.testing.assert_array_equal(series.volume.values, expected.values)
    write_series(tmp_path / "out", series.volume, series)
    np.testing.assert_array_equal(read_series(tmp_path / "out").volume.values, expected.values)


def test_big_endian_files_without_meta_header_are_read(tmp_path: Path) -> None:
    expected = read_series(DCM.write(tmp_path / "plain")).volume
    folder = DCM.but(syntax=ExplicitVRBigEndian).write(tmp_path / "series")
    for path in folder.iterdir():
        instance = dcmread(path)
        del instance.file_meta
        instance.preamble = None
        instance.save_as(path, implicit_vr=False, little_endian=False, enforce_file_format=False)
    np.testing.assert_array_equal(read_series(folder).volume.values, expected.values)


def test_a_private_encoding_is_told_as_such(tmp_path: Path) -> None:
    folder = DCM.write(tmp_path / "series")
    for path in folder.iterdir():
        instance = dcmread(path)
        instance.file_meta.TransferSyntaxUID = "1.3.46.670589.33.1.4.1"
        instance.save_as(path, implicit_vr=False, little_endian=True)
    expect_refused(
        folder,
        r"is encoded in a manufacturer's own way \(transfer syntax 1.3.46.670589.33.1.4.1\); "
        "export the series again as Explicit VR Little Endian",
    )


def test_files_whose_preamble_was_cut_away_are_told_as_such(tmp_path: Path) -> None:
    folder = DCM.write(tmp_path / "series")
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[128:])
    expect_refused(folder, "lacks the 128 bytes that come before the letters DICM")


def test_compressed_pixels_without_meta_header_are_told_as_such(tmp_path: Path) -> None:
    folder = DCM.but(syntax="1.2.840.10008.1.2.5").write(tmp_path / "series")
    for path in folder.iterdir():
        instance = dcmread(path)
        del instance.file_meta
        instance.save_as(path, implicit_vr=False, little_endian=True, enforce_file_format=False)
    expect_refused(folder, "has no meta header that says how its pixels are compressed")


@pytest.mark.parametrize(
    "keyword", ["StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "PatientID"]
)
def test_a_missing_identity_is_no_reason_not_to_read(tmp_path: Path, keyword: str) -> None:
    folder = DCM.but(attributes={keyword: None}).write(tmp_path / "series")
    assert read_series(folder).volume.values.shape == (9, 12, 10)


def test_single_frames_of_the_enhanced_kind_are_read(tmp_path: Path) -> None:
    stored = stored_values()
    folder = tmp_path / "series"
    folder.mkdir()
    for number in range(stored.shape[2]):
        first = tuple(Grid().position_mm(0, 0, number))
        one = write_enhanced(
            *(tmp_path / f"{number}", stored[:, :, number : number + 1], Grid(first_mm=first))
        )
        (one / "enhanced.dcm").rename(folder / f"{number}.dcm")
    volume = read_series(folder).volume
    np.testing.assert_array_equal(volume.values, 2.0 * stored[::-1, ::-1])


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """A file with its header damaged in one way of five."""
    changed = bytearray(content)
    start, length = rng.integers(900), rng.integers(1, 30)
    match rng.integers(5):
        case 0:
            changed[start] = rng.integers(256)
        case 1:
            del changed[start:]
        case 2:
            changed[start : start + length] = rng.bytes(rng.integers(1, 30))
        case 3:
            del changed[start : start + length]
        case _:
            changed[start : start + 4] = rng.choice([b"\xff" * 4, bytes(4), b"\x7f" * 4, b"nan "])
    return bytes(changed)


@pytest.mark.parametrize("seed", range(5))
def test_damaged_headers_are_read_or_refused_in_a_sentence(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng([11, seed])
    classic = DCM.write(tmp_path / "classic")
    enhanced = write_enhanced(tmp_path / "enhanced", stored_values(), Grid())
    for path in (classic / DCM.name(4), enhanced / "enhanced.dcm"):
        content = path.read_bytes()
        for _ in range(15):
            path.write_bytes(mutated(content, rng))
            with suppress(McnetError):  # anything else is a traceback
                assert np.isfinite(read_series(path.parent).volume.values).all()
        path.write_bytes(content)
        assert read_series(path.parent).volume.values.any()  # damage was the file's alone


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"\x20\x00\x0d\x00UI", b"\x20\x00\x0d\x00\x55\x1e"),  # a VR that is none
        (b"\x02\x00\x00\x00UL\x04\x00", b"\x02\x00\x00\x00UL\x05\x00"),  # of the meta header
        (b"\x28\x00\x11\x00US\x02\x00", b"\x28\x00\x11\x00US\x01\x00"),  # of Columns
    ],
)
def test_attributes_that_cannot_be_decoded_are_told_as_damage(
    tmp_path: Path, before: bytes, after: bytes
) -> None:
    folder = DCM.write(tmp_path / "series")
    path = folder / DCM.name(4)
    content = path.read_bytes()
    assert before in content
    path.write_bytes(content.replace(before, after))
    expect_refused(folder, r"IM0004.dcm (is cut off|has no)")


# Slices missing at an end, where no gap tells of them.


@pytest.mark.parametrize(
    "keyword", ["NumberOfSlices", "ImagesInAcquisition", "NumberOfSeriesRelatedInstances"]
)
def test_fewer_slices_than_the_headers_count_are_refused(tmp_path: Path, keyword: str) -> None:
    series = DCM.but(stored=stored_values((9, 12, 30)), attributes={keyword: 30})
    assert read_series(series.write(tmp_path / "whole")).warnings == ()
    folder = series.but(slices=range(2, 28)).write(tmp_path / "series")
    expect_refused(folder, rf"holds 26 slices of the 30 that its headers tell \({keyword}\)")


@pytest.mark.parametrize(
    ("attributes", "slices", "told"),
    [
        ({"ImagesInAcquisition": 20}, range(10), ["holds 10 slices of the 20 images"]),
        ({}, range(9), ["begin at 2; slices are missing at an end unless"]),
        ({}, range(1, 10), []),  # the highest numbers are missing: nothing tells
        ({"ImagesInAcquisition": 5}, range(10), []),
        ({"InstanceNumber": ""}, range(9), []),
    ],
)
def test_what_may_be_missing_is_told(
    tmp_path: Path, attributes: dict[str, Any], slices: range, told: list[str]
) -> None:
    folder = DCM.but(attributes=attributes, slices=slices).write(tmp_path / "series")
    warnings = read_series(folder).warnings
    assert len(warnings) == len(told)
    assert all(words in warning for words, warning in zip(told, warnings, strict=True))


def test_instance_numbers_of_one_echo_of_several_tell_nothing(tmp_path: Path) -> None:
    series = DCM.but(of_slice=lambda n: {"InstanceNumber": 2 + 2 * n})
    assert read_series(series.write(tmp_path / "series")).warnings == ()
