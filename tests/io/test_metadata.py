"""What applies to a scan: its own JSON file, those inherited in BIDS, DICOM's by the same names."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic_dicom import SAGITTAL, Grid, Series, stored_values, write_enhanced

from mcnet.core.errors import McnetError
from mcnet.io.bids import BidsScan
from mcnet.io.dicom.series import read_series
from mcnet.io.metadata import is_true, metadata_of, text_of

SCAN = "sub-02/ses-b/anat/sub-02_ses-b_acq-hi_run-1_T1w.nii.gz"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A BIDS data set of one scan, without any metadata."""
    root = tmp_path / "raw"
    (root / SCAN).parent.mkdir(parents=True)
    (root / SCAN).touch()
    say(root / "dataset_description.json", Name="x")
    return root


def say(path: Path, **values: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values))


@pytest.mark.parametrize(
    "name",
    [
        *("a.b.nii", "a.b.nii.gz", "a.b.NII.GZ", "a.b.Nii"),
        *("a.b.hdr", "a.b.img", "a.b.hdr.gz", "a.b.img.gz", "a.b.IMG.GZ"),
    ],
)
def test_the_file_beside_a_scan_is_found_by_any_name_of_nifti(tmp_path: Path, name: str) -> None:
    say(tmp_path / "a.b.json", Modality="MR")
    assert metadata_of(tmp_path / name) == {"Modality": "MR"}
    assert metadata_of(tmp_path / f"other{name}") == {}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_any_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.json").write_bytes('{"ProtocolName": "Schädel"}'.encode(encoding))
    assert metadata_of(tmp_path / "a.nii") == {"ProtocolName": "Schädel"}


def test_numbers_that_json_has_not_are_none(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"EchoTime": NaN, "Numbers": [Infinity, 1]}')
    assert metadata_of(tmp_path / "a.nii") == {"EchoTime": None, "Numbers": [None, 1]}


@pytest.mark.parametrize("content", ['{"Modality": "M', "[1]", "", "\0"])
@pytest.mark.parametrize("place", ["T1w.json", SCAN.replace(".nii.gz", ".json")])
def test_damaged_metadata_are_told_wherever_they_lie(root: Path, place: str, content: str) -> None:
    (root / place).write_text(content)
    with pytest.raises(McnetError, match=rf"{place} .*mend it or take it away"):
        metadata_of(root / SCAN)


def test_metadata_that_cannot_be_read_are_told(root: Path) -> None:
    (root / "T1w.json").symlink_to("nowhere.json")
    with pytest.raises(McnetError, match="T1w.json is a link to a file that is not here; fetch"):
        metadata_of(root / SCAN)
    (root / "T1w.json").unlink()
    (root / "T1w.json").mkdir()
    with pytest.raises(McnetError, match="T1w.json cannot be read"):
        metadata_of(root / SCAN)


def test_a_link_has_what_is_beside_it_before_what_is_beside_its_target(tmp_path: Path) -> None:
    (tmp_path / "linked").mkdir()
    say(tmp_path / "target" / "b.json", A="target", B="target")
    (tmp_path / "target" / "b.nii").touch()
    (tmp_path / "linked" / "a.nii").symlink_to("../target/b.nii")
    assert metadata_of(tmp_path / "linked" / "a.nii") == {"A": "target", "B": "target"}
    say(tmp_path / "linked" / "a.json", A="link")
    assert metadata_of(tmp_path / "linked" / "a.nii") == {"A": "link", "B": "target"}


def test_a_scan_in_git_annex_has_the_metadata_of_its_link(root: Path) -> None:
    content = root / ".git/annex/objects/p4/W0/SHA256E-s1--ab.nii.gz/SHA256E-s1--ab.nii.gz"
    content.parent.mkdir(parents=True)
    (root / SCAN).rename(content)
    (root / SCAN).symlink_to(content)
    say(root / "T1w.json", A="top")
    say(root / SCAN.replace(".nii.gz", ".json"), B="own")
    assert metadata_of(root / SCAN) == {"A": "top", "B": "own"}


def test_a_link_from_elsewhere_inherits_in_the_data_set_of_its_target(
    root: Path, tmp_path: Path
) -> None:
    say(root / "T1w.json", Modality="CT")
    (tmp_path / "mine.nii.gz").symlink_to(root / SCAN)
    (tmp_path / "folder").symlink_to((root / SCAN).parent)
    for path in (tmp_path / "mine.nii.gz", tmp_path / "folder" / Path(SCAN).name):
        assert metadata_of(path) == {"Modality": "CT"}


@pytest.mark.parametrize("described", [True, False])
def test_a_scan_by_itself_has_the_metadata_that_it_has_in_its_data_set(
    root: Path, described: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(root / "T1w.json", A="top", B="top", C="top", D="top")
    say(root / "acq-hi_T1w.json", B="top of hi")
    say(root / "acq-lo_T1w.json", A="of others")
    say(root / "acq-hi_T2w.json", A="of another suffix")
    say(root / "sub-02/sub-02_T1w.json", C="subject", D="subject")
    say(root / SCAN.replace(".nii.gz", ".json"), D="scan")
    say(root / SCAN.replace("run-1_T1w.nii.gz", "run-2_T1w.json"), A="other run")
    if not described:
        (root / "dataset_description.json").unlink()
    expected = {"A": "top", "B": "top of hi", "C": "subject", "D": "scan"}
    assert metadata_of(root / SCAN) == expected
    assert BidsScan(root, root / SCAN).metadata() == expected
    monkeypatch.chdir(root / "sub-02")
    assert metadata_of(Path("../sub-02/ses-b/anat", Path(SCAN).name)) == expected


def test_nothing_is_inherited_from_above_the_data_set_or_outside_of_one(root: Path) -> None:
    say(root.parent / "T1w.json", Modality="CT")
    assert metadata_of(root / SCAN) == {}
    plain = root.parent / "plain" / "sub-02_T1w.nii"
    say(plain.parent / "T1w.json", Modality="CT")
    say(plain.parent / "sub-02_T1w.json", Modality="MR")
    assert metadata_of(plain) == {"Modality": "MR"}


def test_two_files_of_a_folder_may_not_contradict_each_other(root: Path) -> None:
    say(root / "acq-hi_T1w.json", A=1, B=2)
    say(root / "run-1_T1w.json", A=1, C=3)
    assert metadata_of(root / SCAN) == {"A": 1, "B": 2, "C": 3}
    say(root / "run-1_T1w.json", B=4)
    with pytest.raises(McnetError, match="both apply to .* different things of B; BIDS allows"):
        metadata_of(root / SCAN)


def test_the_nearer_word_on_the_lines_overrides_every_other(root: Path) -> None:
    say(root / "T1w.json", InPlanePhaseEncodingDirectionDICOM="COL", EchoTime=1)
    say(root / SCAN.replace(".nii.gz", ".json"), PhaseEncodingDirection="i-")
    assert metadata_of(root / SCAN) == {"EchoTime": 1, "PhaseEncodingDirection": "i-"}


def test_text_is_text_wherever_it_is_asked_for() -> None:
    about = {"a": "col ", "b": ["MR"], "c": 5, "d": None, "e": ["x", "y"], "f": {"g": 1}, "h": [7]}
    assert [text_of(about, name) for name in "abcdefhi"] == ["col", "MR", *[""] * 6]
    told = {"a": True, "b": " True", "c": "false", "d": 1, "e": [True]}
    assert [is_true(told, name) for name in "abcdef"] == [True, True, False, False, False, False]


WORDS = {
    "Modality": "MR",
    "SeriesDescription": "T1w MPRAGE",
    "ProtocolName": "sag t1",
    "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND"],
    "InPlanePhaseEncodingDirectionDICOM": "COL",
    "ImageOrientationPatientDICOM": [0, 1, 0, 0, 0, -1],
}


@pytest.fixture
def series(tmp_path: Path) -> Path:
    attributes = {"ProtocolName": "sag t1", "InPlanePhaseEncodingDirection": "COL"}
    stored = stored_values((16, 20, 18))
    return Series(stored=stored, grid=Grid(SAGITTAL), attributes=attributes).write(tmp_path / "s")


def test_a_series_says_the_same_by_the_same_names(series: Path) -> None:
    assert read_series(series).metadata == WORDS


def test_dcm2niix_says_of_a_series_what_mcnet_does(series: Path, tmp_path: Path) -> None:
    beside_python = str(Path(sys.executable).parent)  # where pip puts it
    converter = shutil.which("dcm2niix") or shutil.which("dcm2niix", path=beside_python)
    if converter is None:
        pytest.skip("dcm2niix is not installed; it comes with Debian, or pip install dcm2niix")
    subprocess.run([converter, "-f", "a", "-o", tmp_path, series], check=True, capture_output=True)
    converted = metadata_of(tmp_path / "a.nii")
    converted["ImageType"].remove("MAGNITUDE")  # which dcm2niix adds
    assert {name: converted[name] for name in WORDS} == read_series(series).metadata


def test_an_enhanced_series_says_it_too(tmp_path: Path) -> None:
    folder = write_enhanced(tmp_path / "e", stored_values(), Grid(SAGITTAL))
    said = read_series(folder).metadata
    assert (said["Modality"], said["SeriesDescription"]) == ("MR", "T1w MPRAGE")
    np.testing.assert_array_equal(said["ImageOrientationPatientDICOM"], np.ravel(SAGITTAL))
