"""Commands that make scans of moving heads."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from mcnet.cli.first_checks import EXPERIMENT, MOTION, check_at_least, check_exists, check_scans
from mcnet.cli.motion_formats import FormatRead, FormatWritten
from mcnet.cli.terminal import Output, announce, tell, waiting
from mcnet.core.errors import BadOptionError
from mcnet.core.extras import check_extra

if TYPE_CHECKING:
    from mcnet.api.corrupted import Corrupted
    from mcnet.core.cluster import Cluster
    from mcnet.physics.acquisition import Acquisition


def corrupt(
    scan: tyro.conf.Positional[Path],
    motion: Path,
    output: Output,
    motion_format: FormatRead = "auto",
    scale: float = 1.0,
    start: int = 0,
    resample: bool = False,
    mode: Literal["rotation", "rotation+translation", "six-dof"] = "six-dof",
    matrix: tuple[int, ...] = (128,),
    fov_mm: tuple[float, ...] = (256.0,),
    phase_encoding_axis: Literal["x", "y", "z"] = "y",
    order: Literal["sequential", "centric", "interleaved"] = "sequential",
    n_shots: int = 4,
    device: Literal["cpu", "cuda"] = "cpu",
    reference_output: Path | None = None,
    phase_output: Path | None = None,
    motion_output: Path | None = None,
    motion_output_format: FormatWritten = "csv",
    raw_output: Path | None = None,
    coils: int = 1,
    snr: float | None = None,
    phase: bool = False,
    raw_slices: int | None = None,
    seed: int = 0,
) -> None:
    """Make the scan that a moving head would have given, from a still scan and a motion trace.

    Args:
        scan: A scan without motion: NIfTI, or the folder of a DICOM series.
        motion: Head motion over time, one pose for each phase-encoding line.
        output: The corrupted magnitude image, NIfTI, with a JSON file of its provenance.
        motion_format: Program that wrote the motion file; auto goes by name and header.
        scale: Multiply every translation and rotation by this; the paper's factor is 8.
        start: First time point of the trace to use, counted from 0.
        resample: Stretch or squeeze the trace, from there to its end, to span the whole scan.
            Otherwise one point is one line, and the trace must have enough.
        mode: Which degrees of freedom move. The first two stay within sagittal slices.
        matrix: Samples along x, y and z, or one number for all.
        fov_mm: Field of view along x, y and z in mm, or one number for all.
        phase_encoding_axis: Axis (x right, y front, z up) whose lines are acquired one by one.
        order: Order in which the lines are acquired.
        n_shots: Sweeps of an interleaved order.
        device: What computes: the cores of the CPU, or a CUDA GPU.
        reference_output: Also write the motion-free image on the same grid.
        phase_output: Also write the phase of the corrupted image, in radians.
        motion_output: Also write the motion that was used, one pose a line in the order of time, at
            rest at the centre of k-space: mcnet reconstruct --motion reads it as it is.
        motion_output_format: Of that file.
        raw_output: Also write what the scanner measures, as ISMRMRD raw data (.h5).
        coils: Receiver coils of the raw data; a single one receives all places alike.
        snr: Noise of the raw data, as the signal-to-noise ratio of a coil's pixel; default none.
        phase: Give the raw data a smooth phase, which stays in place while the head moves.
        raw_slices: Measure this many central sagittal slices instead of partitions of them all.
        seed: Seed of the noise and of the phase of the raw data.
    """
    if raw_output:
        check_extra("raw", "--raw-output")
    check_scans((scan,), "mcnet corrupt")
    check_exists(motion, MOTION)
    from mcnet.api.corrupting import corrupt as corrupted_scan
    from mcnet.datasets.raw_simulation import RawOptions

    raw_options = RawOptions(coils, snr, phase, raw_slices, seed)
    if raw_output is None and raw_options != RawOptions():
        raise BadOptionError(
            "--coils, --snr, --phase, --raw-slices and --seed are of raw data; name a file for "
            "them with --raw-output."
        )
    outputs = _Outputs(
        output, reference_output, phase_output, motion_output, motion_output_format, raw_output
    )
    outputs.check(scan, motion)
    acquisition = _acquisition(matrix, fov_mm, phase_encoding_axis, order, n_shots)
    with waiting("Imaging the moving head"):
        moved = corrupted_scan(
            scan,
            motion,
            scale=scale,
            mode=mode,
            acquisition=acquisition,
            motion_format=motion_format,
            start=start,
            resample=resample,
            raw=raw_options if raw_output else None,
            device=device,
        )
    outputs.write(moved)
    tell(
        f"{output}: standard deviation of the motion {moved.motion.magnitude:.2f} (mm and deg), "
        f"mean framewise displacement {moved.motion.framewise_displacement_mm().mean():.2f} mm."
    )
    for sentence in moved.remarks:
        tell(sentence)


@dataclass(frozen=True)
class _Outputs:
    """Where `corrupt` writes what it makes."""

    corrupted: Path
    reference: Path | None
    phase: Path | None
    motion: Path | None
    motion_format: str
    raw: Path | None

    def check(self, scan: Path, motion: Path) -> None:
        """Refuse, before any work, what cannot or should not be written."""
        from mcnet.core.outputs import check_outputs, given
        from mcnet.io.mrd.names import RAW
        from mcnet.io.nifti.names import NIFTI
        from mcnet.io.scans import scan_kind
        from mcnet.motion.formats.files import MOTION_FILE, check_motion_name

        check_outputs(
            given(
                ("-o", self.corrupted, NIFTI),
                ("--reference-output", self.reference, NIFTI),
                ("--phase-output", self.phase, NIFTI),
                ("--raw-output", self.raw, RAW),
                ("--motion-output", self.motion, MOTION_FILE),
            ),
            given(("", scan, scan_kind(scan)), ("--motion", motion, MOTION_FILE)),
        )
        if self.motion:
            check_motion_name(self.motion, self.motion_format)

    def write(self, moved: "Corrupted") -> None:
        """Write everything, or nothing; raw data are measured first."""
        from mcnet.core.writing import written_together

        with written_together():
            if self.raw:
                self._write_raw(self.raw, moved)
            moved.save(
                self.corrupted,
                reference=self.reference,
                phase=self.phase,
                motion=self.motion,
                motion_format=self.motion_format,
            )

    def _write_raw(self, path: Path, moved: "Corrupted") -> None:
        from mcnet.io.mrd.writing import write_raw

        options = moved.raw_options
        with waiting("Measuring it line by line"):
            raw = moved.kspace()
        notes = moved.notes | asdict(options)
        write_raw(path, raw, seed=options.seed, inputs=moved.inputs, notes=notes)


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
    if workers is not None and scheduler is not None:
        raise BadOptionError(
            "--workers and --scheduler are two ways to share the work; name one of them."
        )
    if workers is not None or scheduler is not None:
        check_extra("cluster", "--workers" if scheduler is None else "--scheduler")
    if workers is not None:
        check_at_least("--workers", workers, 1)
    check_exists(experiment, EXPERIMENT)
    from mcnet.core.outputs import FILE, check_outputs, given
    from mcnet.experiments.config import read_experiment
    from mcnet.experiments.gather import check_folders, pairs_plan

    settings = read_experiment(experiment)
    check_folders(settings)
    from mcnet.datasets.pairs.location import local_path
    from mcnet.datasets.pairs.store import STORE, find_store

    check_outputs(given(("-o", local_path(output), STORE)), given(("", experiment, FILE)))
    from mcnet.core.engine import Engine
    from mcnet.datasets.pairs.simulate import simulate_pairs

    plan = pairs_plan(settings, device=device)
    # refused before any worker starts, and before anything is written
    find_store(output, plan)
    if scheduler is None:
        Engine(device).require()
    with (
        _cluster(workers, scheduler) as cluster,
        announce("Simulating what the scanner makes of moving heads") as on_progress,
    ):
        made = simulate_pairs(output, plan, cluster=cluster, on_progress=on_progress)
    a_second = made.n_new / made.seconds
    speed = f" at {a_second:.{0 if a_second >= 10 else 1}f} a second" if made.n_new else ""
    tell(
        f"{output}: {made.n_images} pairs of {len(plan.subjects)} subjects and {len(plan.traces)} "
        f"motion traces, {made.n_new} of them new{speed}."
    )


def _cluster(
    workers: int | None, scheduler: str | None
) -> "AbstractContextManager[Cluster | None]":
    """Who shares the work, if anybody."""
    if workers is None and scheduler is None:
        return nullcontext()
    from mcnet.core.cluster import local_cluster, remote_cluster

    return local_cluster(workers) if workers is not None else remote_cluster(str(scheduler))


def _acquisition(
    matrix: tuple[int, ...],
    fov_mm: tuple[float, ...],
    phase_encoding_axis: Literal["x", "y", "z"],
    order: Literal["sequential", "centric", "interleaved"],
    n_shots: int,
) -> "Acquisition":
    from mcnet.physics.acquisition import Acquisition

    for name, numbers in (("--matrix", matrix), ("--fov-mm", fov_mm)):
        if len(numbers) not in (1, 3):
            raise BadOptionError(
                f"{name} has {len(numbers)} numbers; give one, or one each for x, y, z."
            )
    nx, ny, nz = matrix * 3 if len(matrix) == 1 else matrix
    x, y, z = fov_mm * 3 if len(fov_mm) == 1 else fov_mm
    return Acquisition((nx, ny, nz), (x, y, z), phase_encoding_axis, order, n_shots)
