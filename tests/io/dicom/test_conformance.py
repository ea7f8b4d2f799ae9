"""Derived series before the judges of others: dciodvfy, dcm2niix, SimpleITK."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK
from synthetic_dicom import AXIAL, CORONAL, SAGITTAL, Grid, Series, stored_values

from mcnet.core.errors import McnetError
from mcnet.io.dicom.series import DicomSeries, read_series
from mcnet.io.dicom.writing import write_series
from mcnet.io.nifti.files import read_volume
from mcnet.motion.poses import rotation_matrix


def program(name: str, package: str) -> str:
    """Path of a program, or the reason why the test is skipped."""
    beside_python = str(Path(sys.executable).parent)  # where pip puts it
    found = shutil.which(name) or shutil.which(name, path=beside_python)
    if found is None:
        pytest.skip(f"{name} is not installed; it comes with {package}")
    return found


@pytest.fixture
def derived(tmp_path: Path) -> Callable[[Path], DicomSeries]:
    """Writes a changed series to ``tmp_path / "out"``."""

    def write(folder: Path) -> DicomSeries:
        series = read_series(folder)
        brighter = replace(series.volume, values=series.volume.values * np.float32(0.9) + 3)
        write_series(tmp_path / "out", brighter, series, derivation="Motion corrected")
        return series

    return write


GRIDS = {
    "axial": Grid(AXIAL),
    "coronal": Grid(CORONAL),
    "sagittal, downwards": Grid(SAGITTAL, slice_step_mm=-3.0),
    "oblique": Grid((np.array(SAGITTAL) @ rotation_matrix(np.array([8.0, -5.0, 11.0])).T).tolist()),
}


@pytest.fixture(params=[*GRIDS, "real"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Folders of series: small ones of every orientation, and a real one where it is at hand."""
    if request.param == "real":
        shared: Path = request.getfixturevalue("shared_data")
        return shared / "dicom" / "t1w"
    scaled = {"RescaleSlope": "0.5", "RescaleIntercept": "-20", "RescaleType": "US"}
    series = Series(stored=stored_values((16, 20, 18)), grid=GRIDS[request.param])
    return series.but(attributes=scaled).write(tmp_path / "source")


def errors_of(verifier: str, file: Path) -> set[str]:
    """What dciodvfy holds against a file."""
    done = subprocess.run([verifier, file], capture_output=True, text=True, check=False)
    told = (done.stdout + done.stderr).splitlines()
    assert "MRImage" in told  # it knew the kind, and so looked
    return {line for line in told if line.startswith("Error")}


def test_dciodvfy_finds_no_error_that_the_source_has_not(
    source: Path, derived: Callable[[Path], DicomSeries], tmp_path: Path
) -> None:
    verifier = program("dciodvfy", "Debian's dicom3tools")
    series = derived(source)
    for number in (0, len(series.planes) // 2, len(series.planes) - 1):
        before = errors_of(verifier, series.planes[number].file.path)
        assert errors_of(verifier, tmp_path / "out" / f"{number + 1:04d}.dcm") <= before


@pytest.mark.slow
def test_dcm2niix_finds_the_same_grid(
    source: Path, derived: Callable[[Path], DicomSeries], tmp_path: Path
) -> None:
    converter = program("dcm2niix", "Debian, or pip install dcm2niix")
    series = derived(source)
    for name, folder in (("before", source), ("after", tmp_path / "out")):
        command = [converter, "-z", "n", "-f", name, "-o", tmp_path, folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    before, after = (nib.load(tmp_path / f"{name}.nii") for name in ("before", "after"))
    np.testing.assert_array_equal(before.affine, after.affine)
    assert before.shape == after.shape
    assert before.get_data_dtype() == after.get_data_dtype()
    changed = before.get_fdata() * 0.9 + 3
    largest_step = max(plane.slope for plane in series.planes)
    np.testing.assert_allclose(after.get_fdata(), changed, atol=largest_step)


def converted(folder: Path, out: Path) -> list[Path]:
    """What dcm2niix makes of a series."""
    converter = program("dcm2niix", "Debian, or pip install dcm2niix")
    out.mkdir()
    command = [converter, "-z", "y", "-b", "y", "-f", "scan", "-o", out, folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return sorted(out.glob("*.nii.gz"))


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"]},
        {"EchoTime": 4.9},
        {"EchoNumbers": 2},
        {"RepetitionTime": 800},
        {"FlipAngle": 20},
    ],
)
def test_what_dcm2niix_parts_is_refused_as_one_volume(
    tmp_path: Path, changed: dict[str, Any]
) -> None:
    series = Series(attributes={"FlipAngle": 7}, of_slice=lambda n: changed if n % 2 else {})
    folder = series.write(tmp_path / "series")
    assert (len(converted(folder, tmp_path / "out")) > 1) == bool(changed)
    if changed:
        with pytest.raises(McnetError, match="one volume is needed, whose slices agree"):
            read_series(folder)
    else:
        read_series(folder)


@pytest.mark.parametrize(("letter", "told"), [("P", "a phase image"), ("R", "a real part")])
def test_a_series_and_what_dcm2niix_makes_of_it_are_refused_alike(
    tmp_path: Path, letter: str, told: str
) -> None:
    kind = {"ImageType": ["ORIGINAL", "PRIMARY", letter, "ND"], "Manufacturer": "SIEMENS"}
    folder = Series(attributes=kind).write(tmp_path / "series")
    (image,) = converted(folder, tmp_path / "out")
    for read, path in ((read_series, folder), (read_volume, image)):
        with pytest.raises(McnetError, match=f"is {told}"):
            read(path)


@pytest.mark.slow
def test_simpleitk_finds_the_same_grid(
    source: Path, derived: Callable[[Path], DicomSeries], tmp_path: Path
) -> None:
    derived(source)
    reader = SimpleITK.ImageSeriesReader
    before, after = (
        SimpleITK.ReadImage(reader.GetGDCMSeriesFileNames(str(folder)))
        for folder in (source, tmp_path / "out")
    )
    assert before.GetSize() == after.GetSize()
    for told in ("GetOrigin", "GetSpacing", "GetDirection"):
        np.testing.assert_allclose(getattr(before, told)(), getattr(after, told)(), atol=1e-9)
