"""Names with bytes that are no UTF-8, and terminals that show ASCII or Latin-1 alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import moving_head
import nibabel as nib
import numpy as np
import pytest
from properties import ellipsoid
from tiny_models import tiny_weights

from mcnet.datasets.raw_simulation import RawOptions, simulate_raw
from mcnet.io.mrd.writing import write_raw
from mcnet.motion.formats.files import write_motion
from mcnet.motion.generators import generate_motion
from mcnet.physics.acquisition import Acquisition

NAME = os.fsdecode(b"caf\xe9")
"""A name as Latin-1 has it, which is no UTF-8."""
TEXTS = {".csv", ".html", ".json", ".md", ".par", ".svg", ".toml", ".txt"}
C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
TERMINALS = {
    "utf-8": {"PYTHONUTF8": "1"},
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "C": C_LOCALE,
}

pytestmark = pytest.mark.skipif(
    sys.platform == "darwin", reason="this file system takes names in UTF-8 alone"
)


@pytest.fixture
def folder(tmp_path):
    """A folder of that name, and in it a scan, six traces and raw data of that name."""
    folder = tmp_path / NAME
    folder.mkdir()
    values = ellipsoid((13, 16, 15), (8, 8, 8), centre_mm=(4, 0, 0), radii_mm=(35, 45, 40))
    stored = (values * np.linspace(300, 600, 16, dtype=np.float32)[:, None]).astype(np.int16)
    nib.save(nib.Nifti1Image(stored, np.diag([8.0, 8, 8, 1])), folder / f"{NAME}.nii.gz")
    rng = np.random.default_rng(3)
    for number in range(6):
        trace = generate_motion(32, rng).restricted_to("rotation+translation")
        write_motion(folder / f"{NAME}-{number}.par", trace, "fsl")
    return folder


def run(*arguments, terminal="C"):
    """What a command prints, as bytes, in a process of its own; it ends well."""
    unset = {name: value for name, value in os.environ.items() if not name.startswith("LC_")}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "mcnet", *map(str, arguments)],
        capture_output=True,
        check=False,
        env=unset | TERMINALS[terminal],
    )
    assert b"Traceback" not in done.stderr, done.stderr
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def refuse_bad_texts(folder):
    """Every text below a folder is UTF-8, and every JSON file JSON."""
    files = [path for path in folder.rglob("*") if path.suffix in TEXTS and path.is_file()]
    assert files
    for path in files:
        text = path.read_bytes().decode("utf-8")
        if path.suffix == ".json":
            json.loads(text)
    return files


@pytest.mark.slow
@pytest.mark.parametrize("terminal", TERMINALS)
def test_scans_are_made_and_compared(folder, terminal):
    scan, moved, still = (folder / f"{before}{NAME}.nii.gz" for before in ("", "moved", "still"))
    trace, raw = folder / f"{NAME}-0.par", folder / f"{NAME}.h5"
    given = ["corrupt", scan, "--motion", trace, "-o", moved, "--matrix", 32, "--fov-mm", 200]
    _, told = run(*given, "--reference-output", still, "--raw-output", raw, terminal=terminal)
    assert rb"moved" in told
    assert rb"caf\udce9.nii.gz: standard deviation of the motion" in told
    out, _ = run("compare", still, moved, terminal=terminal)
    assert rb"caf\udce9.nii.gz" in out
    out, _ = run("compare", still, moved, "--json", terminal=terminal)
    assert list(json.loads(out)["images"]) == [str(moved)]
    refuse_bad_texts(folder)


@pytest.mark.slow
@pytest.mark.parametrize("terminal", TERMINALS)
def test_help_is_shown_and_models_are_listed(terminal):
    out, _ = run("models", terminal=terminal)
    assert b"t1w-1mm" in out
    out, _ = run("correct", "--help", terminal=terminal)
    assert b"--no-search" in out


@pytest.mark.slow
def test_motion_is_measured(folder):
    run("motion", folder, "-o", folder / "figure")
    assert rb"caf\udce9-0.par" in (folder / "figure" / "motion.csv").read_bytes()
    refuse_bad_texts(folder)


@pytest.mark.slow
def test_a_scan_is_corrected(folder, tmp_path):
    weights = tiny_weights(tmp_path / "tiny.safetensors")
    out, page = folder / f"corrected {NAME}.nii.gz", folder / f"{NAME}.html"
    given = ["correct", folder / f"{NAME}.nii.gz", "-o", out, "--model", weights, "--force"]
    run(*given, "--report", page, "--uncertainty", folder / "u.nii.gz")
    assert {page, folder / f"corrected {NAME}.json"} <= set(refuse_bad_texts(folder))
    assert rb"caf\udce9.nii.gz" in page.read_bytes()


@pytest.mark.slow
def test_a_data_set_with_such_a_name_is_not_stopped(folder, tmp_path):
    weights = tiny_weights(tmp_path / "tiny.safetensors")
    scan = (folder / f"{NAME}.nii.gz").read_bytes()
    root = tmp_path / f"data {NAME}"
    names = ["sub-01", f"sub-{NAME}"]
    for name in names:
        (root / name / "anat").mkdir(parents=True)
        (root / name / "anat" / f"{name}_T1w.nii.gz").write_bytes(scan)
    (root / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.8.0"}')
    out = tmp_path / f"derivative {NAME}"
    given = ["correct", root, out, "participant", "--model", weights, "--force"]
    _, told = run(*given)
    assert b"2 scans, 2 corrected" in told
    assert {path.name for path in out.glob("sub-*/anat/*.nii.gz")} == {
        f"{name}_desc-moco_T1w.nii.gz" for name in names
    }
    refuse_bad_texts(out)
    _, told = run(*given)
    assert b"2 scans, 2 done before" in told


@pytest.mark.slow
def test_raw_data_are_reconstructed(folder):
    lines = Acquisition((32, 32, 32), (256.0, 256.0, 256.0))
    moves = generate_motion(32, np.random.default_rng(2)).restricted_to("rotation+translation")
    raw, trace = folder / f"{NAME}.h5", folder / f"{NAME}.csv"
    write_raw(raw, simulate_raw(moving_head.subject(), moves, lines, RawOptions(n_slices=2)))
    write_motion(trace, moves, "csv")
    out, page = folder / f"image {NAME}.nii.gz", folder / f"{NAME}.html"
    given = ["reconstruct", raw, "-o", out, "--motion", trace, "--report", page]
    run(*given, "--motion-output", folder / f"used {NAME}.par", "--motion-output-format", "fsl")
    assert {page, folder / f"image {NAME}.json"} <= set(refuse_bad_texts(folder))


@pytest.mark.slow
def test_a_study_is_drawn_served_codes_and_reported(folder, tmp_path):
    images = []
    rng = np.random.default_rng(2)
    for version in ("corrupted", "reference"):
        (folder / version).mkdir()
        for number in range(3):
            head = ellipsoid((23, 27, 25), (7, 6, 8), centre_mm=(3, 0, 0), radii_mm=(55, 60, 70))
            head = head + 0.1 * rng.random(head.shape, dtype=np.float32)
            path = folder / version / f"{NAME}-{number}.nii.gz"
            nib.save(nib.Nifti1Image(head, np.diag([7.0, 6, 8, 1])), path)
        images += ["--images", f"{version}={folder / version}"]
    study = folder / f"study {NAME}"
    out, told = run("readers", "create", *images, "-o", study)
    assert out.count(b"reader-") == 2
    assert rb"caf\udce9" in told
    out, _ = run("readers", "code", study, "reader-1")
    assert out.startswith(b"reader-1")
    refuse_bad_texts(study)


@pytest.mark.slow
def test_an_experiment_is_simulated_from_such_a_folder(folder, tmp_path):
    (folder / "heads").mkdir()
    for number in range(3):
        scan = folder / "heads" / f"{NAME}-{number}.nii.gz"
        values = ellipsoid((33, 37, 35), (5, 5, 5), centre_mm=(4, number, 0), radii_mm=(60, 70, 65))
        nib.save(nib.Nifti1Image(values, np.diag([5.0, 5, 5, 1])), scan)
    (folder / "e.toml").write_text(
        'title = "t"\n[subjects]\nfolders = ["heads"]\n[motion]\nn_generated = 4\n'
        "[pairs]\nn_slices = 2\n"
    )
    store = folder / f"pairs {NAME}.zarr"
    _, told = run("simulate", folder / "e.toml", "-o", store)
    assert b"pairs of 3 subjects" in told
    refuse_bad_texts(Path(store))
