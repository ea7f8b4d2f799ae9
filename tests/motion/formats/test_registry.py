"""A file is a format: what is found, what is refused, and what the documentation says of each."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from mcnet.core.errors import McnetError
from mcnet.motion.formats.files import MOTION_FILE, read_motion, write_motion
from mcnet.motion.formats.motion_format import MotionFormat
from mcnet.motion.formats.registry import FORMAT_NAMES, format_named, motion_formats
from mcnet.motion.trace import still

FOLDER = ROOT / "src" / "mcnet" / "motion" / "formats" / "programs"
TOY = """
from mcnet.motion.formats.conventions import SixNumbers
from mcnet.motion.formats.motion_format import MotionFormat

FORMAT = MotionFormat(
    name="toy",
    label="nobody",
    pattern="*.toy",
    convention=SixNumbers(
        columns=("pitch", "roll", "yaw", "z", "y", "x"),
        translation=(5, 4, 3),
        rotation=(0, 1, 2),
        radians=False,
        moves_back=False,
    ),
    rotates_about="nothing",
)
"""
WITH_TOY = """
import sys
from pathlib import Path
import mcnet.motion.formats.programs as programs

programs.__path__.append(sys.argv[1])
from mcnet.cli.main import main
from mcnet.motion.formats.files import motion_files, read_motion, write_motion
from mcnet.motion.trace import MotionTrace

folder = Path(sys.argv[1])
(folder / "run.toy").write_text("2 0 0 0 0 1.5\\n4 0 0 0 0 3\\n")
(path,) = [each for each in motion_files(folder) if each.suffix == ".toy"]
trace = read_motion(path)
write_motion(folder / "again.toy", trace, "toy")
print(trace.rotation_deg[0].round(6).tolist(), trace.translation_mm[0].round(6).tolist())
main(["corrupt", "--help"])
"""


def test_every_module_is_a_format_of_its_own_name() -> None:
    assert tuple(sorted(path.stem for path in FOLDER.glob("[!_]*.py"))) == FORMAT_NAMES
    assert {"afni", "csv", "fmriprep", "fsl", "spm"} < set(FORMAT_NAMES)
    for name, known in zip(FORMAT_NAMES, motion_formats(), strict=True):
        assert known.name == name
        assert known.pattern.endswith(MOTION_FILE.suffixes)


def test_a_file_alone_makes_a_format(tmp_path: Path) -> None:
    (tmp_path / "toy.py").write_text(TOY)
    done = subprocess.run(
        [sys.executable, "-c", WITH_TOY, tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("[2.0, 0.0, 0.0] [1.5, 0.0, 0.0]")
    assert "spm,toy}" in "".join(done.stdout.split()).replace("│", "")
    assert (tmp_path / "again.toy").read_text().split()[:6] == ["2", "0", "0", "0", "0", "1.5"]


@pytest.mark.parametrize("name", ["fls", "auto", "motion_format", ""])
def test_a_format_that_is_none_is_refused_with_those_there_are(name: str, tmp_path: Path) -> None:
    told = f"motion format {name!r} is unknown; give one of {', '.join(FORMAT_NAMES)}."
    with pytest.raises(McnetError, match=told):
        format_named(name)
    with pytest.raises(McnetError, match=told):
        write_motion(tmp_path / "head.par", still(3), name)
    if name != "auto":
        with pytest.raises(McnetError, match=told):
            read_motion(tmp_path / "head.par", name)


def documented(known: MotionFormat) -> str:
    """The row of the table of formats in the documentation."""
    known_by = f"`{known.pattern}`"
    if known.header:
        known_by = f"a header with {' or '.join(f'`{each}`' for each in known.header)}; {known_by}"
    units = "mm" if not known.convention.rotation else "mm, deg"
    if known.convention.radians:
        units = "mm, rad"
    columns = " ".join(f"`{name}`" for name in known.convention.columns)
    if known.old_columns:
        columns += f" (earlier {' '.join(f'`{name}`' for name in known.old_columns)})"
    if known.time_column:
        columns += f", optional `{known.time_column}`"
    cells = (f"`{known.name}`", known.label, known_by, columns, units, known.rotates_about)
    return f"| {' | '.join(cells)} |"


def test_the_documentation_has_the_formats_as_they_are() -> None:
    page = (ROOT / "docs" / "how-to" / "motion-files.md").read_text(encoding="utf-8")
    table = page.partition("| `--motion-format` |")[2].partition("\n\n")[0].splitlines()[2:]
    assert table == [documented(known) for known in motion_formats()]
    meanings = page.partition("## What the numbers become")[2].partition("\n## ")[0]
    for name in FORMAT_NAMES:
        assert f"`{name}`" in meanings
