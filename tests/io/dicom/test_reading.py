"""A DICOM series as a volume: every voxel where the standard says it lies."""

import warnings
from itertools import permutations, product
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import config, dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, RLELossless
from synthetic_dicom import (
    AXIAL,
    CORONAL,
    MATRIX,
    SAGITTAL,
    Grid,
    Series,
    stored_values,
    write_enhanced,
)

from mcnet.io.dicom.series import read_series
from mcnet.io.nifti.files import read_volume
from mcnet.io.volume import Volume
from mcnet.motion.poses import rotation_matrix

LPS_OF_RAS = np.diag([-1.0, -1.0, 1.0])
SIGNED_PERMUTATIONS = [
    np.eye(3)[list(order)] * signs
    for order in permutations(range(3))
    for signs in product([1, -1], repeat=3)
]


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    """Any plane, turned and flipped, with three unequal steps, numbered up or down, anywhere."""
    turn = rotation_matrix(np.array([draw(st.floats(-30, 30)) for _ in range(3)]))
    directions = (turn @ draw(st.sampled_from(SIGNED_PERMUTATIONS)))[:2]
    steps = [draw(st.floats(0.5, 4)) for _ in range(3)]
    down = draw(st.sampled_from([1, -1]))
    first = tuple(draw(st.floats(-150, 150)) for _ in range(3))
    return Grid(directions.tolist(), steps[0], steps[1], steps[2] * down, first)


def expect_every_voxel_in_its_place(volume: Volume, grid: Grid, intensities: np.ndarray) -> None:
    """Look up every stored pixel where equation C.7.6.2.1-1 puts it in the world."""
    indices = np.indices(intensities.shape).reshape(3, -1).T
    world = np.array([LPS_OF_RAS @ grid.position_mm(*index) for index in indices])
    inverse = np.linalg.inv(volume.affine)
    found = world @ inverse[:3, :3].T + inverse[:3, 3]
    np.testing.assert_allclose(found, np.rint(found), atol=1e-4)
    x, y, z = np.rint(found).astype(int).T
    np.testing.assert_array_equal(volume.values[x, y, z], intensities.reshape(-1))


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(grid=grids())
def test_every_voxel_lies_where_the_standard_puts_it(
    grid: Grid, tmp_path_factory: pytest.TempPathFactory
) -> None:
    series = Series(grid=grid)
    volume = read_series(series.write(tmp_path_factory.mktemp("series"))).volume
    assert nib.aff2axcodes(volume.affine) == ("R", "A", "S")
    expect_every_voxel_in_its_place(volume, grid, series.stored.astype(np.float32))
    canonical = nib.as_closest_canonical(nib.Nifti1Image(series.stored, stored_affine(grid)))
    np.testing.assert_array_equal(volume.values, canonical.get_fdata())
    np.testing.assert_allclose(volume.affine, canonical.affine, atol=1e-5)


def stored_affine(grid: Grid) -> np.ndarray:
    """From column, row and slice to RAS+ by differences of places."""
    origin = grid.position_mm(0, 0, 0)
    affine = np.eye(4)
    affine[:3, 3] = LPS_OF_RAS @ origin
    for axis, unit in enumerate(np.eye(3)):
        affine[:3, axis] = LPS_OF_RAS @ (grid.position_mm(*unit) - origin)
    return affine


@pytest.mark.parametrize("directions", [AXIAL, CORONAL, SAGITTAL])
@pytest.mark.parametrize("step_mm", [3.0, -3.0])
def test_series_equals_what_another_reader_makes_of_it(
    directions: tuple[tuple[float, ...], ...], step_mm: float, tmp_path: Path
) -> None:
    turn = rotation_matrix(np.array([8.0, -5.0, 11.0]))
    grid = Grid((np.array(directions) @ turn.T).tolist(), slice_step_mm=step_mm)
    expect_same_as_simpleitk(Series(grid=grid).write(tmp_path / "series"))


def expect_same_as_simpleitk(folder: Path) -> None:
    image = SimpleITK.ReadImage(SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
    affine = np.eye(4)
    directions = np.array(image.GetDirection()).reshape(3, 3)
    affine[:3, :3] = LPS_OF_RAS @ directions * image.GetSpacing()
    affine[:3, 3] = LPS_OF_RAS @ image.GetOrigin()
    values = SimpleITK.GetArrayFromImage(image).transpose(2, 1, 0)
    theirs = nib.as_closest_canonical(nib.Nifti1Image(values, affine))
    ours = read_series(folder).volume
    np.testing.assert_allclose(ours.affine, theirs.affine, atol=1e-4)
    np.testing.assert_allclose(ours.values, theirs.get_fdata(), atol=1e-3)


def test_slope_and_intercept_of_each_slice_are_applied(tmp_path: Path) -> None:
    series = Series(
        of_slice=lambda n: {"RescaleSlope": f"{0.5 + 0.25 * n}", "RescaleIntercept": -n}
    )
    volume = read_series(series.write(tmp_path / "series")).volume
    numbers = np.arange(MATRIX[2])
    expected = series.stored * (0.5 + 0.25 * numbers) - numbers
    expect_every_voxel_in_its_place(volume, series.grid, expected.astype(np.float32))


def test_numbers_with_a_sign_are_read(tmp_path: Path) -> None:
    stored = stored_values().astype(np.int16) - 400
    series = Series(stored=stored)
    volume = read_series(series.write(tmp_path / "series")).volume
    expect_every_voxel_in_its_place(volume, series.grid, stored.astype(np.float32))


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless])
def test_other_encodings_are_read(syntax: str, tmp_path: Path) -> None:
    series = Series(syntax=syntax)
    folder = series.write(tmp_path / "series")
    assert {dcmread(path).file_meta.TransferSyntaxUID for path in folder.iterdir()} == {syntax}
    expect_every_voxel_in_its_place(
        read_series(folder).volume, series.grid, series.stored.astype(np.float32)
    )


def test_what_is_no_image_is_left_out(tmp_path: Path) -> None:
    folder = Series().write(tmp_path / "series")
    expected = read_series(folder).volume
    (folder / "README").write_text("These are notes.\n" * 20)
    (folder / "notes").write_text("Two words without a suffix.")
    (folder / "empty.txt").touch()
    (folder / ".DS_Store").write_bytes(bytes(200))
    (folder / ".hidden").write_bytes((folder / "IM30").read_bytes())
    (folder / "below").mkdir()
    (folder / "DICOMDIR").write_bytes(Path(get_testdata_file("DICOMDIR")).read_bytes())
    (folder / "report.dcm").write_bytes(Path(get_testdata_file("test-SR.dcm")).read_bytes())
    series = read_series(folder)
    np.testing.assert_array_equal(series.volume.values, expected.values)
    assert (series.volume.name, series.warnings) == ("series", ())


def test_an_enhanced_file_gives_the_volume_of_its_frames(tmp_path: Path) -> None:
    turn = rotation_matrix(np.array([8.0, -5.0, 11.0]))
    grid = Grid((np.array(SAGITTAL) @ turn.T).tolist())
    stored = stored_values()
    volume = read_series(write_enhanced(tmp_path / "enhanced", stored, grid)).volume
    expected = stored * 2.0 + np.arange(MATRIX[2])
    expect_every_voxel_in_its_place(volume, grid, expected.astype(np.float32))


def test_positions_may_be_rounded(tmp_path: Path) -> None:
    grid = Grid()
    noise = np.random.default_rng(3).uniform(-0.005, 0.005, size=(MATRIX[2], 3))

    def rounded(number: int) -> dict[str, list[float]]:
        place = grid.position_mm(0, 0, number) + noise[number]
        return {"ImagePositionPatient": [round(float(x), 3) for x in place]}

    volume = read_series(Series(of_slice=rounded).write(tmp_path / "series")).volume
    assert volume.voxel_size_mm == pytest.approx((1.5, 2.0, 3.0), abs=0.002)


@pytest.mark.slow
def test_the_real_series_is_the_scan_that_another_program_converted(shared_data: Path) -> None:
    series = read_series(shared_data / "dicom" / "t1w").volume
    nifti = read_volume(shared_data / "heads" / "sub-11" / "anat" / "sub-11_T1w.nii.gz")
    assert series.values.shape == nifti.values.shape
    np.testing.assert_allclose(series.affine, nifti.affine, atol=2e-3)
    np.testing.assert_array_equal(series.values, nifti.values)


@pytest.mark.slow
def test_the_real_series_equals_what_another_reader_makes_of_it(shared_data: Path) -> None:
    expect_same_as_simpleitk(shared_data / "dicom" / "t1w")


def test_pixels_padded_at_the_end_are_read(tmp_path: Path) -> None:
    series = Series()
    folder = series.write(tmp_path / "series")
    for path in folder.iterdir():
        instance = dcmread(path)
        instance.PixelData = instance.PixelData + bytes(4)
        instance.save_as(path)
    expect_every_voxel_in_its_place(
        read_series(folder).volume, series.grid, series.stored.astype(np.float32)
    )


def test_reading_neither_warns_nor_changes_pydicoms_settings(tmp_path: Path) -> None:
    settings_ = config.settings
    before = settings_.reading_validation_mode, settings_.writing_validation_mode
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the maker, not of mcnet
        wrong = {"SpecificCharacterSet": "ISO_IR 999", "RescaleSlope": "2." + "0" * 20}
        folder = Series(attributes=wrong).write(tmp_path / "series")
    assert read_series(folder).planes[0].slope == 2
    assert (settings_.reading_validation_mode, settings_.writing_validation_mode) == before
