from pathlib import Path

from mcnet.io.nifti.names import files_with, nifti_stem


def test_stem_is_the_name_without_both_endings() -> None:
    assert nifti_stem(Path("a/sub-01_T1w.nii.gz")) == "sub-01_T1w"
    assert nifti_stem(Path("b.1.nii")) == "b.1"
    assert nifti_stem(Path("B.NII.GZ")) == "B"
    assert nifti_stem(Path("b.1.hdr.gz")) == nifti_stem(Path("b.1.img.gz")) == "b.1"
    assert nifti_stem(Path("b.1.hdr")) == nifti_stem(Path("b.1.IMG")) == "b.1"


def test_a_json_file_goes_with_a_scan_and_the_other_file_of_a_pair() -> None:
    assert files_with(Path("a/b.nii.gz")) == (Path("a/b.json"),)
    assert files_with(Path("a/b.hdr")) == (Path("a/b.json"), Path("a/b.img"))
