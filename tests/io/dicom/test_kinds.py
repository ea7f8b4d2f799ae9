"""Slices of one volume agree, and are magnitudes: the same rule for classic and enhanced files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from refused_series import expect_refused
from synthetic_dicom import MATRIX, Grid, Series, stored_values, write_enhanced

from mcnet.io.dicom.series import read_series

EVERY_SEVENTH_IS_PHASE = {"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"]}


@pytest.mark.parametrize(
    ("changed", "slices", "told"),
    [
        (
            EVERY_SEVENTH_IS_PHASE,
            [0, 7],
            r"2 image types \(\(0008,0008\) ImageType: M\\ND in 8 slices, P\\ND in 2 slices\)",
        ),
        (
            {"EchoTime": 4.9},
            [1, 3, 5, 7, 9],
            r"2 echo times \(\(0018,0081\) EchoTime: 1.74 in 5 slices, 4.9 in 5 slices\)",
        ),
        ({"EchoNumbers": 2}, [9], r"2 echo numbers .*: none in 9 slices, 2 in 1 slices"),
        ({"InversionTime": 400}, [9], r"2 inversion times .*: 1100 in 9 slices, 400 in 1 slices"),
        ({"RepetitionTime": 800}, [9], "2 repetition times .*2520 in 9 slices, 800 in 1"),
        ({"FlipAngle": 20}, [9], "2 flip angles"),
        ({"PatientID": "q8"}, [5, 6, 7, 8, 9], "2 patients .*: p7 in 5 slices, q8 in 5 slices"),
        ({"PatientName": "C^D"}, [5, 6, 7, 8, 9], "2 patients .*PatientName: A.B in 5 slices"),
        ({"StudyInstanceUID": "1.2.9"}, [0], "2 studies"),
        ({"FrameOfReferenceUID": "1.2.9"}, [0], "2 frames of reference"),
        ({"TemporalPositionIdentifier": 2}, [8, 9], "2 time points"),
        ({"DiffusionBValue": 1000.0}, [4], "2 diffusion weightings"),
        ({"ContrastBolusAgent": "Gd"}, [8, 9], "2 contrast agents .*none in 8 slices, Gd in 2"),
        ({"ComplexImageComponent": "PHASE"}, [4], "2 parts of complex numbers"),
        ({"RescaleType": "HU"}, [4], "2 intensity units"),
    ],
)
def test_slices_that_differ_in_what_a_volume_shares_are_refused(
    tmp_path: Path, changed: Mapping[str, Any], slices: list[int], told: str
) -> None:
    series = Series(
        attributes={"InversionTime": 1100, "FlipAngle": 7},
        of_slice=lambda n: changed if n in slices else {},
    )
    expect_refused(series.write(tmp_path / "series"), f"has slices of {told}")


def test_of_many_kinds_some_are_listed(tmp_path: Path) -> None:
    series = Series(of_slice=lambda n: {"EchoTime": 2 + n})
    expect_refused(series.write(tmp_path / "series"), r"10 echo times .*, 5 in 1 slices, \.\.\.\)")


def test_what_vendors_vary_from_slice_to_slice_is_read(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)

    def varied(number: int) -> dict[str, Any]:
        return {
            "EchoTime": 1.74 + 0.004 * rng.uniform(),  # rounding
            "RepetitionTime": 2520 + number % 2,
            "AcquisitionNumber": 1 + number % 2,  # concatenations
            "WindowCenter": 300 + 10 * number,
            "AcquisitionTime": f"1011{number:02d}",
            "ContentTime": f"1012{number:02d}",
            "SliceLocation": 3.0 * number,
            "SmallestImagePixelValue": number,
            "LargestImagePixelValue": 800 + number,
            "TriggerTime": 10.0 * number,
            "RescaleSlope": 1 + 0.5 * number,
            "RescaleIntercept": number,
        }

    series = Series(of_slice=varied)
    volume = read_series(series.write(tmp_path / "series")).volume
    numbers = np.arange(MATRIX[2])
    expected = series.stored * (1 + 0.5 * numbers) + numbers
    # the columns and rows of axial slices run to the left and to the back
    np.testing.assert_array_equal(volume.values, expected[::-1, ::-1].astype(np.float32))


KINDS = [
    (["ORIGINAL", "PRIMARY", "P", "ND"], "a phase image"),
    (["ORIGINAL", "PRIMARY", "R", "ND"], "a real part"),
    (["ORIGINAL", "PRIMARY", "I", "ND"], "an imaginary part"),
    (["DERIVED", "SECONDARY", "MIN IP", "ND"], "a projection"),
]


@pytest.mark.parametrize(("image_type", "told"), KINDS)
def test_a_whole_series_of_another_kind_is_refused(
    tmp_path: Path, image_type: list[str], told: str
) -> None:
    folder = Series(attributes={"ImageType": image_type}).write(tmp_path / "series")
    expect_refused(folder, rf"is {told} \(ImageType .*\); a magnitude image of a head is needed")


@pytest.mark.parametrize(
    ("number", "told"), [(0, None), (1, "a phase image"), (2, "a real part"), (3, "an imaginary")]
)
def test_the_kind_of_ge_stands_in_a_private_attribute(
    tmp_path: Path, number: int, told: str | None
) -> None:
    folder = Series(attributes={"ImageType": ["ORIGINAL", "PRIMARY", "OTHER"]}).write(
        tmp_path / "series"
    )
    for path in folder.iterdir():
        instance = dcmread(path)
        block = instance.private_block(0x0043, "GEMS_PARM_01", create=True)
        block.add_new(0x2F, "SS", number)
        instance.save_as(path)
    if told is None:
        assert read_series(folder).volume.values.shape == MATRIX
    else:
        expect_refused(folder, f"is {told}")


def enhanced(folder: Path, **of_frame: Any) -> Path:
    """An enhanced file of which each group's content may depend on the slice."""

    def groups(number: int) -> dict[str, Any]:
        return {group: content(number) for group, content in of_frame.items()}

    return write_enhanced(folder, stored_values(), Grid(), groups)


@pytest.mark.parametrize(("image_type", "told"), KINDS)
def test_enhanced_frames_of_another_kind_are_refused(
    tmp_path: Path, image_type: list[str], told: str
) -> None:
    folder = enhanced(
        tmp_path / "enhanced", MRImageFrameTypeSequence=lambda _: {"FrameType": image_type}
    )
    expect_refused(folder, f"is {told}")


def test_the_kind_of_an_enhanced_file_is_told_by_its_component_too(tmp_path: Path) -> None:
    folder = write_enhanced(
        *(tmp_path / "enhanced", stored_values(), Grid()), ComplexImageComponent="REAL"
    )
    expect_refused(folder, r"is a real part \(ComplexImageComponent REAL\)")


@pytest.mark.parametrize(
    ("group", "name", "values", "told"),
    [
        (
            "MRImageFrameTypeSequence",
            "FrameType",
            (["ORIGINAL", "PRIMARY", "M", "NONE"], ["ORIGINAL", "PRIMARY", "P", "NONE"]),
            r"image types .*M\\NONE in 8 slices, P\\NONE in 2",
        ),
        (
            "MRImageFrameTypeSequence",
            "ComplexImageComponent",
            ("MAGNITUDE", "PHASE"),
            "parts of complex numbers .*MAGNITUDE in 8 slices, PHASE in 2",
        ),
        ("MREchoSequence", "EffectiveEchoTime", (2.0, 4.5), "echo times .*: 2 in 8 slices, 4.5"),
        ("MRModifierSequence", "InversionTimes", (900.0, 400.0), "inversion times .*: 900 in 8"),
        ("MRTimingAndRelatedParametersSequence", "FlipAngle", (8.0, 20.0), "flip angles"),
        ("FrameContentSequence", "TemporalPositionIndex", (1, 2), "time points"),
    ],
)
def test_enhanced_frames_agree_as_slices_do(
    tmp_path: Path, group: str, name: str, values: tuple[Any, Any], told: str
) -> None:
    folder = enhanced(
        tmp_path / "enhanced", **{group: lambda n: {name: values[1 if n in (0, 7) else 0]}}
    )
    expect_refused(folder, f"has slices of 2 {told}")


def test_an_enhanced_magnitude_is_read(tmp_path: Path) -> None:
    folder = enhanced(
        tmp_path / "enhanced",
        MRImageFrameTypeSequence=lambda _: {
            "FrameType": ["ORIGINAL", "PRIMARY", "T1", "NONE"],
            "ComplexImageComponent": "MAGNITUDE",
        },
    )
    assert read_series(folder).volume.values.shape == MATRIX


def test_low_numbers_that_are_bright_are_refused(tmp_path: Path) -> None:
    folder = Series(attributes={"PhotometricInterpretation": "MONOCHROME1"}).write(
        tmp_path / "series"
    )
    expect_refused(folder, "is MONOCHROME1, whose low numbers are bright.*as MONOCHROME2")


def test_values_that_are_no_numbers_do_not_end_in_a_traceback(tmp_path: Path) -> None:
    folder = Series(name=str).write(tmp_path / "series")
    for path in folder.iterdir():
        content = path.read_bytes()
        path.write_bytes(content.replace(b"1.74", b"x.yz"))
    assert read_series(folder).volume.values.shape == MATRIX
