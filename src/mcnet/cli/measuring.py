"""Commands that measure: images against each other, motion, and models on held-out subjects."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import tyro

from mcnet.cli.first_checks import MOTIONS, SUBJECTS, check_exists, check_scans
from mcnet.cli.motion_formats import FormatRead
from mcnet.cli.terminal import (
    Output,
    announce,
    model_file,
    print_json,
    tell,
    tell_result,
    waiting,
)
from mcnet.core.errors import BadOptionError
from mcnet.core.extras import PAGES, check_extra
from mcnet.core.seeds import check_seed
from mcnet.correction.default_model import DEFAULT_MODEL


def compare(
    reference: tyro.conf.Positional[Path],
    images: tyro.conf.Positional[tuple[Path, ...]],
    json: bool = False,
) -> None:
    """Print the metrics of images against their reference, with their definitions.

    Args:
        reference: The scan to compare with: NIfTI, or the folder of a DICOM series.
        images: Scans on the same grid.
        json: Print JSON instead of a table.
    """
    if not images:
        raise BadOptionError("no image to compare is named; give one or more after the reference.")
    check_scans((reference, *images), "mcnet compare")
    from mcnet.api.comparing import compare as compared
    from mcnet.io.scans import read_scan

    truth = read_scan(reference)
    scores = {str(path): compared(truth, path) for path in images}
    names, definition = list(next(iter(scores.values()))), next(iter(scores.values())).definition
    if json:
        numbers = {path: _finite_or_none(values) for path, values in scores.items()}
        print_json({"definition": definition, "reference": str(reference), "images": numbers})
        return
    tell_result("".join(f"{name:>12}" for name in names))
    for path, values in scores.items():
        tell_result(path)
        tell_result("".join(f"{value:12.4f}" for value in values.values()))
    tell_result(definition)


def motion(
    traces: tyro.conf.Positional[tuple[Path, ...]],
    output: Output,
    motion_format: FormatRead = "auto",
    seed: int = 1,
) -> None:
    """Measure recorded head motion, and show mcnet's generated motion against it.

    Args:
        traces: Motion files, or folders of them.
        output: Folder for the figure and the table.
        motion_format: Program that wrote all of the files; auto goes by name and header.
        seed: Of the generated traces.
    """
    check_extra("train", "mcnet motion", PAGES)
    check_seed(seed)
    for path in traces:
        check_exists(path, MOTIONS)
    from mcnet.core.outputs import Given, check_outputs, given
    from mcnet.core.provenance import by_name
    from mcnet.motion.formats.files import MOTION_FILE, motion_files, read_motion
    from mcnet.motion.plausibility import check_moves, remarks
    from mcnet.report.motion_figure import MOTION_FIGURE, write_motion_figure

    files = [file for path in traces for file in motion_files(path)]
    check_outputs(
        given(("-o", output, MOTION_FIGURE)), [Given("", file, MOTION_FILE) for file in files]
    )
    with waiting("Measuring motion"):
        recorded = [read_motion(file, motion_format) for file in files]
        for trace in recorded:
            check_moves(trace)
        write_motion_figure(output, recorded, seed=seed, inputs=by_name(files))
    tell(f"{output / 'motion.png'}: {len(files)} {'trace' if len(files) == 1 else 'traces'}.")
    for sentence in [sentence for trace in recorded for sentence in remarks(trace)]:
        tell(sentence)


def evaluate(
    subjects: tyro.conf.Positional[Path],
    motion: Path,
    output: Output,
    model: str = DEFAULT_MODEL,
    names: tuple[str, ...] = (),
    factors: tuple[float, ...] = (2.0, 4.0, 8.0),
    n_traces: int = 8,
    pixel_mm: float | None = None,
    order: Literal["sequential", "centric", "interleaved"] = "sequential",
    noise: float = 0.0,
    seed: int = 1,
) -> None:
    """Score a model on subjects and recorded motion that it was not trained on.

    Args:
        subjects: Scans without motion: a BIDS tree, or a folder of NIfTI files.
        motion: Motion files, or a folder of them.
        output: Folder for the tables and pictures.
        model: Name of a model that comes with mcnet, or a weights file.
        names: Only these subjects.
        factors: Recorded motion is multiplied by these.
        n_traces: Recorded traces, drawn at random.
        pixel_mm: Pixel size of the scans; each subject's own, if none is given.
        order: Order in which lines are acquired.
        noise: Standard deviation of the scans' noise, of which the head's brightest part is 1.
        seed: Of the draw.
    """
    check_extra("train", "mcnet evaluate")
    check_exists(subjects, SUBJECTS)
    check_exists(motion, MOTIONS)
    check_seed(seed)
    from mcnet.evaluation.trial_design import TrialDesign, chosen_traces

    design = TrialDesign(
        factors=factors, n_traces=n_traces, pixel_mm=pixel_mm, order=order, noise=noise, seed=seed
    )
    from mcnet.correction.models import check_model, load_model
    from mcnet.motion.formats.files import motion_files, read_motion

    files = motion_files(motion)
    _check_trial_files(subjects, files, model, output)
    check_model(model)
    from mcnet.datasets.subjects import subjects_named

    chosen = subjects_named(subjects, names)
    from mcnet.correction.severity_estimator import SEVERITY, load_severity_estimator
    from mcnet.evaluation.trial import try_corrector
    from mcnet.evaluation.trial_inputs import trial_inputs
    from mcnet.report.trial_page import write_trial

    corrector = load_model(model)
    traces = chosen_traces([read_motion(file) for file in files], design)
    with announce(f"Evaluating {corrector.name} on held-out subjects and motion") as on_progress:
        trial = try_corrector(
            *(chosen, traces, corrector, load_severity_estimator(), design),
            on_progress=on_progress,
        )
    weights = {"model": corrector.path, "severity": SEVERITY}
    numbers = write_trial(
        output,
        trial,
        model=corrector.name,
        fingerprint=corrector.card.fingerprint or "not stated",
        inputs=trial_inputs(chosen, traces, files, weights),
        seed=seed,
    )
    _tell_recovered(numbers)
    tell(str(output / "table.md"))


def _check_trial_files(subjects: Path, motion: Sequence[Path], model: str, output: Path) -> None:
    """Check the places of all outputs against the inputs, before any work."""
    from mcnet.core.outputs import FILE, FOLDER, Given, check_outputs, given
    from mcnet.evaluation.trial_outputs import TRIAL
    from mcnet.motion.formats.files import MOTION_FILE

    inputs = given(("", subjects, FOLDER), ("--model", model_file(model), FILE))
    motions = [Given("--motion", file, MOTION_FILE) for file in motion]
    check_outputs(given(("-o", output, TRIAL)), [*inputs, *motions])


def _tell_recovered(numbers: Mapping[str, Any]) -> None:
    """Print what was recovered of the SSIM deficit, by the factor of the motion."""
    from mcnet.metrics.registry import PRIMARY

    for factor, scored in numbers.items():
        if isinstance(scored, dict):
            before, after = (scored[f"{PRIMARY}_{when}"] for when in ("before", "after"))
            recovered = 100 * scored["share_of_ssim_deficit_recovered"]
            tell(
                f"{factor}: SSIM in head {before:.3f} to {after:.3f}, {recovered:+.1f} % of the "
                "SSIM deficit recovered."
            )


def _finite_or_none(values: Mapping[str, float]) -> dict[str, float | None]:
    """Numbers that JSON has; it knows neither infinity, the PSNR of equal images, nor NaN."""
    return {name: value if math.isfinite(value) else None for name, value in values.items()}
