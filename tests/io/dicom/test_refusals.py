"""Which DICOM folders are refused, and in which words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.pixels import get_decoder
from pydicom.uid import JPEGLSLossless
from refused_series import expect_refused
from synthetic_dicom import CORONAL, MATRIX, Grid, Series, decimals, stored_values, write_enhanced


def only(number: int, **attributes: Any) -> Callable[[int], dict[str, Any]]:
    """Attributes of one slice."""
    return lambda n: attributes if n == number else {}


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    expect_refused(tmp_path / "none", "does not exist; give the folder of a DICOM series")


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    expect_refused(tmp_path / "file", "is a file; give the folder")


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("notes")
    Series().write(tmp_path / "below")
    (tmp_path / "report").write_bytes(Path(get_testdata_file("test-SR.dcm")).read_bytes())
    expect_refused(tmp_path, "holds no DICOM image; give the folder in which the files")


@pytest.mark.parametrize("method", ["iterdir", "exists"])
def test_a_folder_that_may_not_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, method, forbidden)
    expect_refused(tmp_path, r"cannot be read \(permission denied\)")


def test_a_file_that_may_not_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    folder = Series().write(tmp_path / "series")
    monkeypatch.setattr("mcnet.io.dicom.files.dcmread", forbidden)
    expect_refused(folder, r"IM\d+ cannot be read \(permission denied\)")


def test_several_series_are_listed_and_refused(tmp_path: Path) -> None:
    folder = Series().write(tmp_path / "series")
    other = {"SeriesInstanceUID": "1.2.3", "SeriesNumber": 1, "SeriesDescription": "localiser"}
    Series(attributes=other, slices=range(3), name=lambda n: f"other{n}").write(folder)
    expect_refused(
        folder,
        r"holds 2 series \(4 'T1w MPRAGE' \(10 images\), 1 'localiser' \(3 images\)\); one is "
        "needed: copy it to a folder of its own",
    )


def test_of_many_series_some_are_listed(tmp_path: Path) -> None:
    series = Series(of_slice=lambda n: {"SeriesInstanceUID": f"1.{n + 1}", "SeriesNumber": None})
    expect_refused(
        series.write(tmp_path / "series"), r"holds 10 series \(\? '.* \(1 images\), \.\.\.\)"
    )


def test_a_position_with_two_images_is_refused(tmp_path: Path) -> None:
    grid = Grid()
    twice = Series(
        of_slice=only(6, ImagePositionPatient=decimals(grid.position_mm(0, 0, 5))), name=str
    )
    folder = twice.but(slices=[0, 1, 2, 3, 4, 5, 6, 7, 8]).write(tmp_path / "series")
    expect_refused(
        folder,
        "has 1 positions that hold more than one image, such as 5 and 6, which lie at one place; "
        "one image a position is needed",
    )


def test_copies_of_files_are_told_as_such(tmp_path: Path) -> None:
    folder = Series(name=str).write(tmp_path / "series")
    for name in ("2", "7"):
        (folder / f"{name} copy").write_bytes((folder / name).read_bytes())
    expect_refused(
        folder,
        "has 2 positions that hold more than one image, such as 2 and 2 copy, which lie at one "
        "place and are copies of one instance",
    )


@pytest.mark.parametrize(
    ("attribute", "told"),
    [
        ({"EchoTime": 9.8}, ", of 2 echo times"),
        ({"TemporalPositionIdentifier": 2}, ", of 2 time points"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "P"]}, ", of 2 image types"),
        ({}, ""),
    ],
)
def test_several_volumes_are_refused(tmp_path: Path, attribute: dict[str, Any], told: str) -> None:
    folder = Series(attributes={"TemporalPositionIdentifier": 1}).write(tmp_path / "series")
    second = {"TemporalPositionIdentifier": 1, **attribute}
    Series(attributes=second, name=lambda n: f"second{n}").write(folder)
    expect_refused(folder, f"holds 2 images at each of 10 positions{told}; one 3D scan is needed")


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        ([0, 1, 2, 3, 5, 6, 7, 8, 9], "lacks 1 slices in 1 places, the first between 3 and 5"),
        ([0, 1, 4, 5, 6, 7, 9, 10, 11], "lacks 3 slices in 2 places, the first between 1 and 4"),
    ],
)
def test_missing_slices_are_counted_and_refused(tmp_path: Path, kept: list[int], told: str) -> None:
    series = Series(stored=stored_values((9, 12, 12)), name=str, slices=kept)
    expect_refused(series.write(tmp_path / "series"), f"{told}, which are")


def test_the_gap_is_told_in_millimetres(tmp_path: Path) -> None:
    series = Series(slices=[0, 1, 2, 3, 5, 6, 7, 8, 9])
    expect_refused(series.write(tmp_path / "series"), "which are 6 mm apart instead of 3;")


def test_uneven_steps_are_refused(tmp_path: Path) -> None:
    place = decimals(Grid().position_mm(0, 0, 4.3))
    series = Series(of_slice=only(4, ImagePositionPatient=place))
    expect_refused(series.write(tmp_path / "series"), "has slices 2.1 to 3.9 mm apart; equal steps")


def test_slices_shifted_sideways_are_refused(tmp_path: Path) -> None:
    grid = Grid()

    def tilted(number: int) -> dict[str, list[str]]:
        place = grid.position_mm(0, 0, number) + np.array([0, 0.2 * number, 0])
        return {"ImagePositionPatient": decimals(place)}

    expect_refused(
        Series(of_slice=tilted).write(tmp_path / "series"), "shifted sideways by up to 1.8 mm"
    )


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ({"ImageOrientationPatient": np.ravel(CORONAL).tolist()}, "orientation"),
        ({"PixelSpacing": [2.0, 1.6]}, "pixel size"),
        ({"Rows": 9, "Columns": 12}, "matrix"),
    ],
)
def test_unequal_slices_are_refused(tmp_path: Path, attributes: dict[str, Any], told: str) -> None:
    folder = Series(of_slice=only(4, **attributes), name=lambda n: f"{n:02d}").write(
        tmp_path / "series"
    )
    expect_refused(
        folder, f"has slices of unequal {told}: 1 of 10 differ from 00; .* not of a localiser"
    )


def test_a_localiser_is_refused(tmp_path: Path) -> None:
    folder = Series(slices=range(3)).write(tmp_path / "series")
    expect_refused(folder, "holds 3 slices of 12 x 9 pixels; a 3D scan needs 8 or more")


def test_a_single_slice_is_refused(tmp_path: Path) -> None:
    folder = Series(slices=[4]).write(tmp_path / "series")
    expect_refused(folder, "holds 1 slices of 12 x 9 pixels")


def test_many_images_of_one_place_are_refused(tmp_path: Path) -> None:
    place = decimals(Grid().position_mm(0, 0, 0))
    folder = Series(attributes={"ImagePositionPatient": place}).write(tmp_path / "series")
    expect_refused(folder, "holds 1 slices of 12 x 9 pixels")


def test_narrow_slices_are_refused(tmp_path: Path) -> None:
    folder = Series(stored=stored_values((7, 12, 10))).write(tmp_path / "series")
    expect_refused(folder, "holds 10 slices of 12 x 7 pixels")


@pytest.mark.parametrize("name", ["SC_rgb_small_odd.dcm", "examples_palette.dcm"])
def test_colour_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "colour.dcm").write_bytes(Path(get_testdata_file(name)).read_bytes())
    expect_refused(tmp_path, "holds colours .*; one grey intensity a pixel is needed")


def test_a_table_of_intensities_is_refused(tmp_path: Path) -> None:
    folder = Series(of_slice=only(3, ModalityLUTSequence=[])).write(tmp_path / "series")
    expect_refused(folder, "scales its intensities by a table .*dcm2niix")


@pytest.mark.parametrize(
    "keyword", ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"]
)
def test_a_slice_without_a_place_is_refused(tmp_path: Path, keyword: str) -> None:
    folder = Series(of_slice=only(3, **{keyword: None})).write(tmp_path / "series")
    expect_refused(folder, f"has no valid {keyword}, so its place in space is unknown")


def test_an_enhanced_file_without_places_is_refused(tmp_path: Path) -> None:
    folder = write_enhanced(tmp_path / "enhanced", stored_values(), Grid())
    instance = dcmread(folder / "enhanced.dcm")
    del instance.PerFrameFunctionalGroupsSequence[4].PlanePositionSequence
    instance.save_as(folder / "enhanced.dcm")
    expect_refused(folder, "has no valid ImagePositionPatient")


def test_directions_not_at_right_angles_are_refused(tmp_path: Path) -> None:
    folder = Series(attributes={"ImageOrientationPatient": [1, 0, 0, 0.1, 1, 0]}).write(
        tmp_path / "series"
    )
    expect_refused(folder, "is not two unit vectors at right angles")


def test_pixels_without_size_are_refused(tmp_path: Path) -> None:
    folder = Series(attributes={"PixelSpacing": [0, 1.5]}).write(tmp_path / "series")
    expect_refused(folder, "says its pixels measure 0 x 1.5 mm; both sizes must be above zero")


def test_scaling_beyond_all_numbers_is_refused(tmp_path: Path) -> None:
    folder = Series(of_slice=only(3, RescaleSlope="1e200", RescaleIntercept="0")).write(
        tmp_path / "series"
    )
    expect_refused(folder, "has intensities beyond all numbers once they are scaled")


def test_a_constant_scan_is_refused(tmp_path: Path) -> None:
    folder = Series(stored=np.full(MATRIX, 4, dtype=np.uint16)).write(tmp_path / "series")
    expect_refused(folder, "has the value 4 in every voxel")


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (0.02, "is no DICOM file"),
        (0.17, "is cut off before its pixels"),
        (0.23, "is cut off before its pixels"),
        (0.4, "is cut off before its pixels"),
        (0.8, "is cut off before its pixels"),
        (0.97, "is cut off or damaged; copy or export the series again"),
    ],
)
def test_a_file_cut_off_is_refused(tmp_path: Path, share: float, told: str) -> None:
    folder = Series(name=str).write(tmp_path / "series")
    content = (folder / "9").read_bytes()  # at the end, where nothing else would tell
    (folder / "9").write_bytes(content[: int(len(content) * share)])
    expect_refused(folder, f"9 {told}")


@pytest.mark.parametrize(
    "keyword",
    [
        *("Rows", "Columns", "BitsStored", "PixelRepresentation", "PhotometricInterpretation"),
        "SamplesPerPixel",
    ],
)
def test_an_image_without_its_form_is_refused_by_what_is_missing(
    tmp_path: Path, keyword: str
) -> None:
    folder = Series(of_slice=only(3, **{keyword: None})).write(tmp_path / "series")
    expect_refused(folder, f"has no {keyword}, without which its pixels cannot be read; copy or")


def test_an_undecodable_compression_is_named_with_its_remedy(tmp_path: Path) -> None:
    if get_decoder(JPEGLSLossless).is_available:
        pytest.skip("a package that decodes JPEG-LS is installed")
    compressed = dcmread(get_testdata_file("MR_small_jpeg_ls_lossless.dcm"))
    for number in range(9):
        compressed.ImagePositionPatient = [0, 0, 3 * number]
        compressed.PixelSpacing = [3, 3]
        compressed.save_as(tmp_path / f"{number}.dcm")
    expect_refused(
        tmp_path,
        r"0.dcm is compressed \(JPEG-LS Lossless Image Compression\) and no installed package can "
        r"undo it; pip install 'pylibjpeg\[all\]', or decompress",
    )
