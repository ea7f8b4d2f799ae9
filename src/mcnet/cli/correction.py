"""Commands that correct scans, and those about the models that do it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mcnet.cli.terminal import announce, console
from mcnet.correction.default_model import DEFAULT_MODEL
from mcnet.errors import McnetError

if TYPE_CHECKING:
    from mcnet.correction.files import CorrectedFile
    from mcnet.correction.options import CorrectionOptions
    from mcnet.correction.outcome import Assessment


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
    search: bool = True,
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
        search: Search for the motion first, and undo it; the network corrects what is left.
        phase_encoding: Axis along which lines were encoded: x right, y front, z up. If not given,
            what the scan's metadata say, or y.
        force: Correct a scan too that is judged still, or in which no motion is found to undo.
        participant_label: Of a BIDS data set: only these participants.
    """
    if derivative is not None or level is not None:
        if derivative is None or level is None:
            raise McnetError(
                "a BIDS data set is corrected by mcnet correct IN OUT participant, any other scan "
                "by mcnet correct IN -o OUT; give one of the two."
            )
        if output or report or uncertainty:
            raise McnetError(
                "-o, --report and --uncertainty are for one scan; leave them out: a BIDS data set "
                "is written to its second path, a page for every scan with it."
            )
        _correct_dataset(
            scan,
            derivative,
            participant_label,
            model,
            _options(device, force, search, phase_encoding),
        )
        return
    if participant_label:
        raise McnetError(
            "--participant-label is for a BIDS data set: mcnet correct IN OUT participant "
            "--participant-label 01."
        )
    if output is None:
        raise McnetError(
            "no output is named; give mcnet correct IN -o OUT, or for a BIDS data set mcnet "
            "correct IN OUT participant."
        )
    options = _options(device, force, search, phase_encoding, uncertainty=uncertainty is not None)
    _correct_one(scan, output, model, report, uncertainty, options)


def _correct_one(
    scan: Path,
    output: Path,
    model: str,
    report: Path | None,
    uncertainty: Path | None,
    options: "CorrectionOptions",
) -> None:
    _refuse_bids(scan)
    from mcnet.correction.files import (
        correct_source,
        read_source,
        write_corrected,
        write_uncertainty,
    )
    from mcnet.correction.guard import load_guard
    from mcnet.correction.models import load_model
    from mcnet.correction.outputs import refuse_correction_outputs, refuse_unwritable_series

    refuse_correction_outputs(scan, output, page=report, uncertainty=uncertainty)
    network, guard = load_model(model), load_guard()
    source = read_source(scan)
    refuse_unwritable_series(source, output)
    with announce(f"Correcting {scan}") as on_progress:
        corrected = correct_source(
            source, network, guard=guard, options=options, on_progress=on_progress
        )
    write_corrected(output, corrected)
    if report:
        _write_page(report, corrected, output)
    for warning in corrected.result.warnings:
        console.print(f"Warning: {warning}", style="yellow", soft_wrap=True, markup=False)
    console.print(_told(output, corrected), soft_wrap=True, markup=False)
    if uncertainty and corrected.result.uncertainty is not None:
        write_uncertainty(uncertainty, corrected)


def _correct_dataset(
    root: Path,
    derivative: Path,
    labels: tuple[str, ...],
    model: str,
    options: "CorrectionOptions",
) -> None:
    from mcnet.correction.dataset import correct_dataset
    from mcnet.correction.guard import load_guard
    from mcnet.correction.models import load_model

    outcomes = correct_dataset(
        root,
        derivative,
        labels,
        load_model(model),
        guard=load_guard(),
        options=options,
        write_page=_write_page,
        announce=announce,
    )
    counts = [
        f"{n} {ended}"
        for ended in ("corrected", "left", "done before", "failed")
        if (n := sum(outcome.ended == ended for outcome in outcomes))
    ]
    console.print(f"{derivative}: {len(outcomes)} scans, {', '.join(counts)}.", soft_wrap=True)
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
    out = Console()
    for row in model_rows(shipped):
        table = Table.grid("", "", padding=(0, 2))
        for column, cell in zip(MODEL_COLUMNS, row, strict=True):
            table.add_row(Text(column), Text(cell, overflow="fold"))
        out.print(table, "")


def export(
    output: Annotated[Path, tyro.conf.arg(aliases=("-o",))], model: str = DEFAULT_MODEL
) -> None:
    """Write a model as ONNX, for programs other than mcnet.

    Args:
        output: The .onnx file.
        model: Name of a model that comes with mcnet, or a weights file.
    """
    from mcnet.correction.export import export_onnx
    from mcnet.correction.models import load_model

    export_onnx(load_model(model), output)
    console.print(f"{output}: {model} as ONNX.", soft_wrap=True, markup=False)


def _refuse_bids(scan: Path) -> None:
    from mcnet.data.bids import is_bids

    if scan.is_dir() and is_bids(scan):
        raise McnetError(
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


def _write_page(page: Path, corrected: "CorrectedFile", output: Path) -> None:
    from mcnet.report.correction_page import write_correction_page

    write_correction_page(
        page,
        corrected.result,
        source=str(corrected.source.path),
        output=str(output),
        provenance=corrected.record,
    )


def _told(output: Path, corrected: "CorrectedFile") -> str:
    result = corrected.result
    before = _severity(result.assessment_before)
    if result.is_left:
        reason = "judged still" if result.assessment_before.is_still else "no motion found to undo"
        return f"{output}: {reason} ({before} of motion), so left as it is."
    after = _severity(result.assessment_after)
    return f"{output}: motion estimated at {before} before and {after} after."


def _severity(assessment: "Assessment") -> str:
    found = assessment.severity
    return f"{found.mm:.1f} mm ({found.low_mm:.1f} to {found.high_mm:.1f})"
