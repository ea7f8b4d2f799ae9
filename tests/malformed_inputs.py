"""Small whole inputs of every command, for `malformed` to change."""

import json
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import synthetic_dicom
import synthetic_raw
from drawn_studies import drawn_study, read_by
from properties import ellipsoid
from tiny_models import random_network, tiny_weights

from mcnet.core.progress import silently
from mcnet.datasets.pairs.simulate import simulate_pairs
from mcnet.datasets.pairs.store import load_pairs
from mcnet.evaluation.rows import evaluate
from mcnet.experiments.config import read_experiment
from mcnet.experiments.folder import WEIGHTS, Run, prepare
from mcnet.experiments.gather import pairs_plan
from mcnet.motion.formats.files import write_motion
from mcnet.motion.trace import MotionTrace
from mcnet.networks.model_card import ModelCard
from mcnet.networks.weights import save_network

EXPERIMENT = """
title = "small"
seed = 2
recipes = ["l1"]
n_examples = 1
[subjects]
folders = ["scans"]
n_validation = 1
n_test = 1
[motion]
n_generated = 3
scale = 2.0
n_validation = 1
n_test = 1
[acquisition]
matrix = [16, 18, 17]
fov_mm = [144.0, 156.0, 143.0]
phase_encoding_axis = "y"
order = "sequential"
[pairs]
n_slices = 2
spacing_mm = 12.0
min_head_share = 0.0
modes = ["rotation"]
[network]
levels = 1
width = 2
head = "residual"
[loss]
ssim_weight = 0.0
[training]
epochs = 1
batch_size = 2
[variants.mine]
like = "l1"
[variants.mine.network]
width = 3
[[questions]]
ask = "Does width help?"
model = "mine"
against = "l1"
"""
CORRECTOR = """
name = "mine"
purpose = "tests"
data = "drawn heads"
seed = 1
limits = ["all"]
[[subjects]]
folder = "scans"
scans_per_subject = 1
validation = ["b"]
held_out = ["c"]
[variety]
matrix = 16
pixel_mm = [6.0, 9.0]
[network]
levels = 1
[training]
epochs = 1
"""
_SIDECAR = {"Modality": "MR", "InPlanePhaseEncodingDirectionDICOM": "COL", "EchoTime": 0.003}


def write_inputs(folder: Path) -> Path:
    """Write every input into a new folder, and return it."""
    for name in ("scans", "motion", "weights", "bids/sub-01/anat"):
        (folder / name).mkdir(parents=True)
    _write_scans(folder)
    rng = np.random.default_rng(4)
    for name, kind in (
        *(("a.par", "fsl"), ("b.csv", "csv"), ("rp_c.txt", "spm")),
        *(("d.par", "fsl"), ("e.csv", "csv"), ("f.tsv", "fmriprep")),
    ):
        moved = np.cumsum(rng.normal(size=(2, 128, 3)), axis=1) * 0.05
        write_motion(folder / "motion" / name, MotionTrace(*moved, 2.0, name), kind)
    tiny_weights(folder / "tiny.safetensors")
    tiny_weights(folder / "weights" / "mine.safetensors")
    synthetic_dicom.Series(synthetic_dicom.stored_values((12, 14, 11))).write(folder / "dicom")
    raw = synthetic_raw.Raw(synthetic_raw.random_image(rng, 1, 12, 10, 8))
    raw.write(folder / "raw.h5")
    write_motion(folder / "lines.csv", MotionTrace(*rng.normal(size=(2, 10, 3))), "csv")
    (folder / "metrics.json").write_text(json.dumps({"ssim": 0.9, "by": {"mild": [0.9, 0.95]}}))
    (folder / "experiment.toml").write_text(EXPERIMENT)
    (folder / "corrector.toml").write_text(CORRECTOR)
    simulate_pairs(folder / "pairs.zarr", pairs_plan(read_experiment(folder / "experiment.toml")))
    study, _ = drawn_study(folder / "study")
    read_by(study, lambda row: dict.fromkeys(study.record["criteria"], 1 + row["item"] % 5))
    _write_run(folder)
    return folder


def _write_scans(folder: Path) -> None:
    for number, name in enumerate(("a", "b", "c")):
        head = ellipsoid((15, 17, 16), (9.0,) * 3, centre_mm=(0, 0, 0), radii_mm=(55, 60, 58))
        head = head * (300 + number + np.arange(17)[:, None])
        image = nib.Nifti1Image(head.astype(np.float32), np.diag([9.0, 9.0, 9.0, 1.0]))
        nib.save(image, folder / "scans" / f"{name}.nii")
    (folder / "scans" / "a.json").write_text(json.dumps(_SIDECAR))
    scan = folder / "bids" / "sub-01" / "anat" / "sub-01_T1w.nii"
    shutil.copy(folder / "scans" / "a.nii", scan)
    scan.with_suffix(".json").write_text(json.dumps(_SIDECAR))
    about = {"Name": "drawn", "BIDSVersion": "1.9.0"}
    (folder / "bids" / "dataset_description.json").write_text(json.dumps(about))


def _write_run(folder: Path) -> None:
    """A run as `mcnet reproduce` leaves it, with networks that nobody trained."""
    run = Run(read_experiment(folder / "experiment.toml"), folder / "run")
    prepare(run, silently)
    for planned in run.experiment.stages.stages:
        place = run.stage("rotation", planned.name)
        place.mkdir(parents=True)
        save_network(place / WEIGHTS, random_network(), card=ModelCard())
    pairs = load_pairs(run.pairs, "test", "rotation")
    rows = evaluate(pairs, dict.fromkeys(run.experiment.models, pairs.corrupted))
    run.evaluation.mkdir()
    rows.to_csv(run.evaluation / "rows.csv", index=False)
