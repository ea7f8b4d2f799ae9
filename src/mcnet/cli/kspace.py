"""Commands for those who have raw k-space."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from mcnet.cli.first_checks import MOTION, MOTIONS, SUBJECTS, check_exists
from mcnet.cli.motion_formats import FormatRead, FormatWritten
from mcnet.cli.terminal import Output, announce, model_file, tell
from mcnet.core.errors import McnetError
from mcnet.core.extras import PAGES, check_extra
from mcnet.core.seeds import check_seed

if TYPE_CHECKING:
    from mcnet.io.kspace import RawScan
    from mcnet.reconstruction.outcome import Reconstruction


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
    """Reconstruct a scan of a moving head from raw k-space, with its motion given or looked for.

    Args:
        raw: An ISMRMRD file: Cartesian, every line measured once.
        output: The image of the still head, NIfTI, with a JSON file of its provenance.
        motion: The head's motion, one pose for each phase-encoding line in the order of time. If
            not given, it is looked for in the k-space: motion within the slices of a 2D scan, with
            six degrees of freedom in a 3D scan.
        motion_format: Program that wrote the motion file; auto goes by name and header.
        start: First time point of the motion to use, counted from 0.
        resample: Stretch or squeeze the motion, from there to its end, to span the whole scan.
            Otherwise one point is one line, and the trace must have enough.
        motion_output: Also write the motion that was used.
        motion_output_format: Of that file.
        report: Also write a page that shows what was done.
        preview: Make a quick image: one gridding instead of conjugate gradients (with --motion).
        model: Network that a search starts from: a name (see mcnet models) or a weights file; or
            none, to start from the scan as it is. If not given, paper-2mm for pixels of 1.5 mm and
            more, else t1w-1mm.
    """
    if preview and motion is None:
        raise McnetError("--preview grids with motion that is known; give it by --motion.")
    if model is not None and motion is not None:
        raise McnetError("--model starts a search for motion; leave it out, or --motion.")
    if motion is None and (start or resample):
        raise McnetError("--start and --resample are of motion that is known; give it by --motion.")
    check_extra("raw", "mcnet reconstruct")
    if motion is None and model != NO_NETWORK:
        check_extra("train", "a search for motion without --model none", _OF_NETWORKS)
    if report:
        check_extra("train", "--report", PAGES)
    check_exists(raw, "an ISMRMRD file (.h5)")
    check_exists(motion, MOTION)
    from mcnet.core.outputs import FILE, PAGE, check_outputs, given
    from mcnet.core.writing import written_together
    from mcnet.io.mrd.names import RAW
    from mcnet.io.mrd.reading import read_raw
    from mcnet.io.nifti.files import write_volume
    from mcnet.io.nifti.names import NIFTI
    from mcnet.io.phase_encoding import phase_encoding_note
    from mcnet.motion.formats.files import MOTION_FILE, check_motion_name, read_motion, write_motion
    from mcnet.motion.formats.line_motion import motion_of_lines
    from mcnet.motion.plausibility import remarks
    from mcnet.reconstruction.reconstruct import reconstruct as reconstructed
    from mcnet.reconstruction.solving import ReconstructionOptions

    inputs = {"raw": raw} | ({"motion": motion} if motion else {})
    check_outputs(
        given(
            ("-o", output, NIFTI),
            ("--motion-output", motion_output, MOTION_FILE),
            ("--report", report, PAGE),
        ),
        given(
            ("", raw, RAW), ("--motion", motion, MOTION_FILE), ("--model", model_file(model), FILE)
        ),
    )
    if motion_output:
        check_motion_name(motion_output, motion_output_format)
    recorded = read_motion(motion, motion_format) if motion else None
    scan = read_raw(raw)
    trace, told = None, None
    if recorded:
        trace, told = motion_of_lines(recorded, scan.n_lines, start=start, resample=resample)
    network = None if trace or model == NO_NETWORK else _network(model, scan)
    inputs |= {"model": network.path} if network else {}
    doing = "Reconstructing" if trace else "Looking for the motion, and reconstructing"
    with announce(doing) as on_progress:
        result = reconstructed(
            scan,
            motion=trace,
            model=network,
            options=ReconstructionOptions(preview=preview),
            on_progress=on_progress,
        )
    notes = _notes(result) | phase_encoding_note(scan.line_axis)
    with written_together():
        write_volume(output, result.image, inputs=inputs, notes=notes)
        if motion_output:
            write_motion(motion_output, result.motion, motion_output_format, inputs=inputs)
        if report:
            from mcnet.report.reconstruction_page import write_reconstruction_page

            write_reconstruction_page(report, result, inputs=inputs)
    colour = "green" if result.accepted else "yellow"
    tell(f"{output}: {result.verdict}", style=colour)
    for sentence in [*([told] if told else []), *(remarks(trace) if trace else [])]:
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
        model: Network that the search starts from.
        names: Only these subjects.
        factors: Recorded motion is multiplied by these.
        n_traces: Recorded traces, drawn at random.
        coils: Receiver coils.
        snr: Mean signal in the head over the noise of a pixel; without it there is none.
        phase: Give the raw data a smooth phase, as coils and fields make it.
        magnitude: Keep only the magnitude of the scanned image, and take its Fourier transform
            for k-space.
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
    from mcnet.core.outputs import FILE, FOLDER, Given, check_outputs, given
    from mcnet.correction.models import check_model, load_model
    from mcnet.evaluation.trial_outputs import RAW_TRIAL, UNFINISHED
    from mcnet.motion.formats.files import MOTION_FILE, motion_files, read_motion

    files = motion_files(motion)
    unfinished = output / "unfinished"
    check_outputs(
        given(("-o", output, RAW_TRIAL), ("-o", unfinished, UNFINISHED)),
        [
            *given(("", subjects, FOLDER), ("--model", model_file(model), FILE)),
            *(Given("--motion", file, MOTION_FILE) for file in files),
        ],
    )
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
            *(chosen, traces, network, design),
            unfinished=unfinished,
            on_progress=on_progress,
        )
    inputs = trial_inputs(chosen, traces, files, {"model": network.path})
    summary = write_raw_trial(output, trial, model=network.name, inputs=inputs, seed=seed)
    shutil.rmtree(unfinished)
    for label, value in summary.items():
        tell(f"{label}: SSIM in head {value:.3f}.")
    tell(str(output / "table.md"))


def _network(name: str | None, scan: "RawScan") -> Any:
    from mcnet.correction.models import load_model

    in_plane_mm = min(scan.grid.pixel_mm)
    return load_model(name or ("paper-2mm" if in_plane_mm >= _COARSE_MM else "t1w-1mm"))


NO_NETWORK = "none"
"""In place of the name of a model: a search starts from the scan as it is."""
_OF_NETWORKS = ("safetensors", "torch")
_COARSE_MM = 1.5
"""From these pixels on the model of 2 mm serves better."""


def _notes(result: "Reconstruction") -> dict[str, Any]:
    """What the record beside the image says."""
    return {
        **result.notes,
        "verdict": result.verdict,
        "accepted": result.accepted,
        "line_residual": [round(float(one), 4) for one in result.line_residual],
    }
