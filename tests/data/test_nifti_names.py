import os
from pathlib import Path

import pytest

from mcnet.data.nifti_names import nifti_stem, refuse_output, refuse_outputs
from mcnet.errors import McnetError


def test_stem_is_the_name_without_both_endings() -> None:
    assert nifti_stem(Path("a/sub-01_T1w.nii.gz")) == "sub-01_T1w"
    assert nifti_stem(Path("b.1.nii")) == "b.1"
    assert nifti_stem(Path("B.NII.GZ")) == "B"
    assert nifti_stem(Path("b.1.hdr.gz")) == nifti_stem(Path("b.1.img.gz")) == "b.1"
    assert nifti_stem(Path("b.1.hdr")) == nifti_stem(Path("b.1.IMG")) == "b.1"


def test_outputs_that_cannot_be_written_are_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_output(tmp_path / "new" / "folder" / "out.nii")
    (tmp_path / "folder.nii").mkdir()
    with pytest.raises(McnetError, match=r"cannot be written \(it is a folder\)"):
        refuse_output(tmp_path / "folder.nii")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(McnetError, match="file is no folder"):
        refuse_output(tmp_path / "file" / "new" / "out.nii")
    monkeypatch.setattr(os, "access", lambda place, _: Path(place) != tmp_path)
    with pytest.raises(McnetError, match=f"no permission to write to {tmp_path}"):
        refuse_output(tmp_path / "new" / "out.nii")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.nii"]


def test_outputs_may_not_be_inputs_or_share_a_name(tmp_path: Path) -> None:
    scan, first, second = (tmp_path / name for name in ("scan.nii", "a.nii", "a.nii.gz"))
    refuse_outputs([first], [scan])
    with pytest.raises(McnetError, match="is an input and would be overwritten"):
        refuse_outputs([tmp_path / "." / "scan.nii"], [scan])
    with pytest.raises(McnetError, match="would overwrite each other"):
        refuse_outputs([first, second], [scan])
