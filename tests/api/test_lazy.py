"""``import mcnet`` loads nothing slow, and every public name is there when it is asked for."""

import subprocess
import sys
from pathlib import Path

import pytest

import mcnet
from mcnet.core.errors import McnetError

SLOW = ("torch", "lightning", "scipy", "nibabel", "numpy", "rich", "tyro", "finufft", "pandas")
_LOOK = """
import sys
from pathlib import Path
import mcnet
dir(mcnet)
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def in_python(code):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_package_loads_none_of_what_is_slow():
    loaded = set(in_python(_LOOK).split())
    assert "mcnet" in loaded
    assert not loaded.intersection(SLOW)


def test_the_package_is_imported_in_less_than_a_third_of_a_second():
    code = "import time; t = time.perf_counter(); import mcnet; print(time.perf_counter() - t)"
    best = min(float(in_python(code)) for _ in range(3))  # of several, beside other work
    assert best < 0.3


@pytest.mark.parametrize("name", mcnet.__all__)
def test_every_public_name_is_there_and_listed(name):
    assert getattr(mcnet, name).__name__ == name
    assert name in dir(mcnet)


def test_a_name_that_is_none_is_refused_as_of_any_module():
    with pytest.raises(AttributeError, match="module 'mcnet' has no attribute 'corect'"):
        _ = mcnet.corect


def test_the_names_are_those_that_a_type_checker_sees():
    """A name that is missing in one of the three lists would be seen by some alone."""
    text = Path(mcnet.__file__).read_text(encoding="utf-8")
    checked = text.partition("if TYPE_CHECKING:")[2].partition("\n\n")[0]
    names = [
        name.strip()
        for line in checked.splitlines()
        if " import " in line
        for name in line.partition(" import ")[2].split(",")
    ]
    assert sorted(names) == sorted(mcnet.__all__) == sorted(mcnet._MODULES)


def test_the_errors_are_values_that_a_caller_can_tell_apart():
    from mcnet.core import errors

    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and kind is not McnetError
    ]
    assert len(kinds) == 5
    assert all(issubclass(kind, McnetError) for kind in kinds)
    assert issubclass(McnetError, ValueError)
    assert all(f"`{kind.__name__}`" in errors.__doc__ for kind in kinds)
