import nibabel as nib
import numpy as np
import pytest
from properties import ellipsoid

import mcnet
from mcnet.core.errors import BadOptionError, McnetError

AFFINE = np.array([[-4.0, 0, 0, 30], [0, 0, 5, -40], [0, -6, 0, 50], [0, 0, 0, 1]])
"""Axes of the array: to the left, down, to the front."""


@pytest.fixture
def values():
    head = ellipsoid((21, 17, 15), (4, 6, 5), centre_mm=(2, 0, 0), radii_mm=(30, 40, 30))
    return (head * np.linspace(200, 900, 17, dtype=np.float32)[:, None]).astype(np.int16)


@pytest.fixture
def image(values):
    found = nib.Nifti1Image(values, AFFINE)
    found.header.set_xyzt_units("mm")
    return found


def test_path_image_and_array_give_one_volume(tmp_path, values, image):
    nib.save(image, tmp_path / "scan.nii.gz")
    by_path = mcnet.read_scan(str(tmp_path / "scan.nii.gz"))
    loaded = mcnet.read_scan(nib.load(tmp_path / "scan.nii.gz"))
    for other in (
        loaded,
        mcnet.read_scan(image),
        mcnet.read_scan(tmp_path / "scan.nii.gz"),
        mcnet.Volume.from_array(values, AFFINE, name="scan"),
        mcnet.read_scan(by_path),
    ):
        assert np.array_equal(other.values, by_path.values)
        assert np.allclose(other.affine, by_path.affine)
        assert other.name == "scan"
    assert by_path.values.dtype == np.float32
    assert by_path.voxel_size_mm == (4, 5, 6)


def test_a_stored_scale_survives_the_way_through_nibabel(tmp_path, values):
    image = nib.Nifti1Image(values * 0.25, AFFINE)
    image.header.set_data_dtype(np.int16)
    image.header.set_slope_inter(0.25, 0)
    nib.save(image, tmp_path / "scaled.nii")
    loaded = nib.load(tmp_path / "scaled.nii")
    volume = mcnet.Volume.from_nibabel(loaded)
    assert np.array_equal(volume.values, mcnet.read_scan(tmp_path / "scaled.nii").values)
    back = volume.to_nibabel(like=loaded)
    assert back.get_data_dtype() == np.int16
    assert np.allclose(back.affine, AFFINE)
    assert np.array_equal(back.dataobj, loaded.dataobj.get_unscaled())
    assert back.header.get_slope_inter() == (0.25, 0)


def test_other_images_of_nibabel_are_taken_too(values):
    image = nib.MGHImage(values.astype(np.float32), AFFINE)
    volume = mcnet.read_scan(image)
    assert np.array_equal(volume.values, mcnet.Volume.from_array(values, AFFINE).values)


def test_a_volume_becomes_a_plain_image(values):
    volume = mcnet.Volume.from_array(values, AFFINE)
    image = volume.to_nibabel()
    assert nib.aff2axcodes(image.affine) == ("R", "A", "S")
    assert image.get_data_dtype() == np.float32
    assert np.array_equal(mcnet.read_scan(image).values, volume.values)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda values, affine: (values[0], affine), "2 dimensions"),
        (lambda values, affine: (values * np.nan, affine), "NaN"),
        (lambda values, affine: (values * 1j, affine), "complex128"),
        (lambda values, affine: (np.ones_like(values), affine), "the value 1 in every voxel"),
        (lambda values, affine: (values, affine[:3]), r"shape \(3, 4\)"),
        (lambda values, affine: (values, affine * 0), "singular"),
        (lambda values, _: (values, np.diag([900.0, 900, 900, 1])), "scan"),
    ],
)
def test_what_is_no_scan_is_refused_as_from_a_file(values, change, sentence):
    with pytest.raises(McnetError, match=sentence):
        mcnet.Volume.from_array(*change(values, AFFINE))


def test_another_thing_than_a_scan_is_refused_with_the_remedy():
    from mcnet.api.scans import check_scan

    with pytest.raises(BadOptionError, match=r"not as ndarray.*Volume\.from_array"):
        check_scan(np.zeros((3, 3, 3)))


def test_a_scan_is_written_like_another_and_read_again(tmp_path, values, image):
    volume = mcnet.read_scan(image)
    mcnet.write_scan(tmp_path / "plain.nii.gz", volume)
    mcnet.write_scan(str(tmp_path / "like.nii.gz"), volume, like=image)
    mcnet.write_scan(tmp_path / "image.nii.gz", image)
    assert nib.load(tmp_path / "plain.nii.gz").get_data_dtype() == np.float32
    for name in ("like", "image"):
        found = nib.load(tmp_path / f"{name}.nii.gz")
        assert found.get_data_dtype() == np.int16
        assert np.array_equal(np.asarray(found.dataobj), values)
    assert np.array_equal(mcnet.read_scan(tmp_path / "plain.nii.gz").values, volume.values)
