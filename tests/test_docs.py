"""The commands of the docs, run as they are written, on small stand-ins for scans and motion."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from conftest import ROOT
from properties import ellipsoid

import mcnet.reconstruction.reconstruct  # noqa: F401  (before its options are replaced)
from mcnet.cli.main import main
from mcnet.motion.formats.files import write_motion
from mcnet.motion.generators import generate_motion
from mcnet.motion_estimation.coarse_to_fine import SearchSettings
from mcnet.reconstruction.options import ReconstructionOptions

PAGES = ("docs/how-to/raw-data.md", "docs/how-to/motion-files.md", "README.md")
"""In an order in which each finds what those before have written."""
COMMANDS = ("corrupt", "reconstruct", "motion", "compare")
SMALL = {"corrupt": ["--matrix", "32", "--fov-mm", "200"]}
"""What is added, to be done in seconds."""


def commands_of(page: str) -> Iterator[list[str]]:
    """Arguments of the commands in the blocks and in the text of a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    lines += re.findall(r"(?<!`)`(mcnet [^`]+)`(?!`)", text)
    for line in lines:
        program, *arguments = shlex.split(line, comments=True) or [""]
        if (
            program == "mcnet"
            and arguments[0] in COMMANDS
            and arguments[1:] not in ([], ["--help"])
        ):
            yield arguments


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """What the docs take for granted: a scan, motion files, and a folder of them."""
    head = ellipsoid((41, 51, 47), (4, 4, 4), centre_mm=(3, 0, 0), radii_mm=(60, 80, 70))
    head[15:25, 20:30, 18:26] *= np.float32(0.6)
    for name in ("sub-01_T1w.nii.gz", "SCAN.nii.gz"):
        nib.save(nib.Nifti1Image(head * 900, np.diag([4.0, 4, 4, 1])), tmp_path / name)
    rng = np.random.default_rng(4)
    (tmp_path / "FOLDER").mkdir()
    names = ["rest_mcf.par", "FILE.par", *(f"FOLDER/{number}.par" for number in range(5))]
    for name in names:
        # by the paper's recipe, so that times 8 stays within what a head can do
        motion = generate_motion(150, rng)
        size = max(np.abs(motion.translation_mm).max(), np.abs(motion.rotation_deg).max())
        write_motion(tmp_path / name, motion.scaled(1.5 / size), "fsl")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_docs_have_commands_to_be_run():
    found = [arguments[0] for page in PAGES for arguments in commands_of(page)]
    assert {name: found.count(name) for name in COMMANDS} == {
        "corrupt": 3,
        "reconstruct": 3,
        "motion": 2,
        "compare": 1,
    }


@pytest.mark.slow
@pytest.mark.timeout(900)  # beside other work a search takes minutes
def test_every_command_of_the_docs_runs_as_it_is_written(folder, monkeypatch):
    hasty = SearchSettings(n_steps=(1, 0, 0), polish=())
    monkeypatch.setattr(
        "mcnet.reconstruction.options.ReconstructionOptions",
        lambda *, preview: ReconstructionOptions(preview=preview, search=hasty),
    )
    # what two pages say alike is run once
    for arguments in dict.fromkeys(tuple(each) for page in PAGES for each in commands_of(page)):
        main([*arguments, *SMALL.get(arguments[0], [])])
    for name in ("moved.nii.gz", "still.nii.gz", "used.csv", "found.par", "still.html"):
        assert Path(name).is_file()
