"""What goes wrong is of the kind by which a caller can handle it."""

import sys

import numpy as np
import pytest

import mcnet
from mcnet.core import extras
from mcnet.core.errors import (
    BadFileError,
    BadOptionError,
    DeviceError,
    MissingExtraError,
    OutputError,
)
from mcnet.core.seeds import check_seed
from mcnet.datasets.template import template_head


def test_what_cannot_be_read_is_a_bad_file(tmp_path):
    (tmp_path / "damaged.nii").write_bytes(b"\0" * 400)
    (tmp_path / "empty").mkdir()
    for name in ("none.nii", "damaged.nii", "empty"):
        with pytest.raises(BadFileError):
            mcnet.read_scan(tmp_path / name)


def test_what_cannot_be_written_is_a_bad_output(tmp_path):
    head = template_head(resolution_mm=8.0)
    (tmp_path / "mine.nii").write_bytes(b"mine")
    for name in ("mine.nii", "picture.png"):
        with pytest.raises(OutputError):
            mcnet.write_scan(tmp_path / name, head)


def test_what_no_file_could_mend_is_a_bad_option():
    with pytest.raises(BadOptionError):
        check_seed(-1)
    with pytest.raises(BadOptionError):
        mcnet.Volume.from_array(np.zeros((9, 9, 9)), np.eye(3))


def test_a_gpu_that_is_not_there_is_of_the_device(monkeypatch):
    monkeypatch.setitem(sys.modules, "cufinufft", None)
    with pytest.raises(DeviceError, match="compute on the device cpu"):
        mcnet.corrupt(template_head(resolution_mm=8.0), mcnet.generate_motion(9, 1), device="cuda")


def test_a_package_that_is_not_there_is_of_an_extra(monkeypatch):
    monkeypatch.setattr(extras, "_is_installed", lambda module: module != "torch")
    for call in (mcnet.correct, mcnet.assess):
        with pytest.raises(MissingExtraError, match=r"'\.\[train\]'"):
            call("scan.nii")
