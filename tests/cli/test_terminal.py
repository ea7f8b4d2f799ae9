"""What is printed is printed letter by letter, whatever it holds and wherever it goes."""

import ast
import inspect
import io
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from properties import ellipsoid

import mcnet.cli
from mcnet.cli import terminal
from mcnet.cli.main import COMMANDS, GROUPS, main

NAMES = ["scan[pre]", "scan[/x]", "a :smile: [red]b[/red] 12", "x" * 150]
"""Of files and folders: with what rich takes for markup, and longer than a line."""
MODULES = sorted(Path(mcnet.cli.__file__).parent.glob("*.py"))
EVERY = {**COMMANDS, **{f"readers {name}": one for name, one in GROUPS["readers"][1].items()}}


@pytest.fixture(params=NAMES)
def folder(request, tmp_path):
    """A folder of that name, with a scan and a trace of that name."""
    folder = tmp_path / request.param
    folder.mkdir(parents=True)
    values = ellipsoid((33, 37, 35), (4, 4, 4), centre_mm=(4, 0, 0), radii_mm=(45, 55, 50))
    nib.save(nib.Nifti1Image(values, np.diag([4.0, 4, 4, 1])), folder / f"{folder.name}.nii.gz")
    rng = np.random.default_rng(3)
    for number in range(5):
        numbers = np.hstack([0.01 * rng.normal(size=(40, 3)), rng.normal(size=(40, 3))])
        np.savetxt(folder / f"{folder.name}-{number}.par", numbers)
    return folder


def told_by(capsys, *arguments):
    """What a command prints, standard output first, and how it ends."""
    status = 0
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as error:
        status = error.code
    told = capsys.readouterr()
    return status, told.out + told.err


@pytest.mark.slow
def test_paths_are_printed_as_they_are(folder, capsys):
    name = folder.name
    scan, moved = folder / f"{name}.nii.gz", folder / f"moved {name}.nii.gz"
    trace = folder / f"{name}-0.par"
    given = ["corrupt", scan, "--motion", trace, "-o", moved, "--matrix", 32, "--fov-mm", 192]
    still = folder / f"still {name}.nii.gz"
    status, told = told_by(capsys, *given, "--reference-output", still)
    assert status == 0
    assert told.startswith(f"{moved}: standard deviation of the motion")
    status, told = told_by(capsys, "compare", still, moved, still)
    assert status == 0
    assert {str(moved), str(still)} < set(told.splitlines())
    status, told = told_by(capsys, "motion", folder, "-o", folder / "motion")
    assert status == 0
    assert f"{folder / 'motion' / 'motion.png'}: 5 traces.\n" in told
    status, told = told_by(capsys, "compare", still, folder / "none")
    assert status == 2
    assert f"mcnet: {folder / 'none'} does not exist; give a NIfTI file" in told


def test_a_title_is_printed_as_it_is(capsys):
    with terminal.announce("Correcting scan[/x].nii.gz") as on_progress:
        on_progress(1, 2)
    assert capsys.readouterr().err.startswith("Correcting scan[/x].nii.gz\n")
    with terminal.waiting("Counting [/x]"):
        pass


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_what_a_terminal_cannot_show_is_escaped(monkeypatch, encoding):
    streams = {name: io.TextIOWrapper(io.BytesIO(), encoding) for name in ("stdout", "stderr")}
    for name, stream in streams.items():
        monkeypatch.setattr(sys, name, stream)
    terminal.print_what_cannot_be_shown()
    terminal.tell("a\udcff — ü")
    terminal.tell_result("a\udcff — ü")
    expected = {"ascii": r"a\udcff \u2014 \xfc", "latin-1": r"a\udcff \u2014 ü"}
    for stream in streams.values():
        stream.flush()
        told = stream.buffer.getvalue().decode(encoding)
        assert told == expected.get(encoding, r"a\udcff — ü") + "\n"


def test_words_of_a_grid_are_not_broken(capsys):
    long = "sha256-" * 20
    terminal.tell_named([("data", f"some words and {long} and more"), ("licence", "CC0")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "data     some words and"
    assert long in [line.strip() for line in lines]
    assert lines[-2:] == ["licence  CC0", ""]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_only_the_terminal_module_prints(module):
    """rich, whose print takes text for markup, and print itself, are used in no other module."""
    if module.stem == "terminal":
        return
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        imported = [alias.name for alias in getattr(node, "names", []) if hasattr(alias, "name")]
        imported.append(getattr(node, "module", None) or "")
        assert not any(name.split(".")[0] == "rich" for name in imported if name), module
        assert getattr(getattr(node, "func", None), "id", "") != "print", module
        assert getattr(node, "attr", "") not in ("stdout", "stderr"), module


@pytest.mark.parametrize("command", EVERY)
def test_a_flag_does_what_its_help_says_when_it_is_given(command):
    """Flags are off by default, so that none turns off what its help describes."""
    for name, parameter in inspect.signature(EVERY[command]).parameters.items():
        if parameter.annotation is bool:
            assert parameter.default is False, name


def test_help_of_the_flag_that_turns_the_search_off_says_so(capsys):
    status, told = told_by(capsys, "correct", "--help")
    assert status == 0
    assert "--no-search" in told
    assert "Do not search for the motion" in " ".join(told.split())
