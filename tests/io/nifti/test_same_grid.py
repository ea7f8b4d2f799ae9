"""Copies that change nothing, and maps that lie voxel by voxel on a scan."""

import gzip
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from mcnet.core.errors import McnetError
from mcnet.io.nifti.files import read_volume, write_volume
from mcnet.io.nifti.same_grid import copy_scan, write_map
from mcnet.io.volume import Volume

AFFINE = np.array([[0, 0, 2.0, 5], [-1.5, 0, 0, 6], [0, -1, 0, 7], [0, 0, 0, 1]])


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    values = np.random.default_rng(4).integers(0, 900, size=(9, 12, 10)).astype(np.int16)
    image = nib.Nifti1Image(values, AFFINE)
    image.header.set_slope_inter(0.5, -3)
    nib.save(image, tmp_path / "scan.nii")
    return tmp_path / "scan.nii"


def test_a_copy_has_the_bytes_of_its_source_through_compression_and_back(
    scan: Path, tmp_path: Path
) -> None:
    copy_scan(scan, tmp_path / "a.nii")
    copy_scan(scan, tmp_path / "a-packed.nii.gz")
    copy_scan(tmp_path / "a-packed.nii.gz", tmp_path / "b.nii")
    copy_scan(tmp_path / "a-packed.nii.gz", tmp_path / "b-packed.nii.gz")
    whole = scan.read_bytes()
    assert (tmp_path / "a.nii").read_bytes() == (tmp_path / "b.nii").read_bytes() == whole
    packed = (tmp_path / "a-packed.nii.gz").read_bytes()
    assert gzip.decompress(packed) == whole
    assert (tmp_path / "b-packed.nii.gz").read_bytes() == packed


@pytest.mark.parametrize("is_packed", [True, False])
@pytest.mark.parametrize("name", ["x.nii.gz", "x.nii", "x.NII.GZ"])
def test_a_copy_goes_by_the_content_of_its_source_and_not_by_its_name(
    scan: Path, tmp_path: Path, name: str, is_packed: bool
) -> None:
    whole = scan.read_bytes()
    source = tmp_path / name
    source.write_bytes(gzip.compress(whole) if is_packed else whole)
    copy_scan(source, tmp_path / "copy.nii")
    copy_scan(source, tmp_path / "copy-packed.nii.gz")
    assert (tmp_path / "copy.nii").read_bytes() == whole
    assert gzip.decompress((tmp_path / "copy-packed.nii.gz").read_bytes()) == whole


@pytest.mark.parametrize("kind", [nib.Nifti1Pair, nib.Nifti2Pair])
def test_a_copy_of_a_pair_has_its_numbers_header_and_unit(tmp_path: Path, kind: type) -> None:
    values = np.random.default_rng(4).integers(0, 900, size=(9, 12, 10)).astype(np.int16)
    pair = kind(values, np.diag([0.01, 0.01, 0.01, 1.0]) @ AFFINE)
    pair.header["xyzt_units"] = 1
    nib.save(pair, tmp_path / "scan.img")
    copy_scan(tmp_path / "scan.img", tmp_path / "copy.nii")
    copied = nib.load(tmp_path / "copy.nii")
    assert type(copied.header).__name__[:6] == kind.__name__[:6]
    np.testing.assert_array_equal(copied.dataobj.get_unscaled(), values)
    np.testing.assert_array_equal(copied.affine, nib.load(tmp_path / "scan.img").affine)
    assert int(copied.header["xyzt_units"]) == 1


def test_compressing_twice_gives_the_same_bytes(scan: Path, tmp_path: Path) -> None:
    for name in ("a.nii.gz", "other.nii.gz"):
        copy_scan(scan, tmp_path / name)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "other.nii.gz").read_bytes()


def test_provenance_lies_beside_both(scan: Path, tmp_path: Path) -> None:
    copy_scan(scan, tmp_path / "copy.nii", inputs={"scan": scan}, notes={"is_left": True})
    write_map(tmp_path / "map.nii", read_volume(scan), like=scan, notes={"content": "a map"})
    copied, mapped = (
        json.loads((tmp_path / f"{name}.json").read_text()) for name in ("copy", "map")
    )
    assert (copied["is_left"], set(copied["inputs_sha256"])) == (True, {"scan"})
    assert mapped["content"] == "a map"


def test_a_map_is_float32_in_the_order_of_the_scans_axes(scan: Path, tmp_path: Path) -> None:
    volume = read_volume(scan)
    values = volume.values / np.float32(7)
    write_map(tmp_path / "map.nii.gz", Volume(values, volume.affine, "map"), like=scan)
    image, source = nib.load(tmp_path / "map.nii.gz"), nib.load(scan)
    np.testing.assert_array_equal(image.affine, source.affine)
    assert image.get_data_dtype() == np.float32
    np.testing.assert_allclose(image.get_fdata(), source.get_fdata() / 7, rtol=1e-6)


@pytest.mark.parametrize("further", [(1,), (1, 1)])
def test_dimensions_of_one_stay_corrected_left_or_mapped(
    tmp_path: Path, further: tuple[int, ...]
) -> None:
    values = np.random.default_rng(4).integers(0, 900, size=(9, 12, 10, *further))
    image = nib.Nifti1Image(values.astype(np.int16), AFFINE)
    image.header["pixdim"][4] = 2.3
    nib.save(image, tmp_path / "scan.nii")
    source = tmp_path / "scan.nii"
    volume = read_volume(source)
    copy_scan(source, tmp_path / "left.nii")
    write_volume(tmp_path / "corrected.nii", volume, like=source)
    write_map(tmp_path / "map.nii", volume, like=source)
    for name in ("left", "corrected", "map"):
        written = nib.load(tmp_path / f"{name}.nii")
        assert written.shape == (9, 12, 10, *further), name
        np.testing.assert_array_equal(written.header["dim"], image.header["dim"])
        np.testing.assert_array_equal(written.header["pixdim"], nib.load(source).header["pixdim"])
        np.testing.assert_array_equal(written.get_fdata(), values)


def test_a_map_keeps_the_unit_of_the_scan(tmp_path: Path) -> None:
    values = np.random.default_rng(4).integers(0, 900, size=(9, 12, 10)).astype(np.int16)
    image = nib.Nifti1Image(values, np.diag([0.001, 0.001, 0.001, 1.0]) @ AFFINE)
    image.header["xyzt_units"] = 1
    nib.save(image, tmp_path / "scan.nii")
    volume = read_volume(tmp_path / "scan.nii")
    write_map(tmp_path / "map.nii", volume, like=tmp_path / "scan.nii")
    mapped = nib.load(tmp_path / "map.nii")
    assert int(mapped.header["xyzt_units"]) == 1
    np.testing.assert_array_equal(mapped.affine, nib.load(tmp_path / "scan.nii").affine)
    np.testing.assert_array_equal(read_volume(tmp_path / "map.nii").affine, volume.affine)


def test_other_names_than_nifti_are_refused(scan: Path, tmp_path: Path) -> None:
    with pytest.raises(McnetError, match="does not end in .nii"):
        copy_scan(scan, tmp_path / "a.mgz")
    with pytest.raises(McnetError, match="does not end in .nii"):
        write_map(tmp_path / "a.mgz", read_volume(scan), like=scan)
    assert [path.name for path in tmp_path.iterdir()] == ["scan.nii"]
