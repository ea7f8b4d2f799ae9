"""Cases from folders of scans: paired by name, scored, cut into slices the right way up."""

import nibabel as nib
import numpy as np
import pytest
from properties import ellipsoid

from mcnet.core.errors import McnetError
from mcnet.reader_study.from_folders import folder_source

SHAPE = (23, 27, 25)


@pytest.fixture
def folders(tmp_path):
    """Two heads in three versions; the second head is the more corrupted one."""
    rng = np.random.default_rng(3)
    found = {version: tmp_path / version for version in ("corrupted", "tuned", "reference")}
    for number in (1, 2):
        head = ellipsoid(SHAPE, (7, 6, 8), centre_mm=(3, 0, 0), radii_mm=(55, 60, 70)) * 800
        noise = 40 * number * rng.random(SHAPE, dtype=np.float32)
        for weight, folder in zip((2, 1, 0), found.values(), strict=True):
            write(folder / f"sub-{number}.nii.gz", head + weight * noise)
    return found


def write(path, values):
    path.parent.mkdir(exist_ok=True)
    image = nib.Nifti1Image(values.astype(np.float32), np.diag([7.0, 6, 8, 1]))
    nib.save(image, path)


def test_versions_of_a_case_go_by_one_name(folders):
    source = folder_source(folders)
    assert [case.name for case in source.cases] == ["sub-1", "sub-2"]
    assert source.versions == ("corrupted", "tuned", "reference")
    assert set(source.inputs) == {
        f"{version}/sub-{k}.nii.gz" for version in folders for k in (1, 2)
    }


def test_the_more_corrupted_case_is_the_more_severe(folders):
    one, two = folder_source(folders).cases
    assert 0 < one.severity < two.severity < 1


def test_scores_are_against_the_reference(folders):
    first, _ = folder_source(folders).images([0, 1])
    assert set(first.metrics) == {"corrupted", "tuned"}
    assert first.metrics["tuned"]["ssim"] > first.metrics["corrupted"]["ssim"]


def test_the_reference_scores_others_even_where_nobody_reads_it(folders):
    source = folder_source(folders, ("tuned", "corrupted"))
    (images,) = source.images([1])
    assert list(images.frames) == ["tuned", "corrupted"]
    assert images.metrics["tuned"]["nmse"] < images.metrics["corrupted"]["nmse"]


@pytest.mark.parametrize(
    ("plane", "shape", "pixel_mm"),
    [
        ("sagittal", (23, 25, 27), (8, 6)),
        ("coronal", (27, 25, 23), (8, 7)),
        ("axial", (25, 27, 23), (6, 7)),
    ],
)
def test_slices_are_cut_along_the_plane_with_pixels_in_true_size(folders, plane, shape, pixel_mm):
    (images,) = folder_source(folders, plane=plane).images([0])
    assert images.frames["tuned"].shape == shape
    assert images.pixel_mm == pytest.approx(pixel_mm)


def test_the_head_is_the_right_way_up_and_looks_to_the_left(folders):
    values = np.random.default_rng(1).random(SHAPE, dtype=np.float32)
    values[:, 20:, 18:] += 9  # in front, above
    for folder in folders.values():
        write(folder / "sub-1.nii.gz", values)
    (images,) = folder_source(folders).images([0])
    frame = images.frames["corrupted"][11]
    assert frame[:7, :7].min() > 8  # upper left corner
    assert frame[8:].max() < 2


def test_without_a_reference_nothing_is_measured(folders):
    del folders["reference"]
    source = folder_source(folders)
    assert np.isnan(source.cases[0].severity)
    (images,) = source.images([0])
    assert images.metrics == {}


def test_a_scan_without_its_like_is_refused(folders):
    write(folders["tuned"] / "sub-3.nii.gz", np.ones(SHAPE))
    with pytest.raises(McnetError, match=r"sub-3.nii.gz has no like in .*corrupted; give every"):
        folder_source(folders)


def test_hidden_files_are_no_scans_and_a_name_in_capitals_is_one(folders):
    for folder in folders.values():
        write(folder / "._sub-1.nii.gz", np.ones(SHAPE))
        (folder / "sub-2.nii.gz").rename(folder / "sub-2.NII.GZ")
    assert [case.name for case in folder_source(folders).cases] == ["sub-1", "sub-2"]


def test_one_name_twice_in_a_folder_is_refused(folders):
    write(folders["tuned"] / "sub-1.nii", np.ones(SHAPE))
    with pytest.raises(McnetError, match="tuned has two scans named sub-1"):
        folder_source(folders)


def test_other_grids_are_refused(folders):
    write(folders["tuned"] / "sub-1.nii.gz", np.random.default_rng(1).random((23, 27, 26)))
    with pytest.raises(McnetError, match="another grid"):
        list(folder_source(folders).images([0]))


def test_other_grids_are_refused_where_nothing_is_measured_too(folders):
    del folders["reference"]
    path = folders["tuned"] / "sub-1.nii.gz"
    larger = np.diag([7.0, 6, 9, 1])
    nib.save(nib.Nifti1Image(nib.load(path).get_fdata(dtype=np.float32), larger), path)
    with pytest.raises(McnetError, match="tuned of sub-1 lies on another grid than corrupted"):
        list(folder_source(folders).images([0]))


@pytest.mark.parametrize(
    ("versions", "told"),
    [
        (("tuned", "lost"), "no version 'lost'; choose from corrupted, tuned, reference"),
        (("tuned",), "name two or more"),
        (("tuned", "tuned"), "each once"),
    ],
)
def test_versions_that_do_not_serve_are_refused(folders, versions, told):
    with pytest.raises(McnetError, match=told):
        folder_source(folders, versions)


def test_folders_without_scans_are_refused(folders, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(McnetError, match="holds no .nii"):
        folder_source({**folders, "more": tmp_path / "empty"})
    with pytest.raises(McnetError, match="cannot be read"):
        folder_source({**folders, "more": tmp_path / "nowhere"})
