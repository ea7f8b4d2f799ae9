"""The command line: parse, call, print. What takes long to import is imported where it is used."""

import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from mcnet import __version__
from mcnet.errors import McnetError
from mcnet.progress import OnProgress

if TYPE_CHECKING:
    from mcnet.cluster import Cluster
    from mcnet.simulation.acquisition import Acquisition

_console = Console(stderr=True, highlight=False)

Output = Annotated[Path, tyro.conf.arg(aliases=("-o",))]


def demo(output: Output = Path("demo")) -> None:
    """Show the whole of mcnet on the built-in head, offline: simulate, train, correct, report.

    Args:
        output: Folder for pictures, tables and the page report/report.html.
    """
    from importlib.resources import as_file, files

    with as_file(files("mcnet") / "experiments" / "demo.toml") as path:
        reproduce(path, output)


def corrupt(
    scan: tyro.conf.Positional[Path],
    motion: Path,
    output: Output,
    motion_format: Literal["auto", "fsl", "spm", "afni", "fmriprep", "csv"] = "auto",
    scale: float = 1.0,
    start: int = 0,
    mode: Literal["rotation", "rotation+translation", "six-dof"] = "six-dof",
    matrix: tuple[int, ...] = (128,),
    fov_mm: tuple[float, ...] = (256.0,),
    phase_encoding_axis: Literal["x", "y", "z"] = "y",
    order: Literal["sequential", "centric", "interleaved"] = "sequential",
    n_shots: int = 4,
    device: Literal["cpu", "cuda"] = "cpu",
    reference_output: Path | None = None,
    phase_output: Path | None = None,
) -> None:
    """Make the scan that a moving head would have given, from a still scan and a motion trace.

    Args:
        scan: A scan without motion: NIfTI, or the folder of a DICOM series.
        motion: Head motion over time, one pose for each phase-encoding line.
        output: The corrupted magnitude image, NIfTI, with a JSON file of its provenance.
        motion_format: Program that wrote the motion file; auto goes by name and header.
        scale: Multiply every shift and angle by this; the paper's factor is 8.
        start: First time point of the trace to use, counted from 0.
        mode: Which degrees of freedom move. The first two stay within sagittal slices.
        matrix: Samples along x, y and z, or one number for all.
        fov_mm: Field of view along x, y and z in mm, or one number for all.
        phase_encoding_axis: Axis (x right, y front, z up) whose lines are acquired one by one.
        order: Order in which the lines are acquired.
        n_shots: Sweeps of an interleaved order.
        device: What computes: the cores of the CPU, or a CUDA GPU.
        reference_output: Also write the motion-free image on the same grid.
        phase_output: Also write the phase of the corrupted image, in radians.
    """
    from dataclasses import replace

    from mcnet.data.nifti import write_volume
    from mcnet.data.nifti_names import refuse_outputs
    from mcnet.data.scan_corruption import corrupt_scan
    from mcnet.data.scans import files_of_scan, nifti_model, read_scan
    from mcnet.engine import Engine
    from mcnet.simulation.formats import read_motion

    outputs = [path for path in (output, reference_output, phase_output) if path]
    refuse_outputs(outputs, [scan, motion])
    acquisition = _acquisition(matrix, fov_mm, phase_encoding_axis, order, n_shots)
    volume, like = read_scan(scan), nifti_model(scan)
    scan_files = files_of_scan("scan", scan)
    inputs = scan_files | {"motion": motion}
    trace = (
        read_motion(motion, motion_format)
        .segment(start, acquisition.n_lines)
        .at_rest_when(acquisition.centre_time)
        .scaled(scale)
        .restricted_to(mode)
    )
    with _console.status("Imaging the moving head"):
        images = corrupt_scan(volume, trace, acquisition, Engine(device))
    about = {"motion_magnitude": trace.magnitude, "mode": mode, "scale": scale, "start": start}
    write_volume(output, images.corrupted, like=like, inputs=inputs, notes=about)
    if reference_output:
        write_volume(reference_output, images.reference, like=like, inputs=scan_files)
    if phase_output:
        phase = replace(images.corrupted, values=images.phase_rad)
        write_volume(phase_output, phase, inputs=inputs, notes=about | {"unit": "rad"})
    _console.print(
        f"{output}: standard deviation of the motion {trace.magnitude:.2f} (mm and deg), mean "
        f"framewise displacement {trace.framewise_displacement_mm().mean():.2f} mm."
    )


def reproduce(experiment: tyro.conf.Positional[Path], output: Output) -> None:
    """Run an experiment from heads and motion to the report; a second call resumes.

    Args:
        experiment: TOML file of the experiment.
        output: Folder of the run. What stands there and still fits is not done again.
    """
    from mcnet.experiment import read_experiment
    from mcnet.reproduce import reproduce as run

    page = run(read_experiment(experiment), output, announce=_announce, quiet=False)
    _console.print(f"The report: {page}")


def simulate(
    experiment: tyro.conf.Positional[Path],
    output: Annotated[str, tyro.conf.arg(aliases=("-o",))],
    workers: int | None = None,
    scheduler: str | None = None,
    device: Literal["cpu", "cuda"] = "cpu",
) -> None:
    """Make the pairs of an experiment, here or on a cluster; a second call makes what is missing.

    Args:
        experiment: TOML file of the experiment.
        output: The zarr store: a folder, or a URL such as s3://bucket/pairs.zarr.
        workers: Processes of this machine that share the work; by default this one does it all.
        scheduler: Address of a dask scheduler whose workers do the work, as tcp://host:8786.
        device: What computes: the cores of the CPU, or a CUDA GPU.
    """
    from mcnet.data.simulate import simulate_pairs
    from mcnet.data.store import find_store
    from mcnet.engine import Engine
    from mcnet.experiment import read_experiment
    from mcnet.plan import pairs_plan

    if workers is not None and scheduler is not None:
        raise McnetError(
            "--workers and --scheduler are two ways to share the work; name one of them."
        )
    plan = pairs_plan(read_experiment(experiment), device=device)
    # refused before any worker starts, and before anything is written
    find_store(output, plan)
    if scheduler is None:
        Engine(device).require()
    with (
        _cluster(workers, scheduler) as cluster,
        _announce("Simulating what the scanner makes of moving heads") as on_progress,
    ):
        made = simulate_pairs(output, plan, cluster=cluster, on_progress=on_progress)
    speed = f" at {made.n_new / made.seconds:.0f} a second" if made.n_new else ""
    _console.print(
        f"{output}: {made.n_images} pairs of {len(plan.people)} people and {len(plan.traces)} "
        f"motion traces, {made.n_new} of them new{speed}.",
        soft_wrap=True,
    )


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
        _print_json({"definition": definition, "reference": str(reference), "images": numbers})
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
    with _console.status("Measuring motion"):
        recorded = [read_motion(file) for file in files]
        write_motion_figure(output, recorded, seed=seed, inputs={file.name: file for file in files})
    _console.print(f"{output / 'motion.png'}: {len(files)} traces.")


COMMANDS: dict[str, Callable[..., None]] = {
    "demo": demo,
    "corrupt": corrupt,
    "simulate": simulate,
    "reproduce": reproduce,
    "compare": compare,
    "motion": motion,
}
_RESUMED = ("demo", "reproduce", "simulate")
"""Commands that go on from where they were interrupted."""
_EXTRAS: dict[str, tuple[str, ...]] = {
    "train": (
        *("SimpleITK", "jinja2", "joblib", "lightning", "matplotlib"),
        *("safetensors", "torch", "torchmetrics"),
    ),
    "cluster": ("dask", "distributed", "fsspec"),
    "dicom": ("pydicom",),
}
"""What the extras of the package install, by the names of the modules."""
_DESCRIPTION = (
    "mcnet makes, corrects and measures head motion in structural brain MRI. "
    "A research tool, not a medical device."
)


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line; bad input ends in one sentence and exit status 2."""
    given = list(sys.argv[1:] if args is None else args)
    if given == ["--version"]:
        Console().print(f"mcnet {__version__}")
        return
    try:
        tyro.extras.subcommand_cli_from_dict(
            COMMANDS,
            prog="mcnet",
            description=_DESCRIPTION,
            args=given,
            config=(tyro.conf.FlagCreatePairsOff,),
        )
    except (McnetError, KeyboardInterrupt, ModuleNotFoundError, OSError) as error:
        _fail(_sentence_about(error, given[0] if given else ""))


def _sentence_about(error: BaseException, command: str) -> str:
    """Say how a command ended; of a missing module that is mcnet's own fault, raise it again."""
    if isinstance(error, KeyboardInterrupt):
        if command in _RESUMED:
            return "interrupted; give the same command again to go on from here."
        return "interrupted; nothing was written."
    if isinstance(error, ModuleNotFoundError):
        module = (error.name or "").partition(".")[0]
        for extra, modules in _EXTRAS.items():
            if module in modules:
                needs = f"mcnet {command} needs the extra {extra}: pip install 'mcnet[{extra}]'"
                return f"{module} is not installed; {needs}."
        raise error
    if isinstance(error, OSError):
        reason = (error.strerror or str(error)).lower()
        return (
            f"{error.filename or 'a file'} cannot be read or written ({reason}); check that it is "
            "there, that you may use it, and that the disk has room."
        )
    return str(error)


def _fail(sentence: str) -> None:
    _console.print(f"mcnet: {sentence}", style="red", soft_wrap=True, markup=False)
    sys.exit(2)


def _cluster(
    workers: int | None, scheduler: str | None
) -> "AbstractContextManager[Cluster | None]":
    """Who shares the work, if anybody."""
    if workers is None and scheduler is None:
        return nullcontext()
    from mcnet.cluster import local_cluster, remote_cluster

    return local_cluster(workers) if workers is not None else remote_cluster(str(scheduler))


def _acquisition(
    matrix: tuple[int, ...],
    fov_mm: tuple[float, ...],
    phase_encoding_axis: Literal["x", "y", "z"],
    order: Literal["sequential", "centric", "interleaved"],
    n_shots: int,
) -> "Acquisition":
    from mcnet.simulation.acquisition import Acquisition

    for name, numbers in (("--matrix", matrix), ("--fov-mm", fov_mm)):
        if len(numbers) not in (1, 3):
            raise McnetError(
                f"{name} has {len(numbers)} numbers; give one, or one each for x, y, z."
            )
    nx, ny, nz = matrix * 3 if len(matrix) == 1 else matrix
    x, y, z = fov_mm * 3 if len(fov_mm) == 1 else fov_mm
    return Acquisition((nx, ny, nz), (x, y, z), phase_encoding_axis, order, n_shots)


@contextmanager
def _announce(title: str) -> Iterator[OnProgress]:
    """Print what begins; draw a bar once there is progress to show."""
    _console.print(title)
    bar = Progress(console=_console, transient=True)
    task = bar.add_task("", total=None)

    def on_progress(done: int, total: int) -> None:
        bar.start()
        bar.update(task, completed=done, total=total)

    try:
        yield on_progress
    finally:
        bar.stop()


def _finite_or_none(values: dict[str, float]) -> dict[str, float | None]:
    """Numbers that JSON has; it knows neither infinity, the PSNR of equal images, nor NaN."""
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def _print_json(content: object) -> None:
    sys.stdout.write(json.dumps(content, indent=2, allow_nan=False) + "\n")
