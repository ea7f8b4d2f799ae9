"""A path becomes a volume, whether it is a NIfTI file or a DICOM folder."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from synthetic_dicom import Series

from mcnet.core.errors import McnetError
from mcnet.io.nifti.files import write_volume
from mcnet.io.scans import files_of_scan, nifti_model, read_scan


def test_a_folder_and_the_file_made_of_it_are_one_scan(tmp_path: Path) -> None:
    folder = Series().write(tmp_path / "series")
    of_folder = read_scan(folder)
    write_volume(tmp_path / "scan.nii.gz", of_folder)
    of_file = read_scan(tmp_path / "scan.nii.gz")
    np.testing.assert_array_equal(of_folder.values, of_file.values)
    np.testing.assert_allclose(of_folder.affine, of_file.affine, atol=1e-5)
    assert (of_folder.name, of_file.name) == ("series", "scan")


def test_outputs_are_like_the_scan_where_it_is_nifti(tmp_path: Path) -> None:
    assert nifti_model(tmp_path) is None
    assert nifti_model(tmp_path / "scan.nii") == tmp_path / "scan.nii"


def test_the_files_of_a_scan_are_those_with_images(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Image(np.zeros((9, 9, 9)), np.eye(4)), tmp_path / "scan.nii")
    assert files_of_scan("scan", tmp_path / "scan.nii") == {"scan": tmp_path / "scan.nii"}
    folder = Series(name=lambda n: f"{n}.dcm").write(tmp_path / "series")
    (folder / "README").touch()
    assert files_of_scan("scan", folder) == {
        f"scan/{n}.dcm": folder / f"{n}.dcm" for n in range(10)
    }


def test_a_single_dicom_file_is_refused(tmp_path: Path) -> None:
    folder = Series(name=str).write(tmp_path / "series")
    with pytest.raises(McnetError, match=r"is a single DICOM file; give the folder"):
        read_scan(folder / "4")


def test_a_missing_file_is_refused_as_by_the_nifti_reader(tmp_path: Path) -> None:
    with pytest.raises(McnetError, match="does not exist; give the path"):
        read_scan(tmp_path / "none.nii")


def test_a_place_that_may_not_be_looked_at_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", forbidden)
    with pytest.raises(McnetError, match=r"cannot be read \(permission denied\)"):
        read_scan(tmp_path)
