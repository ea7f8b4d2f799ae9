"""Raw data as they would have been had the subject moved: coils, phase and noise included."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex64, Float64

from mcnet.core.engine import ALL_CORES, Engine
from mcnet.core.errors import McnetError
from mcnet.core.seeds import check_seed
from mcnet.datasets.masks import head_mask
from mcnet.io.head_size import check_no_aliasing
from mcnet.io.kspace import RawScan
from mcnet.io.volume import Volume, resampled_affine
from mcnet.motion.poses import Axis
from mcnet.motion.trace import MotionTrace
from mcnet.physics.acquisition import Acquisition
from mcnet.physics.coil_simulation import add_noise, background_phase, coil_maps, kspace_of_coils
from mcnet.physics.fourier import centred_fft
from mcnet.physics.simulator import corrupt, corrupt_slices, image_at_rest, is_in_plane


@dataclass(frozen=True)
class RawOptions:
    """What the raw data of a simulated scan have beside the head."""

    n_coils: int = 1
    """Receiver coils; one receives all places alike."""
    snr: float | None = None
    """Mean signal in the still head, divided by the standard deviation of the noise of the real
    part of a pixel of one coil's image; without it there is no noise."""
    phase: bool = False
    """Whether there is a smooth phase, which stays in place as coils do."""
    n_slices: int | None = None
    """Central sagittal slices measured one by one; without it partitions of the whole head."""
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what no scanner can do."""
        if not 1 <= self.n_coils <= 1024:
            raise McnetError(f"{self.n_coils} coils are impossible; give 1 to 1024.")
        if self.snr is not None and not 0.01 <= self.snr <= 1e6:
            raise McnetError(
                f"a signal-to-noise ratio of {self.snr:g} is impossible; give one of 0.01 to "
                "1,000,000."
            )
        check_seed(self.seed)


def check_raw_options(options: RawOptions, motion: MotionTrace, acquisition: Acquisition) -> None:
    """Refuse, before any work, slices that the scan cannot have.

    Raises
    ------
    McnetError
        There are more than the scan has, lines are encoded across them, or the motion leaves them.
    """
    n_slices, n_all = options.n_slices, acquisition.matrix[0]
    if n_slices is None:
        return
    if not 1 <= n_slices <= n_all:
        raise McnetError(
            f"{n_slices} raw slices do not fit a matrix of {n_all} along x; give 1 to {n_all}."
        )
    if acquisition.phase_encoding_axis == "x" or not is_in_plane(motion):
        why = "moves out of" if acquisition.phase_encoding_axis != "x" else "is encoded across"
        raise McnetError(
            f"the head of {motion.name} {why} sagittal slices, which are then no slices of one "
            "head; choose a mode of motion within them and lines along y or z, or measure "
            "partitions: leave --raw-slices out."
        )


def simulate_raw(
    scan: Volume,
    motion: MotionTrace,
    acquisition: Acquisition,
    options: RawOptions,
    engine: Engine = ALL_CORES,
) -> RawScan:
    """K-space of a moving head, on the axes of the scan and about its own centre.

    Partitions lie along x, or along z where lines are encoded along x. Phase and noise come from
    two generators of the seed, so that either is the same with the other or without.

    Raises
    ------
    McnetError
        `check_raw_options` does, the field of view misses the scan, or the trace does not fit the
        lines.
    """
    check_raw_options(options, motion, acquisition)
    check_no_aliasing(scan, acquisition)
    first = 0
    if options.n_slices is not None:
        first = acquisition.matrix[0] // 2 - options.n_slices // 2
    places = acquisition.axis_positions_mm("x")[first:][: options.n_slices]
    kspace = _kspace(scan, motion, acquisition, options, places, engine)
    axes = (1, 2, 3) if options.n_slices is None else (2, 3)
    noise_rng = _generators(options)[1]
    if options.snr is not None:
        still = np.abs(
            image_at_rest(scan.values, scan.voxel_size_mm, acquisition, positions_mm=places)
        )
        signal = float(still[head_mask(still)].mean())
        kspace = add_noise(kspace, axes, signal=signal, snr=options.snr, rng=noise_rng)
    line_axis = acquisition.phase_encoding_axis
    slice_axis: Axis = "z" if line_axis == "x" else "x"
    return RawScan(
        kspace=kspace,
        affine=_affine(scan, acquisition, first),
        line_axis=line_axis,
        slice_axis=slice_axis,
        is_3d=options.n_slices is None,
        line_at_time=acquisition.line_at_time,
        interval_s=motion.interval_s,
        name=scan.name,
    )


def _generators(options: RawOptions) -> list[np.random.Generator]:
    """Of the phase, and of the noise."""
    return np.random.default_rng(options.seed).spawn(2)


def _kspace(
    scan: Volume,
    motion: MotionTrace,
    acquisition: Acquisition,
    options: RawOptions,
    places: Float64[np.ndarray, "n_x"],
    engine: Engine,
) -> Complex64[np.ndarray, "n_coils n_x n_y n_z"]:
    """Without noise."""
    size = scan.voxel_size_mm
    if options.n_coils == 1 and not options.phase:
        if options.n_slices is None:
            image = corrupt(scan.values, size, motion, acquisition, engine)
            return centred_fft(image, (0, 1, 2))[None].astype(np.complex64, copy=False)
        slices = corrupt_slices(scan.values, size, motion, acquisition, places, engine)
        return centred_fft(slices, (1, 2))[None].astype(np.complex64, copy=False)
    grid = [places, acquisition.axis_positions_mm("y"), acquisition.axis_positions_mm("z")]
    maps = coil_maps(grid, options.n_coils)
    if options.phase:
        maps = maps * background_phase(grid, _generators(options)[0])
    return kspace_of_coils(
        *(scan.values, size, motion, acquisition, maps),
        positions_mm=None if options.n_slices is None else places,
        engine=engine,
    )


def _affine(scan: Volume, acquisition: Acquisition, first: int) -> Float64[np.ndarray, "4 4"]:
    """Of the grid of the scan from a slice along x on."""
    affine = resampled_affine(scan, acquisition.matrix, acquisition.voxel_size_mm)
    affine[:3, 3] += first * affine[:3, 0]
    return affine
