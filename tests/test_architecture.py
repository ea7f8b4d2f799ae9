"""The architecture page shows the rooms that the code has, and names files that are there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
ROOMS = sorted(path.parent.name for path in (ROOT / "src" / "mcnet").glob("*/__init__.py"))


def test_the_drawing_is_that_of_the_code():
    found = subprocess.run(
        [sys.executable, ROOT / "docs" / "rooms.py", "--check"], capture_output=True, text=True
    )
    assert found.returncode == 0, found.stderr


def test_every_module_that_the_page_names_is_there():
    text = PAGE.read_text(encoding="utf-8")
    paths = set(re.findall(rf"`((?:{'|'.join(ROOMS)}|mcnet)/[\w/]+(?:\.py|/))`", text))
    assert len(paths) > 10
    package = ROOT / "src" / "mcnet"
    missing = {path for path in paths if not (package / path.removeprefix("mcnet/")).exists()}
    # rooms of the table "Where the next one goes" that are to be
    assert missing <= {"motion_estimation/regularisers/"}


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_has_a_sentence(room):
    first = (ROOT / "src" / "mcnet" / room / "__init__.py").read_text().split('"""')[1]
    assert first.endswith(".")
    assert len(first) < 100
