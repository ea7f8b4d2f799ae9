"""What `mcnet evaluate` and `mcnet evaluate-raw` record of what they were made from."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from properties import ellipsoid
from tiny_models import FakeSeverityEstimator, tiny_weights

from mcnet.cli.main import main
from mcnet.core.provenance import provenance, sha256_of_file
from mcnet.correction import scan as scan_module
from mcnet.correction.severity_estimator import SEVERITY
from mcnet.motion.formats.files import write_motion
from mcnet.motion.generators import generate_motion


@pytest.fixture
def given(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Subjects, motion files and weights; a third person and a fourth trace are not asked for."""
    subjects, motion = tmp_path / "subjects", tmp_path / "motion"
    subjects.mkdir()
    size = (5.0, 4.0, 4.0)
    for number, name in enumerate(("a", "b", "other")):
        radii = (60.0 + number, 90.0, 80.0)
        head = ellipsoid((31, 57, 51), size, centre_mm=(0, 0, 0), radii_mm=radii)
        inner = ellipsoid((31, 57, 51), size, centre_mm=(0, 30, 10), radii_mm=(50, 25, 25))
        image = nib.Nifti1Image(500 * (head + 0.7 * inner), np.diag([*size, 1.0]))
        nib.save(image, subjects / f"{name}.nii.gz")
    for number in range(3):
        trace = generate_motion(140, np.random.default_rng(number))
        write_motion(motion / f"t{number}.par", trace, "fsl")
    write_motion(motion / "short.par", trace.segment(0, 40), "fsl")
    return subjects, motion, tiny_weights(tmp_path / "tiny.safetensors")


def run(*arguments: object) -> None:
    main([str(argument) for argument in arguments])


def expected(subjects: Path, motion: Path, **weights: Path) -> dict[str, str]:
    """True digests of the two subjects and the three traces that are tried."""
    files = {name: subjects / f"{name}.nii.gz" for name in ("a", "b")}
    files |= {f"t{number}.par": motion / f"t{number}.par" for number in range(3)}
    return {name: sha256_of_file(path) for name, path in (files | weights).items()}


@pytest.mark.slow
def test_a_trial_records_subjects_traces_weights_and_seed(
    tmp_path: Path, given: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    subjects, motion, weights = given
    monkeypatch.setattr(scan_module, "searched_grid", lambda *_: None)
    monkeypatch.setattr(
        "mcnet.correction.severity_estimator.load_severity_estimator", FakeSeverityEstimator
    )
    what = ["--motion", motion, "--model", weights, "--names", "a", "b"]
    how = ["--factors", 9, "--n-traces", 3, "--seed", 5]
    run("evaluate", subjects, *what, *how, "-o", tmp_path / "out")
    about = json.loads((tmp_path / "out" / "trial.json").read_text())["provenance"]
    assert about["seed"] == 5
    assert about["inputs_sha256"] == expected(subjects, motion, model=weights, severity=SEVERITY)


def test_a_trial_of_raw_data_records_subjects_traces_weights_and_seed(
    tmp_path: Path, given: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    subjects, motion, weights = given
    written: dict[str, object] = {}
    monkeypatch.setattr(
        "mcnet.evaluation.raw_trial.try_reconstruction",
        lambda *_, unfinished, **__: unfinished.mkdir(parents=True),
    )
    monkeypatch.setattr(
        "mcnet.report.raw_trial_page.write_raw_trial",
        lambda *_, **options: written.update(provenance(**_told(options))) or {},
    )
    what = ["--motion", motion, "--model", weights, "--names", "a", "b"]
    run("evaluate-raw", subjects, *what, "--n-traces", 3, "--seed", 5, "-o", tmp_path / "out")
    assert written["seed"] == 5
    assert written["inputs_sha256"] == expected(subjects, motion, model=weights)


def _told(options: dict[str, object]) -> dict[str, object]:
    return {name: options[name] for name in ("inputs", "seed")}
