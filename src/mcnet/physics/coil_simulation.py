"""What raw data have beside the head: receiver coils, a phase, and noise.

Coils stay in place with the scanner while the head moves: a coil multiplies the image of the head
as it lies at that time. So does the phase, as that of transmitted and received fields does; the
part of a real phase that moves with the head, such as that of air in its cavities, is left out.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from jaxtyping import Complex64, Float, Shaped

from mcnet.core.engine import ALL_CORES, Engine
from mcnet.core.errors import McnetError
from mcnet.motion.poses import AXES
from mcnet.motion.trace import MotionTrace
from mcnet.physics.acquisition import Acquisition
from mcnet.physics.broadcasting import along_axis
from mcnet.physics.fourier import centred_fft
from mcnet.physics.simulator import (
    corrupt_still_slices,
    corrupt_volume,
    is_in_plane,
    slices_to_corrupt,
    still_slices,
)

COIL_DISTANCE_MM = 160.0
"""From the centre of the field of view to the coils."""
_LOOP = 0.5
"""Radius of a coil as a share of its distance."""
_PHASE_RAD = 1.5
"""Phase that grows over the distance of a coil from the centre."""
_HEIGHT = 0.7
"""Coils lie around the head and obliquely above and below, up to this share of their distance."""
_N_WAVES = 6
_LONGEST_WAVE_MM, _SHORTEST_WAVE_MM = 1000.0, 250.0
PHASE_SPREAD_RAD = 1.0
"""Standard deviation over space of the phase, more or less."""

Positions = Sequence[Float[np.ndarray, "_"]]
"""Places along x, y and z in mm."""


def coil_maps(
    positions_mm: Positions, n_coils: int, distance_mm: float = COIL_DISTANCE_MM
) -> Complex64[np.ndarray, "n_coils n_x n_y n_z"]:
    """Smooth complex sensitivities of coils around the head; their root sum of squares is 1.

    The magnitude falls with the distance as the field of a loop does along its axis, and the phase
    grows with it. A single coil is a body coil: it receives all places alike.

    Raises
    ------
    McnetError
        There is no coil.
    """
    if n_coils < 1:
        raise McnetError(f"{n_coils} coils receive nothing; give 1 or more.")
    shape = tuple(len(along) for along in positions_mm)
    if n_coils == 1:
        return np.ones((1, *shape), dtype=np.complex64)
    grid = np.meshgrid(*positions_mm, indexing="ij", sparse=True)
    maps: np.ndarray = np.stack(
        [_sensitivity(grid, place) for place in distance_mm * _places(n_coils)]
    )
    size = np.sqrt(np.sum(np.abs(maps) ** 2, axis=0))
    return np.asarray(maps / size, dtype=np.complex64)


def background_phase(
    positions_mm: Positions, rng: np.random.Generator
) -> Complex64[np.ndarray, "n_x n_y n_z"]:
    """Factor ``exp(i phase)`` of a smooth random phase that stays in place with the scanner."""
    grid = np.meshgrid(*positions_mm, indexing="ij", sparse=True)
    phase = np.zeros(tuple(len(along) for along in positions_mm))
    for _ in range(_N_WAVES):
        direction = rng.normal(size=3)
        frequency = rng.uniform(1 / _LONGEST_WAVE_MM, 1 / _SHORTEST_WAVE_MM)
        k = direction * (frequency / np.linalg.norm(direction))
        along = sum(step * place for step, place in zip(k, grid, strict=True))
        phase += np.cos(2 * np.pi * along + rng.uniform(0, 2 * np.pi))
    phase *= PHASE_SPREAD_RAD * np.sqrt(2 / _N_WAVES)
    return np.asarray(np.exp(1j * phase), dtype=np.complex64)


def kspace_of_coils(
    volume: Float[np.ndarray, "x y z"],
    voxel_size_mm: Sequence[float],
    motion: MotionTrace,
    acquisition: Acquisition,
    maps: Complex64[np.ndarray, "n_coils n_x n_y n_z"],
    *,
    positions_mm: Float[np.ndarray, "n_x"] | None = None,
    engine: Engine = ALL_CORES,
) -> Complex64[np.ndarray, "n_coils n_x n_y n_z"]:
    """K-space that each coil receives of a moving head: `fourier.centred_fft` of its image.

    For each pose the image of the head held still in it, as `mcnet.physics.simulator` makes
    it on the grid of the scan, is multiplied by the maps, and of the spectrum of the product the
    lines measured in that pose are taken. Nothing is approximated beyond that grid. A pose costs
    one image of the head: for motion within sagittal slices a 2D one of each slice, for other
    motion a 3D one, which takes minutes for 128 lines of 128^3.

    Parameters
    ----------
    volume, voxel_size_mm, motion, acquisition, engine
        As for `mcnet.physics.simulator.corrupt`.
    maps
        What the image is multiplied with, on the grid of the scan: coils, a phase, or both.
    positions_mm
        Measure sagittal slices at these places along x, instead of partitions of them all; their
        k-space has frequencies along y and z alone.

    Raises
    ------
    McnetError
        As `mcnet.physics.simulator.corrupt_slices` and `corrupt_volume`.
    """
    image_in: Callable[[MotionTrace], np.ndarray]
    if positions_mm is not None or (is_in_plane(motion) and acquisition.phase_encoding_axis != "x"):
        places = acquisition.axis_positions_mm("x") if positions_mm is None else positions_mm
        still = still_slices(volume, voxel_size_mm, acquisition, places)
        slices = slices_to_corrupt(still, voxel_size_mm, engine)
        image_in = partial(corrupt_still_slices, slices, acquisition=acquisition)
    else:
        whole = partial(corrupt_volume, volume, voxel_size_mm)
        image_in = partial(whole, acquisition=acquisition, engine=engine)
    line_axis = AXES.index(acquisition.phase_encoding_axis)
    n_lines = acquisition.n_lines
    voxels = np.arange(n_lines) - n_lines // 2
    lines_first = np.empty((n_lines, len(maps), *np.delete(maps.shape[1:], line_axis)), "complex64")
    for held, times in _poses_held(motion):
        image = image_in(held)
        for line in acquisition.line_at_time[times]:
            wave = np.exp(-2j * np.pi / n_lines * (line - n_lines // 2) * voxels)
            lines_first[line] = _summed_along(maps, image, wave.astype(np.complex64), line_axis)
    kspace = np.moveaxis(lines_first, 0, 1 + line_axis)
    others = [1 + axis for axis in range(3) if axis != line_axis]
    if positions_mm is not None:
        others.remove(1)
    return np.ascontiguousarray(centred_fft(kspace, others), dtype=np.complex64)


def add_noise(
    kspace: Complex64[np.ndarray, "n_coils n_x n_y n_z"],
    axes: Sequence[int],
    *,
    signal: float,
    snr: float,
    rng: np.random.Generator,
) -> Complex64[np.ndarray, "n_coils n_x n_y n_z"]:
    """K-space with white complex noise, the same and independent in all coils.

    The signal-to-noise ratio is ``signal``, the mean intensity of the still head, divided by the
    standard deviation of the noise of the real part (and of the imaginary part) of a pixel of the
    image of one coil. ``axes`` are those along which k-space is one.

    Raises
    ------
    McnetError
        The ratio is not above zero and finite.
    """
    if not 0 < snr < np.inf:
        raise McnetError(f"a signal-to-noise ratio of {snr:g} is impossible; give one above 0.")
    # an image is the mean over k-space of its waves: its noise is smaller by the root of n
    n_samples = np.prod([kspace.shape[axis] for axis in axes])
    deviation = np.float32(signal / snr * np.sqrt(n_samples))
    parts = rng.standard_normal((*kspace.shape, 2), dtype=np.float32)
    return np.asarray(kspace + deviation * parts.view(np.complex64)[..., 0])


def _places(n_coils: int) -> Float[np.ndarray, "n_coils 3"]:
    """Unit vectors towards the coils, spread evenly by the golden angle."""
    number = np.arange(n_coils)
    height = _HEIGHT * (1 - (2 * number + 1) / n_coils)
    angle = np.pi * (3 - np.sqrt(5)) * number
    radius = np.sqrt(1 - height**2)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), height], axis=1)


def _sensitivity(
    grid: Sequence[Float[np.ndarray, "..."]], place_mm: Float[np.ndarray, "3"]
) -> Shaped[np.ndarray, "n_x n_y n_z"]:
    """What a coil at a place receives: less the farther away, with a phase that grows."""
    distance = np.linalg.norm(place_mm)
    squared = sum((along - at) ** 2 for along, at in zip(grid, place_mm, strict=True))
    far = np.sqrt(squared + (_LOOP * distance) ** 2) / distance
    angle = np.arctan2(place_mm[1], place_mm[0])
    return np.asarray(far**-3 * np.exp(1j * (angle + _PHASE_RAD * far)))


def _poses_held(motion: MotionTrace) -> list[tuple[MotionTrace, Shaped[np.ndarray, "_"]]]:
    """Each pose as a trace that keeps it throughout, and the times at which it was taken."""
    poses = np.hstack([motion.translation_mm, motion.rotation_deg])
    distinct, which = np.unique(poses, axis=0, return_inverse=True)
    held = []
    for number, pose in enumerate(distinct):
        repeated = np.tile(pose, (motion.n_points, 1))
        trace = replace(motion, translation_mm=repeated[:, :3], rotation_deg=repeated[:, 3:])
        held.append((trace, np.flatnonzero(which.ravel() == number)))
    return held


def _summed_along(
    maps: Complex64[np.ndarray, "n_coils n_x n_y n_z"],
    image: Complex64[np.ndarray, "n_x n_y n_z"],
    wave: Complex64[np.ndarray, "n"],
    axis: int,
) -> Complex64[np.ndarray, "n_coils i j"]:
    """Sum over an axis of coils times image times wave."""
    names = "xyz"
    rest = names.replace(names[axis], "")
    waved = image * along_axis(wave, axis, 3)
    return np.stack([np.einsum(f"xyz,xyz->{rest}", one, waved) for one in maps])
