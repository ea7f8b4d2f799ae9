"""Commands that measure: images against each other, and motion."""

import math
from pathlib import Path

import tyro
from rich.console import Console
from rich.table import Table

from mcnet.cli.terminal import Output, console, print_json
from mcnet.errors import McnetError


def compare(
    reference: tyro.conf.Positional[Path],
    images: tyro.conf.Positional[tuple[Path, ...]],
    json: bool = False,
) -> None:
    """Print SSIM, PSNR and NMSE of images against their reference, with their definitions.

    Args:
        reference: The scan to compare with: NIfTI, or the folder of a DICOM series.
        images: Scans on the same grid.
        json: Print JSON instead of a table.
    """
    from mcnet.data.scans import read_scan
    from mcnet.evaluation.scans import COMPARISON_DEFINITION, compare_scans
    from mcnet.metrics import SSIM_DEFINITION

    if not images:
        raise McnetError("no image to compare is named; give one or more after the reference.")
    truth = read_scan(reference)
    scores = {str(path): compare_scans(truth, read_scan(path)) for path in images}
    definition = f"{SSIM_DEFINITION} {COMPARISON_DEFINITION}"
    if json:
        numbers = {path: _finite_or_none(values) for path, values in scores.items()}
        print_json({"definition": definition, "reference": str(reference), "images": numbers})
        return
    table = Table(caption=definition, caption_justify="left")
    table.add_column("image", overflow="fold")
    for name in next(iter(scores.values())):
        table.add_column(name, justify="right")
    for path, values in scores.items():
        table.add_row(path, *(f"{value:.4f}" for value in values.values()))
    Console().print(table)


def motion(traces: tyro.conf.Positional[tuple[Path, ...]], output: Output, seed: int = 1) -> None:
    """Measure recorded head motion, and show mcnet's generated motion against it.

    Args:
        traces: Motion files, or folders of them.
        output: Folder for the figure and the table.
        seed: Of the generated traces.
    """
    from mcnet.report.motion_figure import write_motion_figure
    from mcnet.simulation.formats import motion_files, read_motion

    files = [file for path in traces for file in motion_files(path)]
    with console.status("Measuring motion"):
        recorded = [read_motion(file) for file in files]
        write_motion_figure(output, recorded, seed=seed, inputs={file.name: file for file in files})
    console.print(f"{output / 'motion.png'}: {len(files)} traces.")


def _finite_or_none(values: dict[str, float]) -> dict[str, float | None]:
    """Numbers that JSON has; it knows neither infinity, the PSNR of equal images, nor NaN."""
    return {name: value if math.isfinite(value) else None for name, value in values.items()}
