"""Training scans of all kinds: every one with its own motion, acquisition, contrast and noise.

A description, not an array, as `mcnet.data.fresh_pairs`: what a scan shows follows from seed,
epoch and number alone. Where the paper's pairs are one acquisition of many heads, these are what a
corrector meets in practice; reference and image are aligned, and share one noise, so that a
network learns to undo motion and nothing else.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
import pandas as pd
from jaxtyping import Bool, Complex64, Float32, Int64
from threadpoolctl import threadpool_limits

from mcnet.data.masks import head_mask
from mcnet.data.pairs import ImagePairs
from mcnet.data.sources import Person
from mcnet.engine import ONE_CORE
from mcnet.errors import McnetError
from mcnet.geometry import Axis
from mcnet.metrics import intensity_scale
from mcnet.progress import OnProgress
from mcnet.provenance import sha256_of_json
from mcnet.simulation.acquisition import Acquisition, Order
from mcnet.simulation.alignment import alignment_weights
from mcnet.simulation.corruption import corrupt_still_slices, slices_at_rest, slices_to_corrupt
from mcnet.simulation.generators import generate_motion
from mcnet.simulation.motion import MotionTrace, still

# streams of random numbers, one a purpose, beside those of `mcnet.data.fresh_pairs`
_PEOPLE, _SCANS = range(3_000_000, 3_000_002)
_MOST_TRIES = 1000
_LEAST_HEAD_SHARE = 0.25
"""Slices with less head in them than this share of the fullest one are not trained on."""


@dataclass(frozen=True)
class Variety:
    """How training scans differ from one another; the default is for scans of about 1 mm."""

    matrix: int = 192
    """Samples along y and z."""
    pixel_mm: tuple[float, float] = (1.0, 1.35)
    """Pixel size, drawn between these, or above, where the scan itself is coarser or the head
    larger than the field of view."""
    slices_per_scan: int = 4
    """Neighbouring sagittal slices, which move together."""
    still_share: float = 0.1
    """Share of the scans that keep still."""
    scale: tuple[float, float] = (0.0, 10.0)
    """Generated motion is multiplied by a factor drawn between these; fMRI tracking is 1."""
    within: float = 2.0
    """Generated traces that go farther than this, in mm or degrees, before they are multiplied,
    are drawn again."""
    phase_encoding_axes: tuple[Axis, ...] = ("y", "z")
    orders: tuple[Order, ...] = ("sequential", "centric", "interleaved")
    contrast: float = 0.35
    """Intensities are raised to a power between ``exp(-contrast)`` and ``exp(contrast)``."""
    bias: float = 0.3
    """Greatest logarithm of the smooth field that intensities are multiplied with."""
    noise: float = 0.03
    """Greatest standard deviation of the noise, of which the 99.9th percentile is 1."""
    gain: float = 0.15
    """The input scale, a percentile of the whole scan, which a few slices do not tell, is drawn
    between ``exp(-2 gain)``, as after severe motion, and ``exp(gain)``."""

    def __post_init__(self) -> None:
        """Refuse what gives no scans."""
        for name in ("pixel_mm", "scale"):
            low, high = getattr(self, name)
            if not 0 <= low <= high < np.inf:
                raise McnetError(
                    f"{name} {low, high} is impossible; give a lower and an upper end."
                )
        if self.matrix < 16 or self.slices_per_scan < 1 or not 0 <= self.still_share <= 1:
            raise McnetError(
                f"{self.slices_per_scan} slices of {self.matrix} samples, a share of "
                f"{self.still_share} still, are impossible; give 1 slice or more, 16 samples or "
                "more, and a share from 0 to 1."
            )
        if min(self.contrast, self.bias, self.noise, self.gain) < 0:
            raise McnetError("contrast, bias, noise and gain are widths; give numbers from 0 on.")


@dataclass(frozen=True, eq=False)
class VariedScan:
    """Slices of one simulated scan; the 99.9th percentile of its references is about 1."""

    corrupted: Float32[np.ndarray, "n_slices rows columns"]
    references: Float32[np.ndarray, "n_slices rows columns"]
    heads: Bool[np.ndarray, "n_slices rows columns"]
    """True inside the head."""
    input_scale: float
    """What the 99.9th percentile of the whole corrupted scan may be."""
    severity_mm: float
    """`MotionTrace.rms_displacement_mm` of the motion."""
    pixel_mm: tuple[float, float]
    """Along y and z."""


@dataclass(frozen=True, eq=False)
class VariedScans:
    """People who are scanned anew in every epoch, each as often as is asked."""

    people: Sequence[Person]
    scans_per_person: Sequence[int]
    """Scans of each person in an epoch."""
    variety: Variety
    seed: int
    _held: dict[int, "_StillHead"] = field(default_factory=dict, init=False, repr=False)
    """Heads that were loaded by this process."""

    def __post_init__(self) -> None:
        """Refuse a set without scans."""
        if len(self.people) != len(self.scans_per_person) or sum(self.scans_per_person) < 1:
            raise McnetError(
                f"{len(self.people)} people scanned {list(self.scans_per_person)} times give "
                "nothing to train on; give every person a number of scans."
            )

    def __len__(self) -> int:
        """Return the number of slices in an epoch."""
        return self.n_scans * self.variety.slices_per_scan

    @property
    def n_scans(self) -> int:
        """Scans in an epoch."""
        return sum(self.scans_per_person)

    @property
    def image_size(self) -> tuple[int, int]:
        """Rows and columns of every image."""
        return self.variety.matrix, self.variety.matrix

    @property
    def sha256(self) -> str:
        """Digest of everything that the scans follow from."""
        people = [[person.name, person.fingerprint] for person in self.people]
        return sha256_of_json(
            [people, list(self.scans_per_person), asdict(self.variety), self.seed]
        )

    def scan(self, epoch: int, index: int, *, n_spread: int = 0) -> VariedScan:
        """One scan of an epoch, the same whenever and wherever it is made.

        With ``n_spread`` so many slices are spread over the head, instead of being neighbours.

        Raises
        ------
        McnetError
            The person's scan cannot be read, or hardly any generated motion keeps the bounds.
        """
        everybody = np.repeat(np.arange(len(self.people)), self.scans_per_person)
        in_turn = np.random.default_rng([self.seed, _PEOPLE, epoch]).permutation(everybody)
        rng = np.random.default_rng([self.seed, _SCANS, epoch, index])
        person = self._head(int(in_turn[index]))
        # one thread, since the number of threads changes the rounding of products
        with threadpool_limits(limits=1):
            return _scan_of(person, _places(person, self.variety, n_spread, rng), self.variety, rng)

    def fixed_pairs(
        self, *, epoch: int = 0, n_spread: int = 0, on_progress: OnProgress | None = None
    ) -> ImagePairs:
        """The scans of one epoch as a fixed set, for validation; ``n_spread`` as for `scan`."""
        scans = []
        for index in range(self.n_scans):
            scans.append(self.scan(epoch, index, n_spread=n_spread))
            if on_progress:
                on_progress(index + 1, self.n_scans)
        n_slices = [len(scan.corrupted) for scan in scans]
        table = pd.DataFrame({"severity_mm": np.repeat([s.severity_mm for s in scans], n_slices)})
        return ImagePairs(
            corrupted=np.concatenate([scan.corrupted for scan in scans]),
            references=np.concatenate([scan.references for scan in scans]),
            heads=np.concatenate([scan.heads for scan in scans]),
            reference_index=np.arange(sum(n_slices), dtype=np.int64),
            input_scale=np.repeat([scan.input_scale for scan in scans], n_slices).astype(
                np.float32
            ),
            table=table,
        )

    def _head(self, number: int) -> "_StillHead":
        if number not in self._held:
            self._held[number] = _still_head(self.people[number])
        return self._held[number]

    def __getstate__(self) -> dict[str, object]:
        """Return what goes to other processes; they load for themselves."""
        return self.__dict__ | {"_held": {}}


@dataclass(frozen=True, eq=False)
class _StillHead:
    """A person's scan in memory, in half precision: its error is far below the noise."""

    values: np.ndarray
    head: Bool[np.ndarray, "x y z"]
    voxel_size_mm: tuple[float, float, float]
    places: np.ndarray
    """Indices along x of the slices that show enough of the head."""


def _still_head(person: Person) -> _StillHead:
    volume = person.load()
    head = head_mask(volume.values)
    areas = head.sum(axis=(1, 2))
    values = np.clip(volume.values / intensity_scale(volume.values[areas > 0]), 0, 2)
    places = np.flatnonzero(areas >= _LEAST_HEAD_SHARE * areas.max())
    return _StillHead(values.astype(np.float16), head, volume.voxel_size_mm, places)


def _places(
    person: _StillHead, variety: Variety, n_spread: int, rng: np.random.Generator
) -> Int64[np.ndarray, "n_slices"]:
    """Slices of a scan, by their indices along x."""
    if n_spread:
        chosen = np.linspace(0, len(person.places) - 1, n_spread).round().astype(int)
        return np.asarray(person.places[chosen], dtype=np.int64)
    n_slices = variety.slices_per_scan
    first = rng.choice(person.places[: max(len(person.places) - n_slices + 1, 1)])
    return np.asarray(first + np.arange(n_slices), dtype=np.int64)


def _scan_of(
    person: _StillHead,
    part: Int64[np.ndarray, "n_slices"],
    variety: Variety,
    rng: np.random.Generator,
) -> VariedScan:
    acquisition = _acquisition(person, variety, rng)
    slices = _another_contrast(person.values[part].astype(np.float32), variety, rng)
    at_rest = slices_at_rest(slices, person.voxel_size_mm, acquisition)
    motion = _motion(variety, acquisition, rng)
    motion = motion.at_rest_on_average(alignment_weights(np.abs(at_rest), acquisition))
    reader = slices_to_corrupt(slices, person.voxel_size_mm, ONE_CORE)
    moved = corrupt_still_slices(reader, motion, acquisition)

    noise = rng.standard_normal((*at_rest.shape, 2), dtype=np.float32).view(np.complex64)[..., 0]
    noise *= np.float32(rng.uniform(0, variety.noise))
    corrupted = np.abs(moved + noise)
    return VariedScan(
        corrupted=corrupted,
        references=np.abs(at_rest + noise),
        heads=_on_grid(person.head[part], person.voxel_size_mm, acquisition),
        input_scale=float(np.exp(rng.uniform(-2 * variety.gain, variety.gain))),
        severity_mm=motion.rms_displacement_mm(),
        pixel_mm=acquisition.voxel_size_mm[1:],
    )


def _acquisition(person: _StillHead, variety: Variety, rng: np.random.Generator) -> Acquisition:
    """Square pixels, no finer than the scan's, in a field of view that holds the whole head."""
    _, *in_plane = person.voxel_size_mm
    lengths = [
        np.ptp(np.flatnonzero(person.head.any(axis=axes))) * size
        for axes, size in zip(((0, 2), (0, 1)), in_plane, strict=True)
    ]
    low, high = variety.pixel_mm
    low = max(low, *in_plane, *(1.02 * length / variety.matrix for length in lengths))
    pixel_mm = rng.uniform(low, max(low, high))
    fov_mm = variety.matrix * pixel_mm
    return Acquisition(
        matrix=(2, variety.matrix, variety.matrix),
        fov_mm=(2 * person.voxel_size_mm[0], fov_mm, fov_mm),
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
