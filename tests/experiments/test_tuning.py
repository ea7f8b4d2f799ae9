"""The scripts that show how tuned constants sit among their neighbours, and the constants' part."""

import ast
import importlib
import re
import sys

import pytest
from conftest import ROOT

from mcnet.core.errors import McnetError

FOLDER = ROOT / "experiments" / "tuning"
SCRIPTS = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "tuning")
NAMED = re.compile(r"experiments/tuning/(\w+)\.py")
TUNED = re.compile(r"\btun(ed|ing)\b|\bvalidation( and training)? subjects\b")


@pytest.fixture(scope="module")
def script():
    """Imports a script of the folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        yield importlib.import_module
    for name in ("tuning", *SCRIPTS):
        sys.modules.pop(name, None)


def constants_told():
    """Name and all that is said of each constant of a module, above and below it."""
    for path in sorted((ROOT / "src").rglob("*.py")):
        text = path.read_text("utf-8")
        lines, body = text.splitlines(), ast.parse(text).body
        for node, after in zip(body, [*body[1:], None], strict=True):
            if not isinstance(node, ast.Assign | ast.AnnAssign):
                continue
            first = node.lineno - 1
            while first and lines[first - 1].startswith("#"):
                first -= 1
            last = node.end_lineno
            if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                last = after.end_lineno
            yield f"{path.name}:{node.lineno}", "\n".join(lines[first:last])


def test_every_tuned_constant_names_its_script():
    told = list(constants_told())
    without = [place for place, text in told if TUNED.search(text) and not NAMED.search(text)]
    assert without == []
    named = {name for _, text in told for name in NAMED.findall(text)}
    assert named == set(SCRIPTS)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_shows_the_value_in_use_among_others(script, name):
    module = script(name)
    table = module.table(script("tuning").Inputs(quick=True))
    assert len(table) > 1
    assert not table.isna().any().any()
    if "in use" in table:
        of_constant = table.groupby("constant")["in use"]
        assert of_constant.any().all()
        assert not of_constant.all().any()


def test_nothing_is_tuned_on_test_subjects(script, tmp_path):
    inputs = script("tuning").Inputs(heads=tmp_path, names=("sub-08", "sub-11"))
    with pytest.raises(McnetError, match="sub-11 are test subjects"):
        inputs.subjects()


def test_test_subjects_and_traces_are_left_out_of_folders(script, shared_data):
    tuning = script("tuning")
    inputs = tuning.Inputs(
        heads=shared_data / "heads", motion=shared_data / "motion", n_subjects=99, n_traces=999
    )
    subjects = {one.name for one in inputs.subjects()}
    assert len(subjects) == 10
    assert subjects.isdisjoint(tuning.TEST_SUBJECTS)
    traces = {one.name.removesuffix(".par") for one in inputs.traces()}
    assert len(traces) == 108 - len(tuning.TEST_TRACES)
    assert traces.isdisjoint(tuning.TEST_TRACES)
