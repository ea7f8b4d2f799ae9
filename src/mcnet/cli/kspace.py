"""Commands on raw k-space: reconstruct a scan, and evaluate reconstruction."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from mcnet.cli.first_checks import MOTION, MOTIONS, SUBJECTS, check_exists
from mcnet.cli.motion_formats import FormatRead, FormatWritten
from mcnet.cli.terminal import Output, announce, model_file, tell
from mcnet.core.errors import BadOptionError
from mcnet.core.extras import PAGES, check_extra
from mcnet.core.seeds import check_seed

if TYPE_CHECKING:
    pass


def reconstruct(
    raw: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RAW.h5")],
    output: Output,
    motion: Path | None = None,
    motion_format: FormatRead = "auto",
    start: int = 0,
    resample: bool = False,
    motion_output: Path | None = None,
    motion_output_format: FormatWritten = "csv",
    report: Path | None = None,
    preview: bool = False,
    model: str | None = None,
) -> None:
    """Reconstruct a scan of a moving head from raw k-space, with its motion given or estimated.

    Args:
        raw: An ISMRMRD file: Cartesian, every line measured once.
        output: The image of the still head, NIfTI, with a JSON file of its provenance.
        motion: The head's motion, one pose for each phase-encoding line in the order of time. If
            not given, it is estimated from the k-space: within the slices of a 2D scan, with six
            degrees of freedom in a 3D scan.
        motion_format: Program that wrote the motion file; auto goes by name and header.
        start: First time point of the motion to use, counted from 0.
        resample: Stretch or squeeze the motion, from there to its end, to span the whole scan.
            Otherwise one point is one line, and the trace must have enough.
        motion_output: Also write the motion that was used.
        motion_output_format: Of that file.
        report: Also write an HTML page with images, motion and residuals.
        preview: Make a quick image: one gridding instead of conjugate gradients (with --motion).
        model: Network that makes the initial image of the motion estimation: a name (see mcnet
            models) or a weights file; or none, to start from the scan as it is. If not given,
            paper-2mm for pixels of 1.5 mm and more, else t1w-1mm.
    """
    outputs = _Outputs(output, motion_output, motion_output_format, report)
    _check_options(motion, model, start=start, resample=resample, preview=preview)
    _check_extras(motion, model, outputs)
    check_exists(raw, "an ISMRMRD file (.h5)")
    check_exists(motion, MOTION)
    _check_files(raw, motion, model, outputs)
    from mcnet.api.reconstructing import prepared

    ready = prepared(
        raw,
        motion,
        model=None if model == NO_NETWORK else model or "auto",
        motion_format=motion_format,
        start=start,
        resample=resample,
        preview=preview,
    )
    doing = "Reconstructing" if ready.motion else "Estimating the motion and reconstructing"
    with announce(doing) as on_progress:
        result = ready.reconstructed(on_progress)
    result.save(output, motion=motion_output, motion_format=motion_output_format, report=report)
    tell(f"{output}: {result.data_consistency}", style="green" if result.accepted else "yellow")
    for sentence in result.remarks:
        tell(sentence)


def evaluate_raw(
    subjects: tyro.conf.Positional[Path],
    motion: Path,
    output: Output,
    model: str = "paper-2mm",
    names: tuple[str, ...] = (),
    factors: tuple[float, ...] = (2.0, 4.0, 8.0),
    n_traces: int = 3,
    coils: int = 1,
    snr: float | None = None,
    phase: bool = False,
    magnitude: bool = False,
    in_space: bool = False,
    seed: int = 1,
) -> None:
    """Score reconstruction from raw k-space on subjects and recorded motion; resumable.

    Args:
        subjects: Scans without motion: a BIDS tree, or a folder of NIfTI files.
        motion: Motion files, or a folder of them.
        output: Folder for the tables and the picture.
        model: Network that makes the initial image of the motion estimation.
        names: Only these subjects.
        factors: Recorded motion is multiplied by these.
        n_traces: Number of recorded traces, drawn at random.
        coils: Number of receiver coils.
        snr: Mean signal in the head over the noise of a pixel; if not given, there is no noise.
        phase: Give the raw data a smooth phase, as of coils and field.
        magnitude: Keep only the magnitude of the scanned image, and use its Fourier transform as
            k-space.
        in_space: Move heads with six degrees of freedom in 3D scans, instead of within slices.
        seed: Of the draw of traces, phase and noise.
    """
    check_extra("train", "mcnet evaluate-raw")
    check_exists(subjects, SUBJECTS)
    check_exists(motion, MOTIONS)
    check_seed(seed)
    from mcnet.evaluation.raw_trial_design import RawTrialDesign
    from mcnet.evaluation.trial_design import TrialDesign, chosen_traces

    design = RawTrialDesign(
        factors, coils, snr, phase, in_space=in_space, magnitude=magnitude, seed=seed
    )
    from mcnet.correction.models import check_model, load_model
    from mcnet.motion.formats.files import motion_files, read_motion

    files, unfinished = motion_files(motion), output / "unfinished"
    _check_trial_files(subjects, files, model, output, unfinished)
    check_model(model)
    from mcnet.datasets.subjects import subjects_named

    chosen = subjects_named(subjects, names)
    from mcnet.evaluation.raw_trial import try_reconstruction
    from mcnet.evaluation.trial_inputs import trial_inputs
    from mcnet.report.raw_trial_page import write_raw_trial

    network = load_model(model)
    drawn = TrialDesign(n_traces=n_traces, seed=seed)
    traces = chosen_traces([read_motion(file) for file in files], drawn)
    with announce("Reconstructing unseen subjects from raw data") as on_progress:
        trial = try_reconstruction(
            chosen, traces, network, design, unfinished=unfinished, on_progress=on_progress
        )
    inputs = trial_inputs(chosen, traces, files, {"model": network.path})
    summary = write_raw_trial(output, trial, model=network.name, inputs=inputs, seed=seed)
    shutil.rmtree(unfinished)
    for label, value in summary.items():
        tell(f"{label}: SSIM in head {value:.3f}.")
    tell(str(output / "table.md"))


NO_NETWORK = "none"
"""In place of the name of a model: the motion estimation starts from the scan as it is."""
_OF_NETWORKS = ("safetensors", "torch")


@dataclass(frozen=True)
class _Outputs:
    """Files that a reconstruction writes."""

    image: Path
    motion: Path | None
    motion_format: str
    report: Path | None


def _check_options(
    motion: Path | None, model: str | None, *, start: int, resample: bool, preview: bool
) -> None:
    """Check that the options fit motion that is given, or motion that is to be estimated."""
    if preview and motion is None:
        raise BadOptionError("--preview grids with motion that is known; give it by --motion.")
    if model is not None and motion is not None:
        raise BadOptionError(
            "--model makes the initial image of a motion estimation; leave it out, or --motion."
        )
    if motion is None and (start or resample):
        raise BadOptionError(
            "--start and --resample are of motion that is known; give it by --motion."
        )


def _check_extras(motion: Path | None, model: str | None, outputs: _Outputs) -> None:
    check_extra("raw", "mcnet reconstruct")
    if motion is None and model != NO_NETWORK:
        check_extra("train", "estimating motion without --model none", _OF_NETWORKS)
    if outputs.report:
        check_extra("train", "--report", PAGES)


def _check_files(raw: Path, motion: Path | None, model: str | None, outputs: _Outputs) -> None:
    """Check names and places of all outputs against each other and the inputs, before any work."""
    from mcnet.core.outputs import FILE, PAGE, check_outputs, given
    from mcnet.io.mrd.names import RAW
    from mcnet.io.nifti.names import NIFTI
    from mcnet.motion.formats.files import MOTION_FILE, check_motion_name

    check_outputs(
        given(
            ("-o", outputs.image, NIFTI),
            ("--motion-output", outputs.motion, MOTION_FILE),
            ("--report", outputs.report, PAGE),
        ),
        given(
            ("", raw, RAW), ("--motion", motion, MOTION_FILE), ("--model", model_file(model), FILE)
        ),
    )
    if outputs.motion:
        check_motion_name(outputs.motion, outputs.motion_format)


def _check_trial_files(
    subjects: Path, motion: Sequence[Path], model: str, output: Path, unfinished: Path
) -> None:
    from mcnet.core.outputs import FILE, FOLDER, Given, check_outputs, given
    from mcnet.evaluation.trial_outputs import RAW_TRIAL, UNFINISHED
    from mcnet.motion.formats.files import MOTION_FILE

    inputs = given(("", subjects, FOLDER), ("--model", model_file(model), FILE))
    inputs += [Given("--motion", file, MOTION_FILE) for file in motion]
    check_outputs(given(("-o", output, RAW_TRIAL), ("-o", unfinished, UNFINISHED)), inputs)
