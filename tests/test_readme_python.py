"""The Python of the README, run as it stands there, on a small scan and with a hasty search."""

import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

import mcnet
from mcnet.correction.magnitude_motion import SEARCH, find_motion
from mcnet.datasets.template import template_head

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """What the README takes for granted: a scan, and a motion file."""
    monkeypatch.chdir(tmp_path)
    head = template_head(resolution_mm=4.0)
    mcnet.write_scan("sub-01_T1w.nii.gz", head)
    motion = mcnet.generate_motion(150, 4)
    size = max(np.abs(motion.translation_mm).max(), np.abs(motion.rotation_deg).max())
    mcnet.write_motion("rest_mcf.par", motion.scaled(2.0 / size), "fsl")
    hasty = replace(SEARCH, n_steps=(1, 0, 0))
    monkeypatch.setattr("mcnet.correction.scan.find_motion", partial(find_motion, settings=hasty))
    return tmp_path


def test_the_python_of_the_readme_runs_as_it_is_written(folder, capsys):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    exec(compile(block, "README.md", "exec"), {})  # noqa: S102
    told = capsys.readouterr().out.split()
    assert told[:2] == ["<Correction", "of"]
    assert 0.5 < float(told[-1]) < 1
    assert Path("corrected-2mm.nii.gz").is_file()
    assert Path("corrected-2mm.html").is_file()
