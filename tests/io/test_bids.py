"""BIDS data sets: which scans are found, what is said of them, how derivatives are named."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcnet.core.errors import McnetError
from mcnet.io.bids import (
    BidsScan,
    check_derivative_output,
    derivative_folder,
    find_t1w,
    first_t1w_of_subjects,
    is_bids,
    write_derivative_description,
)

FILES = (
    "sub-01/anat/sub-01_T1w.nii.gz",
    "sub-02/ses-b/anat/sub-02_ses-b_acq-hi_run-2_T1w.nii",
    "sub-02/ses-b/anat/sub-02_ses-b_acq-hi_run-1_T1w.nii",
    "sub-02/ses-a/anat/sub-02_ses-a_T1w.nii.gz",
    # none of these is a T1-weighted magnitude image
    "sub-01/anat/sub-01_T2w.nii.gz",
    "sub-01/anat/sub-01_part-phase_T1w.nii.gz",
    "sub-01/anat/sub-01_part-imag_T1w.nii.gz",
    "sub-01/anat/sub-01_acq-a_part-real_T1w.nii.gz",
    "sub-01/anat/._sub-01_T1w.nii.gz",
    "sub-01/anat/sub-02_T1w.nii.gz",
    "sub-01/anat/sub-01_acq-aT1w.nii.gz",
    "sub-01/anat/sub-01_desc-brain_mask.nii.gz",
    "sub-01/anat/sub-01_T1w.json",
    "sub-01/anat-old/sub-01_T1w.nii.gz",
    "sub-01/anat/sub-01_mod-T1w_defacemask.nii.gz",
    "sub-01/func/sub-01_task-rest_bold.nii.gz",
    "derivatives/other/sub-01/anat/sub-01_desc-x_T1w.nii.gz",
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "raw"
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (root / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.8.0"}')
    return root


def names(scans: list[BidsScan]) -> list[str]:
    return [scan.path.relative_to(scan.root).as_posix() for scan in scans]


def test_all_magnitude_t1w_scans_are_found_in_order(root: Path) -> None:
    assert names(find_t1w(root)) == [FILES[0], FILES[3], FILES[2], FILES[1]]


@pytest.mark.parametrize("label", ["02", "sub-02"])
def test_participants_are_named_with_or_without_sub(root: Path, label: str) -> None:
    assert names(find_t1w(root, [label])) == [FILES[3], FILES[2], FILES[1]]
    assert len(find_t1w(root, [label, "02"])) == 3


@pytest.mark.parametrize("other", ["sub-01_T1w.nii", "sub-01_T1w.NII"])
def test_a_scan_stored_twice_is_one_scan(root: Path, other: str) -> None:
    (root / "sub-01/anat" / other).touch()
    assert names(find_t1w(root, ["01"])) == [FILES[0]]
    assert first_t1w_of_subjects(root)["sub-01"] == root / FILES[0]


def test_scans_of_one_name_in_two_sessions_are_two(root: Path) -> None:
    for session in "ab":
        (root / f"sub-02/ses-{session}/anat/sub-02_T1w.nii.gz").touch()
    assert len(find_t1w(root, ["02"])) == 5


def test_names_in_capitals_and_links_to_nothing_are_scans_and_folders_are_none(root: Path) -> None:
    (root / "sub-01/anat/sub-01_run-1_T1w.NII.GZ").touch()
    (root / "sub-01/anat/sub-01_run-2_T1w.nii.gz").symlink_to("nowhere")
    (root / "sub-01/anat/sub-01_run-3_T1w.nii.gz").mkdir()
    (root / "sub-01/anat/sub-01_run-4_part-mag_T1w.nii").touch()
    assert [scan.name for scan in find_t1w(root, ["01"])] == [
        "sub-01_T1w",
        "sub-01_run-1_T1w",
        "sub-01_run-2_T1w",
        "sub-01_run-4_part-mag_T1w",
    ]


def test_the_first_scan_of_a_subject_is_the_first_that_is_found(root: Path) -> None:
    (root / "sub-03/anat").mkdir(parents=True)
    (root / "sub-03/anat/sub-03_part-imag_T1w.nii.gz").touch()
    assert first_t1w_of_subjects(root) == {
        subject: find_t1w(root, [subject])[0].path for subject in ("sub-01", "sub-02")
    }


def test_a_folder_that_may_not_be_read_is_told_and_not_passed_over(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = Path.iterdir

    def forbidden(path: Path) -> Iterator[Path]:
        if path.name == "ses-a":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", forbidden)
    with pytest.raises(McnetError, match=r"ses-a cannot be read \(permission denied"):
        find_t1w(root)
    assert len(find_t1w(root, ["01"])) == 1


def test_an_absent_participant_is_told_with_those_that_are_there(root: Path) -> None:
    with pytest.raises(McnetError, match="has no participant sub-07; it has sub-01, sub-02: name"):
        find_t1w(root, ["01", "07"])


def test_what_is_no_data_set_is_refused(tmp_path: Path, root: Path) -> None:
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "folder", tmp_path / "none", root / FILES[0]):
        with pytest.raises(McnetError, match="is no BIDS data set"):
            find_t1w(path)
    assert is_bids(root)
    (root / "dataset_description.json").unlink()
    assert is_bids(root)  # by its participants


def test_a_data_set_without_t1w_scans_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sub-01" / "anat").mkdir(parents=True)
    with pytest.raises(McnetError, match="has no T1w scan of sub-01; expected files such as"):
        find_t1w(tmp_path, ["01"])


def test_a_derivative_keeps_folder_and_entities(root: Path, tmp_path: Path) -> None:
    scan = find_t1w(root, ["02"])[1]
    assert scan.derivative_name("moco") == "sub-02_ses-b_acq-hi_run-1_desc-moco_T1w"
    assert derivative_folder(scan, tmp_path / "out") == tmp_path / "out/sub-02/ses-b/anat"
    assert scan.uri == f"bids:raw:{FILES[2]}"


@pytest.mark.parametrize(
    ("name", "derivative"),
    [
        ("sub-01_T1w", "sub-01_desc-moco_T1w"),
        ("sub-01_desc-x_T1w", "sub-01_desc-xMoco_T1w"),
        ("sub-01_desc-y_T1w", "sub-01_desc-yMoco_T1w"),
        ("sub-01_ses-a_run-1_desc-preproc_T1w", "sub-01_ses-a_run-1_desc-preprocMoco_T1w"),
        ("sub-01_desc-x_desc-moco_T1w", "sub-01_desc-xMocoMoco_T1w"),
        ("sub-01_desc-x_space-MNI_acq-hi_T1w", "sub-01_acq-hi_space-MNI_desc-xMoco_T1w"),
        ("sub-01_own-1_part-mag_run-2_T1w", "sub-01_run-2_part-mag_own-1_desc-moco_T1w"),
    ],
)
def test_derivatives_have_every_entity_once_in_the_order_of_bids(
    root: Path, name: str, derivative: str
) -> None:
    assert BidsScan(root, root / f"{name}.nii.gz").derivative_name("moco") == derivative


def test_the_derivative_says_what_it_is_and_where_it_comes_from(root: Path, tmp_path: Path) -> None:
    output = root / "derivatives" / "mcnet"
    write_derivative_description(root, output, "Corrected")
    about = json.loads((output / "dataset_description.json").read_text())
    assert about["DatasetType"] == "derivative"
    assert about["GeneratedBy"][0]["Name"] == "mcnet"
    assert about["DatasetLinks"] == {"raw": "../.."}
    assert str(tmp_path) not in (output / "dataset_description.json").read_text()
    check_derivative_output(root, output)  # mcnet's own is written again


def test_a_damaged_description_is_told_and_one_of_other_types_holds_no_doi(
    root: Path, tmp_path: Path
) -> None:
    (root / "dataset_description.json").write_text('{"DatasetDOI": ["10.1/x", 2]}')
    write_derivative_description(root, tmp_path / "out", "Corrected")
    about = json.loads((tmp_path / "out/dataset_description.json").read_text())
    assert about["SourceDatasets"] == [{"URL": "../raw"}]
    (root / "dataset_description.json").write_text("{")
    with pytest.raises(McnetError, match=r"dataset_description.json is no JSON"):
        write_derivative_description(root, tmp_path / "out", "Corrected")


def test_outputs_that_cannot_be_are_refused(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(McnetError, match="is the source; give the derivative"):
        check_derivative_output(root, root / "sub-01" / "..")
    with pytest.raises(McnetError, match="is no data set that mcnet made"):
        check_derivative_output(tmp_path / "other", root)
    (tmp_path / "file").touch()
    with pytest.raises(McnetError, match=r"cannot be written .*is no folder"):
        check_derivative_output(root, tmp_path / "file" / "out")
    monkeypatch.setattr("mcnet.core.outputs.os.access", lambda *_: False)
    with pytest.raises(McnetError, match="no permission to write"):
        check_derivative_output(root, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "place", ["sub-01", "sub-01/derived", "sub-99", "Sub-01", "sourcedata/mcnet", "link/sub-01/a"]
)
def test_no_derivative_lies_among_the_raw_data(root: Path, tmp_path: Path, place: str) -> None:
    (root / "link").symlink_to(root)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(McnetError, match="lies among the raw data of"):
        check_derivative_output(root, root / place)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_that_holds_something_else_is_no_place_for_a_derivative(
    root: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "README.md").write_text("my notes")
    with pytest.raises(McnetError, match="is not empty and is no data set that mcnet made"):
        check_derivative_output(root, tmp_path / "mine")
