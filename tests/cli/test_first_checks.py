"""What every command refuses at once: missing extras, missing inputs, impossible numbers."""

import shutil

import pytest
from fresh_process import in_a_fresh_process

SLOW = {
    *("dask", "distributed", "fastapi", "lightning", "matplotlib", "nilearn", "onnx", "pandas"),
    *("SimpleITK", "statsmodels", "torch", "torchmetrics"),
}
"""What takes seconds to load."""


@pytest.fixture
def scan(tmp_path):
    path = tmp_path / "scan.nii.gz"
    path.write_bytes(b"never read")
    return path


@pytest.fixture
def trace(tmp_path):
    path = tmp_path / "motion.par"
    path.write_text("never read")
    return path


def needing(extra, scan, trace, tmp_path):
    """Commands that cannot do without an extra; none of their inputs can be read."""
    out = tmp_path / "out"
    commands = {
        "train": [
            ["correct", scan, "-o", f"{out}.nii.gz"],
            ["correct", tmp_path, out, "participant"],
            ["evaluate", tmp_path, "--motion", trace, "-o", out],
            ["evaluate-raw", tmp_path, "--motion", trace, "-o", out],
            ["demo", "-o", out],
            ["reproduce", trace, "-o", out],
            ["train", trace, "-o", out],
            ["motion", trace, "-o", out],
            ["reconstruct", scan, "-o", f"{out}.nii.gz"],
            ["reconstruct", scan, "-o", "a.nii", "--motion", trace, "--report", "a.html"],
        ],
        "export": [["export", "-o", f"{out}.onnx"]],
        "dicom": [
            ["compare", scan, tmp_path],
            ["corrupt", tmp_path, "--motion", trace, "-o", f"{out}.nii.gz"],
            ["correct", tmp_path, "-o", out],
        ],
        "raw": [
            ["reconstruct", scan, "-o", f"{out}.nii.gz", "--motion", trace],
            ["corrupt", scan, "--motion", trace, "-o", "a.nii", "--raw-output", "a.h5"],
        ],
        "cluster": [
            ["simulate", trace, "-o", out, "--workers", 2],
            ["simulate", trace, "-o", out, "--scheduler", "tcp://host:8786"],
        ],
        "readers": [
            ["readers", "create", tmp_path, "-o", out],
            ["readers", "serve", tmp_path],
            ["readers", "report", tmp_path],
        ],
    }
    return commands[extra]


@pytest.mark.slow
@pytest.mark.parametrize("extra", ["train", "export", "dicom", "raw", "cluster", "readers"])
def test_a_missing_extra_is_told_before_anything_is_read(tmp_path, scan, trace, extra):
    before = sorted(tmp_path.iterdir())
    commands = needing(extra, scan, trace, tmp_path)
    told = in_a_fresh_process(*commands, absent=[extra], folder=tmp_path)
    for (status, sentence, loaded, _), command in zip(told, commands, strict=True):
        assert status == 2, command
        assert f"needs the extra {extra}: in a copy of mcnet's repository" in sentence, command
        assert f"give pip install '.[{extra}]' -c constraints.txt." in sentence
        assert not loaded & SLOW, command
    assert sorted(tmp_path.iterdir()) == before


def refused(tmp_path, scan, trace):
    """Commands with a simple mistake, and what is told of it."""
    none, out, absent = (tmp_path / name for name in ("none", "out", "absent.toml"))
    tree = tmp_path / "tree"
    base = ["corrupt", scan, "--motion", trace, "-o", f"{out}.nii.gz"]
    return [
        (["correct", none, "-o", out], "none does not exist"),
        (["correct", scan], "no output is named"),
        (["correct", scan, "-o", "a.nii", "--participant-label", "01"], "is for a BIDS data set"),
        (["correct", none, out, "participant"], "none does not exist"),
        (["correct", scan, "-o", tmp_path / "w.txt"], "does not end in .nii.gz or .nii"),
        (["correct", scan, "-o", "a.nii", "--model", "nosuch"], "does not come with mcnet"),
        (["correct", tree, tree / "sub-01", "participant"], "raw data"),
        (["correct", tree, out, "participant", "--participant-label", "9"], "no participant"),
        (["export", "-o", "a.onnx", "--model", "nosuch"], "does not come with mcnet"),
        (["evaluate", none, "--motion", trace, "-o", out], "none does not exist"),
        (["evaluate", tmp_path, "--motion", none, "-o", out], "none does not exist"),
        (["evaluate", tree, "--motion", trace, "-o", out, "--names", "nobody"], "named nobody"),
        (
            ["evaluate", tmp_path, "--motion", trace, "-o", out, "--factors", 0],
            "factor 0 is impossible",
        ),
        (["evaluate", tmp_path, "--motion", trace, "-o", out, "--seed", -1], "seed -1 is"),
        (["evaluate-raw", none, "--motion", trace, "-o", out], "none does not exist"),
        (
            ["evaluate-raw", tmp_path, "--motion", trace, "-o", out, "--factors", 0],
            "factor 0 is impossible",
        ),
        (["reproduce", none, "-o", out], "none does not exist"),
        (["reproduce", trace, "-o", out], "is not a readable TOML file"),
        (["reproduce", absent, "-o", out], "name a folder of your own scans there"),
        (["simulate", absent, "-o", out], "name a folder of your own scans there"),
        (["train", none, "-o", out], "none does not exist"),
        (["train", trace, "-o", out, "--devices", 0], "--devices 0 is impossible"),
        (["simulate", none, "-o", out], "none does not exist"),
        (["simulate", trace, "-o", out, "--workers", 0], "--workers 0 is impossible"),
        (["motion", none, "-o", out], "none does not exist"),
        (["motion", trace, "-o", out, "--seed", -3], "seed -3 is impossible"),
        (["compare", none, scan], "none does not exist"),
        (["compare", scan, none], "none does not exist"),
        (["reconstruct", none, "-o", "a.nii"], "none does not exist"),
        (["reconstruct", scan, "-o", "a.nii", "--preview"], "give it by --motion"),
        (["corrupt", none, "--motion", trace, "-o", "a.nii"], "none does not exist"),
        (["corrupt", scan, "--motion", none, "-o", "a.nii"], "none does not exist"),
        ([*base, "--matrix", 0], "too small"),
        ([*base, "--fov-mm", -3], "positive lengths"),
        ([*base, "--raw-output", "a.h5", "--coils", 0], "0 coils are impossible"),
        ([*base, "--device", "cuda"], "device cuda"),
        (["readers", "create", none, "-o", out], "none does not exist"),
        (["readers", "create", tmp_path, "-o", out, "--readers", 0], "--readers 0 is impossible"),
        (["readers", "serve", none], "none does not exist"),
        (["readers", "code", none, "reader-1"], "none does not exist"),
        (["readers", "report", none], "none does not exist"),
    ]


@pytest.mark.slow
def test_simple_mistakes_are_told_before_anything_slow_is_loaded(tmp_path, scan, trace):
    (tmp_path / "absent.toml").write_text(
        'title = "t"\n[subjects]\nfolders = ["none"]\n[motion]\nn_generated = 4\n'
    )
    (tmp_path / "tree" / "sub-01" / "anat").mkdir(parents=True)
    shutil.copy(scan, tmp_path / "tree" / "sub-01" / "anat" / "sub-01_T1w.nii.gz")
    commands, sentences = zip(*refused(tmp_path, scan, trace), strict=True)
    before = sorted(tmp_path.iterdir())
    told = in_a_fresh_process(*commands, folder=tmp_path)
    for (status, sentence, loaded, _), command, expected in zip(
        told, commands, sentences, strict=True
    ):
        assert status == 2, command
        assert expected in sentence, command
        assert not loaded & SLOW, command
    assert sorted(tmp_path.iterdir()) == before


def test_models_are_listed_without_pytorch_and_safetensors():
    ((status, told, loaded, printed),) = in_a_fresh_process(["models"], absent=["train"])
    assert (status, told) == (0, "")
    assert "t1w-1mm" in printed
    assert not loaded & SLOW


SIMULATED = """
title = "small"
subjects = { n_template = 3 }
motion = { n_generated = 4 }
acquisition = { matrix = [20, 26, 22], fov_mm = [240.0, 260.0, 242.0] }
pairs = { n_slices = 2, min_head_share = 0.0 }
"""


@pytest.mark.slow
def test_pairs_are_simulated_without_pytorch(tmp_path):
    bad, good = tmp_path / "bad.toml", tmp_path / "good.toml"
    bad.write_text('title = "t"\nepochs = 3\n')
    good.write_text(SIMULATED)
    refused, made = in_a_fresh_process(
        ["simulate", bad, "-o", tmp_path / "pairs"],
        ["simulate", good, "-o", tmp_path / "pairs"],
        absent=["train"],
    )
    assert refused[0] == 2
    assert "epochs is no setting" in refused[1]
    assert not refused[2] & SLOW
    assert made[0] == 0, made[1]
    assert "16 pairs of 3 subjects" in made[1]
