"""Commands that correct scans, and those about the models that do it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from mcnet.cli.first_checks import SCAN, check_exists, check_scans
from mcnet.cli.terminal import announce, model_file, tell, tell_named
from mcnet.core.errors import BadOptionError, McnetError
from mcnet.core.extras import check_extra
from mcnet.correction.default_model import DEFAULT_MODEL

if TYPE_CHECKING:
    from mcnet.api.correcting import Correction
    from mcnet.correction.options import CorrectionOptions
    from mcnet.correction.outcome import Severity


def correct(
    scan: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="IN")],
    derivative: Annotated[
        tyro.conf.Positional[Path | None], tyro.conf.arg(metavar="[OUT]", help_behavior_hint="")
    ] = None,
    level: Annotated[
        tyro.conf.Positional[Literal["participant"] | None],
        tyro.conf.arg(metavar="[participant]", help_behavior_hint=""),
    ] = None,
    output: Annotated[
        Path | None, tyro.conf.arg(aliases=("-o",), metavar="PATH", help_behavior_hint="")
    ] = None,
    model: str = DEFAULT_MODEL,
    report: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE.html", help_behavior_hint="")
    ] = None,
    uncertainty: Annotated[
        Path | None, tyro.conf.arg(metavar="FILE.nii.gz", help_behavior_hint="")
    ] = None,
    device: Literal["cpu", "cuda"] = "cpu",
    no_search: bool = False,
    phase_encoding: Literal["x", "y", "z"] | None = None,
    force: bool = False,
    participant_label: tuple[str, ...] = (),
) -> None:
    """Correct head motion in T1-weighted scans; grid, header and intensity scale stay.

    Args:
        scan: With -o PATH: a NIfTI file or the folder of a DICOM series. With OUT participant: a
            BIDS data set.
        derivative: Of a BIDS data set: folder of the derivative data set. A second call resumes.
        level: Of a BIDS data set: the word participant.
        output: The corrected scan: a NIfTI file, or of a DICOM series the folder of a derived one.
        model: Name of a model that comes with mcnet (see mcnet models), or a weights file.
        report: Also write a page that shows what was done.
        uncertainty: Also write the standard deviation of the correction, voxel by voxel.
        device: What computes: the cores of the CPU, or a CUDA GPU.
        no_search: Do not search for the motion; let the network correct the scan as it is.
        phase_encoding: Axis along which lines were encoded: x right, y front, z up. If not given,
            what the scan's metadata say, or y.
        force: Correct a scan too that is estimated to be still, in which no motion is found to
            undo, or whose pixels are too coarse.
        participant_label: Of a BIDS data set: only these participants.
    """
    check_extra("train", "mcnet correct")
    check_exists(scan, SCAN)
    if derivative is not None or level is not None:
        if derivative is None or level is None:
            raise BadOptionError(
                "a BIDS data set is corrected by mcnet correct IN OUT participant, any other scan "
                "by mcnet correct IN -o OUT; give one of the two."
            )
        if output or report or uncertainty:
            raise BadOptionError(
                "-o, --report and --uncertainty are for one scan; leave them out: a BIDS data set "
                "is written to its second path, a page for every scan with it."
            )
        _correct_dataset(
            scan,
            derivative,
            participant_label,
            model,
            _options(device, force, not no_search, phase_encoding),
        )
        return
    if participant_label:
        raise BadOptionError(
            "--participant-label is for a BIDS data set: mcnet correct IN OUT participant "
            "--participant-label 01."
        )
    if output is None:
        raise BadOptionError(
            "no output is named; give mcnet correct IN -o OUT, or for a BIDS data set mcnet "
            "correct IN OUT participant."
        )
    options = _options(
        device, force, not no_search, phase_encoding, uncertainty=uncertainty is not None
    )
    _correct_one(scan, output, model, report, uncertainty, options)


def _correct_one(
    scan: Path,
    output: Path,
    model: str,
    report: Path | None,
    uncertainty: Path | None,
    options: "CorrectionOptions",
) -> None:
    _check_not_bids(scan)
    check_scans((scan,), "mcnet correct")
    from dataclasses import asdict

    from mcnet.correction.models import check_model, load_model
    from mcnet.correction.outputs import check_correction_outputs, check_series_to_write

    check_correction_outputs(
        *(scan, output), page=report, uncertainty=uncertainty, model=model_file(model)
    )
    check_model(model)
    from mcnet.api.correcting import correct as corrected_scan
    from mcnet.correction.files import read_source

    network = load_model(model)
    source = read_source(scan)
    check_series_to_write(source, output)
    with announce(f"Correcting {scan}") as on_progress:
        correction = corrected_scan(source, model=network, progress=on_progress, **asdict(options))
    # a scan that was left has none: a warning tells
    deviation = None if correction.uncertainty is None else uncertainty
    correction.save(output, report=report, uncertainty=deviation)
    for warning in correction.warnings:
        tell(f"Warning: {warning}", style="yellow")
    tell(_told(output, correction))


def _correct_dataset(
    root: Path,
    derivative: Path,
    labels: tuple[str, ...],
    model: str,
    options: "CorrectionOptions",
) -> None:
    from mcnet.correction.models import check_model, load_model
    from mcnet.io.bids import check_derivative_output, find_t1w

    find_t1w(root, labels)
    check_derivative_output(root, derivative)
    check_model(model)
    from mcnet.api.correcting import write_page
    from mcnet.correction.dataset import correct_dataset
    from mcnet.correction.severity_estimator import load_severity_estimator

    outcomes = correct_dataset(
        root,
        derivative,
        labels,
        load_model(model),
        severity_estimator=load_severity_estimator(),
        options=options,
        write_page=write_page,
        announce=announce,
    )
    counts = [
        f"{n} {ended}"
        for ended in ("corrected", "left", "done before", "failed")
        if (n := sum(outcome.ended == ended for outcome in outcomes))
    ]
    tell(f"{derivative}: {len(outcomes)} scans, {', '.join(counts)}.")
    failed = [outcome for outcome in outcomes if outcome.ended == "failed"]
    if failed:
        told = "\n".join(f"  {outcome.scan.name}: {outcome.sentence}" for outcome in failed)
        raise McnetError(f"{len(failed)} of {len(outcomes)} scans were not corrected:\n{told}")


def models() -> None:
    """List the models that come with mcnet, with what each was made for."""
    from mcnet.correction.models import MODEL_COLUMNS, model_rows, shipped_models

    shipped = shipped_models()
    if not shipped:
        raise McnetError("no model came with this mcnet; install it again, with its weights.")
    for row in model_rows(shipped):
        tell_named(list(zip(MODEL_COLUMNS, row, strict=True)))


def export(
    output: Annotated[Path, tyro.conf.arg(aliases=("-o",))], model: str = DEFAULT_MODEL
) -> None:
    """Write a model as ONNX, for programs other than mcnet.

    Args:
        output: The .onnx file.
        model: Name of a model that comes with mcnet, or a weights file.
    """
    check_extra("export", "mcnet export")
    from mcnet.core.outputs import FILE, ONNX, check_outputs, given
    from mcnet.correction.models import check_model, load_model

    check_outputs(given(("-o", output, ONNX)), given(("--model", model_file(model), FILE)))
    check_model(model)
    from mcnet.correction.export import export_onnx

    export_onnx(load_model(model), output)
    tell(f"{output}: {model} as ONNX.")


def _check_not_bids(scan: Path) -> None:
    from mcnet.io.bids import is_bids

    if scan.is_dir() and is_bids(scan):
        raise BadOptionError(
            f"{scan} is a BIDS data set; give mcnet correct {scan} OUT participant, and "
            "--participant-label for some of its participants."
        )


def _options(
    device: Literal["cpu", "cuda"],
    force: bool,
    search: bool,
    phase_encoding: Literal["x", "y", "z"] | None,
    *,
    uncertainty: bool = False,
) -> "CorrectionOptions":
    from mcnet.correction.options import CorrectionOptions

    return CorrectionOptions(
        force=force,
        uncertainty=uncertainty,
        search=search,
        phase_encoding=phase_encoding,
        device=device,
    )


def _told(output: Path, correction: "Correction") -> str:
    from mcnet.correction.outcome import left_sentence

    before = _in_mm(correction.severity_before)
    if correction.left_because is not None:
        return f"{output}: {left_sentence(correction.left_because)} Estimated motion: {before}."
    after = _in_mm(correction.severity_after)
    return (
        f"{output}: corrected. Motion seen in the image, by estimate: {before} before, {after} "
        "after. That is no measure of image quality, which can fall at the same time: compare the "
        "two scans."
    )


def _in_mm(severity: "Severity") -> str:
    return f"{severity.mm:.1f} mm ({severity.low_mm:.1f} to {severity.high_mm:.1f})"
