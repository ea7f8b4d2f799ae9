"""One training scan: a subject's slices with motion, acquisition, contrast and noise of its own.

Reference and image are aligned, and share one noise, so that a network learns to undo motion and
nothing else.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Complex64, Float32, Int64

from mcnet.core.engine import ONE_CORE
from mcnet.core.errors import McnetError
from mcnet.datasets.masks import head_mask
from mcnet.datasets.subjects import Subject
from mcnet.datasets.varied.config import Variety
from mcnet.metrics.scale import intensity_scale
from mcnet.motion.generators import generate_motion
from mcnet.motion.trace import MotionTrace, still
from mcnet.physics.acquisition import Acquisition
from mcnet.physics.alignment import alignment_weights
from mcnet.physics.simulator import corrupt_still_slices, slices_at_rest, slices_to_corrupt

_MOST_TRIES = 1000
_LEAST_HEAD_SHARE = 0.25
"""Slices with less head in them than this share of the fullest one are not trained on."""


@dataclass(frozen=True, eq=False)
class VariedScan:
    """Slices of one simulated scan; the 99.9th percentile of its references is about 1."""

    corrupted: Float32[np.ndarray, "n_slices rows columns"]
    references: Float32[np.ndarray, "n_slices rows columns"]
    heads: Bool[np.ndarray, "n_slices rows columns"]
    """True inside the head."""
    input_scale: float
    """What the 99.9th percentile of the whole corrupted scan may be."""
    motion: MotionTrace
    """Measured from its mean, weighted by the k-space that moves."""
    acquisition: Acquisition

    @property
    def severity_mm(self) -> float:
        """`MotionTrace.rms_displacement_mm` of the motion."""
        return self.motion.rms_displacement_mm()

    @property
    def pixel_mm(self) -> tuple[float, float]:
        """Along y and z."""
        return self.acquisition.voxel_size_mm[1:]


@dataclass(frozen=True, eq=False)
class StillHead:
    """A subject's scan in memory, in half precision: its error is far below the noise."""

    values: np.ndarray
    head: Bool[np.ndarray, "x y z"]
    voxel_size_mm: tuple[float, float, float]
    places: np.ndarray
    """Indices along x of the slices that show enough of the head."""


def still_head(subject: Subject) -> StillHead:
    """A subject's scan, loaded; its 99.9th percentile inside the head is 1."""
    volume = subject.load()
    head = head_mask(volume.values)
    areas = head.sum(axis=(1, 2))
    values = np.clip(volume.values / intensity_scale(volume.values[areas > 0]), 0, 2)
    places = np.flatnonzero(areas >= _LEAST_HEAD_SHARE * areas.max())
    return StillHead(values.astype(np.float16), head, volume.voxel_size_mm, places)


def slice_places(
    subject: StillHead, variety: Variety, n_spread: int, rng: np.random.Generator
) -> Int64[np.ndarray, "n_slices"]:
    """Slices of a scan, by their indices along x."""
    if n_spread:
        chosen = np.linspace(0, len(subject.places) - 1, n_spread).round().astype(int)
        return np.asarray(subject.places[chosen], dtype=np.int64)
    n_slices = variety.slices_per_scan
    first = rng.choice(subject.places[: max(len(subject.places) - n_slices + 1, 1)])
    return np.asarray(first + np.arange(n_slices), dtype=np.int64)


def varied_scan(
    subject: StillHead,
    places: Int64[np.ndarray, "n_slices"],
    variety: Variety,
    rng: np.random.Generator,
    *,
    like: VariedScan | None = None,
) -> VariedScan:
    """Slices of a subject, scanned once more.

    Parameters
    ----------
    subject, places
        Whose slices, and which.
    variety
        What is drawn.
    rng
        What draws.
    like
        Another scan, of anybody, whose motion and order of lines this one has too.

    Raises
    ------
    McnetError
        Hardly any generated motion keeps the bounds.
    """
    acquisition = _acquisition(subject, variety, rng)
    if like:
        lines = ("phase_encoding_axis", "order", "n_shots")
        same = {name: getattr(like.acquisition, name) for name in lines}
        acquisition = replace(acquisition, **same)
    slices = _another_contrast(subject.values[places].astype(np.float32), variety, rng)
    at_rest = slices_at_rest(slices, subject.voxel_size_mm, acquisition)
    motion = like.motion if like else _motion(variety, acquisition, rng)
    motion = motion.at_rest_on_average(alignment_weights(np.abs(at_rest), acquisition))
    reader = slices_to_corrupt(slices, subject.voxel_size_mm, ONE_CORE)
    moved = corrupt_still_slices(reader, motion, acquisition)

    noise = rng.standard_normal((*at_rest.shape, 2), dtype=np.float32).view(np.complex64)[..., 0]
    noise *= np.float32(rng.uniform(0, variety.noise))
    corrupted = np.abs(moved + noise)
    return VariedScan(
        corrupted=corrupted,
        references=np.abs(at_rest + noise),
        heads=_on_grid(subject.head[places], subject.voxel_size_mm, acquisition),
        input_scale=float(np.exp(rng.uniform(-2 * variety.gain, variety.gain))),
        motion=motion,
        acquisition=acquisition,
    )


def _acquisition(subject: StillHead, variety: Variety, rng: np.random.Generator) -> Acquisition:
    """Square pixels, no finer than the scan's, in a field of view that holds the whole head."""
    _, *in_plane = subject.voxel_size_mm
    lengths = [
        np.ptp(np.flatnonzero(subject.head.any(axis=axes))) * size
        for axes, size in zip(((0, 2), (0, 1)), in_plane, strict=True)
    ]
    low, high = variety.pixel_mm
    low = max(low, *in_plane, *(1.02 * length / variety.matrix for length in lengths))
    pixel_mm = rng.uniform(low, max(low, high))
    fov_mm = variety.matrix * pixel_mm
    return Acquisition(
        matrix=(2, variety.matrix, variety.matrix),
        fov_mm=(2 * subject.voxel_size_mm[0], fov_mm, fov_mm),
        phase_encoding_axis=str(rng.choice(variety.phase_encoding_axes)),  # type: ignore[arg-type]
        order=str(rng.choice(variety.orders)),  # type: ignore[arg-type]
        n_shots=int(rng.integers(2, 9)),
    )


def _motion(variety: Variety, acquisition: Acquisition, rng: np.random.Generator) -> MotionTrace:
    if rng.random() < variety.still_share:
        return still(acquisition.n_lines)
    factor = rng.uniform(*variety.scale)
    for _ in range(_MOST_TRIES):
        motion = generate_motion(acquisition.n_lines, rng).at_rest_when(acquisition.centre_time)
        if motion.is_within(translation_mm=variety.within, rotation_deg=variety.within):
            return motion.scaled(factor).restricted_to("rotation+translation")
    raise McnetError(
        f"none of {_MOST_TRIES} generated motions stays within {variety.within:g} mm and degrees; "
        "give a larger bound."
    )


def _another_contrast(
    slices: Float32[np.ndarray, "n_slices y z"], variety: Variety, rng: np.random.Generator
) -> Complex64[np.ndarray, "n_slices y z"]:
    """The slices with other contrast, under a smooth field that neighbours share."""
    power = np.exp(rng.uniform(-variety.contrast, variety.contrast))
    along = [np.linspace(-1, 1, n, dtype=np.float32) for n in slices.shape[1:]]
    y, z = along[0][:, None], along[1][None, :]
    amounts = rng.uniform(-1, 1, 5)
    logarithm = sum(a * term for a, term in zip(amounts, (y, z, y * z, y * y, z * z), strict=True))
    field_ = np.exp(variety.bias / 2 * np.asarray(logarithm, dtype=np.float32))
    return np.asarray(slices ** np.float32(power) * field_, dtype=np.complex64)


def _on_grid(
    heads: Bool[np.ndarray, "n_slices y z"],
    voxel_size_mm: tuple[float, float, float],
    acquisition: Acquisition,
) -> Bool[np.ndarray, "n_slices rows columns"]:
    """Masks at the nearest voxels of the acquired grid; false beyond the scan."""
    out: np.ndarray = heads
    for axis, name in ((1, "y"), (2, "z")):
        n = heads.shape[axis]
        positions = acquisition.axis_positions_mm(name)  # type: ignore[arg-type]
        index = np.rint(positions / voxel_size_mm[axis]).astype(int) + n // 2
        inside = (index >= 0) & (index < n)
        shape = [-1 if place == axis else 1 for place in range(3)]
        taken: np.ndarray = np.take(out, index.clip(0, n - 1), axis=axis)
        out = taken & inside.reshape(shape)
    return np.asarray(out)
