"""Scans as they would have been had the head moved."""

from pathlib import Path
from typing import TYPE_CHECKING

from mcnet.api.corrupted import Corrupted
from mcnet.api.motion import read_motion
from mcnet.api.scans import Scan, check_scan, inputs_of_scan, read_scan
from mcnet.core.engine import Device, Engine
from mcnet.core.provenance import sha256_of_arrays
from mcnet.io.volume import NibabelImage, Volume
from mcnet.motion.trace import Mode, MotionTrace
from mcnet.physics.acquisition import Acquisition

if TYPE_CHECKING:
    from mcnet.datasets.raw_simulation import RawOptions


def corrupt(
    scan: Scan,
    motion: str | Path | MotionTrace,
    *,
    scale: float = 1.0,
    mode: Mode = "six-dof",
    acquisition: Acquisition | None = None,
    motion_format: str = "auto",
    start: int = 0,
    resample: bool = False,
    raw: "RawOptions | None" = None,
    device: Device = "cpu",
) -> Corrupted:
    """Return the scan that a moving head would have given, from a still scan and its motion.

    Parameters
    ----------
    scan
        A scan without motion: a path, an image of nibabel or a volume.
    motion
        Head motion over time, one pose for each phase-encoding line: a motion file or a trace.
    scale
        Multiplies every translation and rotation; the paper's factor is 8.
    mode
        Which degrees of freedom move: "rotation" and "rotation+translation" within sagittal
        slices, or "six-dof".
    acquisition
        Matrix, field of view, and order of the lines; by default the paper's: 128 x 128 x 128
        samples of 2 mm, encoded along y one after another.
    motion_format
        Program that wrote a motion file.
    start
        First time point of the motion to use, counted from 0.
    resample
        Stretch or squeeze the motion, from there to its end, to span the whole scan; otherwise one
        point is one line.
    raw
        Coils, noise and phase of the raw data that `Corrupted.kspace` gives
        (`mcnet.datasets.raw_simulation.RawOptions`); by default one coil and no noise.
    device
        "cpu" or "cuda".

    Returns
    -------
    Corrupted
        ``volume`` and ``reference``, of shape ``acquisition.matrix``; ``phase_rad``; ``motion``.

    Raises
    ------
    DeviceError
        The device is not there.
    McnetError
        A file cannot be read, the field of view misses the scan, the motion has too few points, or
        no head moves so far.

    Examples
    --------
    >>> import mcnet
    >>> from mcnet.datasets.template import template_head
    >>> moved = corrupt(
    ...     template_head(resolution_mm=8.0),
    ...     mcnet.generate_motion(32, 1),
    ...     scale=4.0,
    ...     acquisition=mcnet.Acquisition((32, 32, 32)),
    ... )
    >>> moved.volume.values.shape
    (32, 32, 32)
    >>> mcnet.compare(moved.reference, moved.volume)["ssim"] < 1
    True
    """
    from mcnet.datasets.corrupted_scan import corrupt_scan
    from mcnet.datasets.raw_simulation import RawOptions, check_raw_options
    from mcnet.motion.plausibility import remarks

    check_scan(scan)
    acquisition, engine = acquisition or Acquisition(), Engine(device)
    engine.require()
    volume = read_scan(scan)
    recorded = motion
    if isinstance(recorded, str | Path):
        recorded = read_motion(recorded, motion_format)
    trace, told = motion_of_scan(
        recorded, acquisition, scale=scale, mode=mode, start=start, resample=resample
    )
    if raw:
        check_raw_options(raw, trace, acquisition)
    return Corrupted(
        images=corrupt_scan(volume, trace, acquisition, engine),
        motion=trace,
        acquisition=acquisition,
        scan=volume,
        engine=engine,
        like=_like(scan),
        scan_inputs=inputs_of_scan("scan", scan),
        motion_input=_motion_input(motion),
        options={"mode": mode, "scale": scale, "start": start, "resample": resample},
        remarks=(*([told] if told else []), *remarks(trace)),
        raw_options=raw or RawOptions(),
    )


def motion_of_scan(
    recorded: MotionTrace,
    acquisition: Acquisition,
    *,
    scale: float,
    mode: Mode,
    start: int,
    resample: bool,
) -> tuple[MotionTrace, str | None]:
    """Motion of one scan, at rest at the centre of k-space, and what was done to the recording.

    Raises
    ------
    McnetError
        There are fewer points than lines, or no head moves as far as the scaled motion.
    """
    from mcnet.motion.formats.line_motion import motion_of_lines
    from mcnet.motion.plausibility import check_scaled

    lines, told = motion_of_lines(recorded, acquisition.n_lines, start=start, resample=resample)
    trace = lines.at_rest_when(acquisition.centre_time).scaled(scale).restricted_to(mode)
    check_scaled(trace, scale)
    return trace, told


def _like(scan: Scan) -> Path | NibabelImage | None:
    """What written images are like: a NIfTI file or image; of a volume and a series, nothing."""
    if isinstance(scan, str | Path):
        from mcnet.io.scans import nifti_model

        return nifti_model(Path(scan))
    return None if isinstance(scan, Volume) else scan


def _motion_input(motion: str | Path | MotionTrace) -> Path | str:
    if isinstance(motion, MotionTrace):
        return sha256_of_arrays(motion.translation_mm, motion.rotation_deg)
    return Path(motion)
