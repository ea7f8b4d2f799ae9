"""Subjects in folders, and subjects made of the template."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from mcnet.core.errors import McnetError
from mcnet.core.provenance import sha256_of_file
from mcnet.datasets.subjects import subjects_in_folder, subjects_named, template_subjects
from mcnet.io.bids import find_t1w
from mcnet.io.volume import Volume


def scan(path: Path, brightest: int = 50) -> Path:
    values = np.zeros((9, 11, 8), dtype=np.int16)
    values[4, 5, 3] = brightest
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(values, np.eye(4)), path)
    return path


def test_bids_tree_gives_one_t1w_scan_a_subject_sorted(tmp_path: Path) -> None:
    scan(tmp_path / "sub-10/anat/sub-10_T1w.nii.gz", 10)
    scan(tmp_path / "sub-02/anat/sub-02_run-1_T1w.nii", 21)
    scan(tmp_path / "sub-02/anat/sub-02_run-2_T1w.nii", 22)
    scan(tmp_path / "sub-03/ses-b/anat/sub-03_ses-b_T1w.nii.gz", 32)
    scan(tmp_path / "sub-03/ses-a/anat/sub-03_ses-a_T1w.nii.gz", 31)
    scan(tmp_path / "sub-03/ses-a/anat/sub-03_ses-a_part-imag_T1w.nii.gz", 33)
    scan(tmp_path / "sub-03/ses-a/anat/.sub-03_ses-a_T1w.nii.gz", 34)
    scan(tmp_path / "sub-04/anat/sub-04_T2w.nii.gz", 40)
    scan(tmp_path / "sub-05/anat/sub-05_part-real_T1w.nii.gz", 50)
    scan(tmp_path / "stray.nii.gz", 99)
    subjects = subjects_in_folder(tmp_path)
    assert [subject.name for subject in subjects] == ["sub-02", "sub-03", "sub-10"]
    volumes = [subject.load() for subject in subjects]
    assert [volume.values.max() for volume in volumes] == [21, 31, 10]
    assert [volume.name for volume in volumes] == ["sub-02", "sub-03", "sub-10"]


def test_plain_folder_gives_every_nifti_file_by_its_stem(tmp_path: Path) -> None:
    scan(tmp_path / "b.nii.gz")
    scan(tmp_path / "a.nii")
    scan(tmp_path / ".hidden.nii")
    (tmp_path / "notes.txt").write_text("none")
    assert [subject.name for subject in subjects_in_folder(tmp_path)] == ["a", "b"]


def test_fingerprint_is_the_hash_of_the_file(tmp_path: Path) -> None:
    path = scan(tmp_path / "a.nii")
    assert subjects_in_folder(tmp_path)[0].fingerprint == sha256_of_file(path)


def test_a_bad_scan_is_refused_when_it_is_loaded_and_not_before(tmp_path: Path) -> None:
    (tmp_path / "a.nii").write_text("no scan")
    (subject,) = subjects_in_folder(tmp_path)
    with pytest.raises(McnetError, match="is not a NIfTI scan"):
        subject.load()


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(McnetError, match="none is not a folder; give a BIDS tree"):
        subjects_in_folder(tmp_path / "none")


def test_folder_without_scans_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sub-01").mkdir()
    with pytest.raises(McnetError, match="holds no scan; expected sub-"):
        subjects_in_folder(tmp_path)


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    scan(tmp_path / "a.nii")
    scan(tmp_path / "a.nii.gz")
    with pytest.raises(McnetError, match="has two scans named a; one file a subject"):
        subjects_in_folder(tmp_path)


def test_the_scan_of_a_subject_is_the_one_that_is_corrected(tmp_path: Path) -> None:
    scan(tmp_path / "sub-01/anat/sub-01_T1w.nii", 1)
    scan(tmp_path / "sub-01/anat/sub-01_T1w.nii.gz", 2)
    scan(tmp_path / "sub-01/anat/sub-01_acq-a_part-phase_T1w.nii.gz", 3)
    (subject,) = subjects_in_folder(tmp_path)
    assert subject.fingerprint == sha256_of_file(find_t1w(tmp_path)[0].path)
    assert subject.load().values.max() == 2


def test_a_link_whose_content_was_not_fetched_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.nii.gz").symlink_to(tmp_path / "annex" / "object")
    with pytest.raises(McnetError, match="is a link to a file that is not here"):
        subjects_in_folder(tmp_path)


@pytest.mark.parametrize("function", ["open", "iterdir", "is_dir"])
def test_what_may_not_be_read_is_refused_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    path = scan(tmp_path / "a.nii")

    def forbidden(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, function, forbidden)
    place = path if function == "open" else tmp_path
    with pytest.raises(McnetError, match=f"^{place} cannot be read .permission denied"):
        subjects_in_folder(tmp_path)


def test_template_subjects_differ_from_each_other_and_repeat_by_seed() -> None:
    first, again, other = template_subjects(3, 4), template_subjects(2, 4), template_subjects(2, 5)
    assert [subject.name for subject in first] == ["template-01", "template-02", "template-03"]
    assert [p.fingerprint for p in first[:2]] == [p.fingerprint for p in again]
    assert len({p.fingerprint for p in [*first, *other]}) == 5


def test_template_subject_loads_the_same_head_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def quick_head(rng: np.random.Generator) -> Volume:
        return Volume(rng.standard_normal((9, 11, 8), dtype=np.float32), np.eye(4), "quick")

    monkeypatch.setattr("mcnet.datasets.subjects.varied_head", quick_head)
    first, second = template_subjects(2, 9)
    assert first.load().name == "template-01"
    np.testing.assert_array_equal(first.load().values, first.load().values)
    assert not np.array_equal(first.load().values, second.load().values)


def test_real_tree_holds_all_its_subjects(shared_data: Path) -> None:
    subjects = subjects_in_folder(shared_data / "heads")
    assert [subject.name for subject in subjects] == [f"sub-{i:02d}" for i in range(1, 15)]


def test_subjects_of_some_names_are_taken_and_unknown_names_told(tmp_path):
    for name in ("a", "b", "c"):
        nib.save(nib.Nifti1Image(np.ones((3, 4, 5), np.int16), np.eye(4)), tmp_path / f"{name}.nii")
    assert [subject.name for subject in subjects_named(tmp_path)] == ["a", "b", "c"]
    assert [subject.name for subject in subjects_named(tmp_path, ("c", "a"))] == ["a", "c"]
    with pytest.raises(McnetError, match="nobody named d; name subjects of that folder"):
        subjects_named(tmp_path, ("a", "d"))
