"""Reconstruction from raw k-space on trial: people and recorded motion that nothing was tuned on.

Each person is scanned, in slices or as a volume, while moving by each trace at each factor. What a
user would get is compared: the scanner's image, the network's, the reconstruction with motion that
is looked for, and the one with the true motion. The rows are those of `mcnet.evaluation.rows`, one
data set ("mode") a factor. Volumes are registered to the reference in space before slices of them
are scored.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Complex64, Float, Int64

from mcnet.correction.models import Model
from mcnet.data.masks import head_mask
from mcnet.data.pairs import ImagePairs
from mcnet.data.raw_scan import RawScan
from mcnet.data.raw_simulation import RawOptions, simulate_raw
from mcnet.data.sources import Person
from mcnet.data.volume import Volume
from mcnet.errors import McnetError
from mcnet.evaluation.baselines import register_volume_rigidly
from mcnet.evaluation.rows import evaluate
from mcnet.fourier import centred_fft
from mcnet.geometry import AXES, inverse_pose
from mcnet.metrics import intensity_scale
from mcnet.progress import OnProgress
from mcnet.reconstruction.reconstruct import reconstruct
from mcnet.reconstruction.solving import as_scanned
from mcnet.simulation.acquisition import Acquisition
from mcnet.simulation.corruption import image_at_rest
from mcnet.simulation.in_space import matrices_of, poses_of
from mcnet.simulation.motion import MotionTrace

LABELS: tuple[str, ...] = ("network", "reconstructed", "known motion")
"""Of the images that are compared, beside the baselines."""
_STEP = 4
"""Every so manieth slice is scored."""


@dataclass(frozen=True)
class RawTrialDesign:
    """What a reconstruction is tried on."""

    factors: tuple[float, ...] = (2.0, 4.0, 8.0)
    """Recorded motion is multiplied by these."""
    n_coils: int = 1
    snr: float | None = None
    """As `mcnet.data.raw_simulation.RawOptions.snr`."""
    phase: bool = False
    """Whether there is a smooth phase."""
    in_space: bool = False
    """Whether the head moves with six degrees of freedom in a 3D scan, not within slices."""
    n_slices: int = 24
    """Central slices that are scanned; of a volume, those at the same places are scored."""
    thickness_mm: float = 5.0
    """From slice to slice."""
    matrix: int = 128
    fov_mm: float = 256.0
    magnitude: bool = False
    """Whether only the magnitude is kept, as most users have it: its Fourier transform is then
    taken for k-space."""
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse what tries nothing."""
        if not self.factors or min(self.factors) <= 0:
            raise McnetError(f"factors {list(self.factors)} try nothing; give positive ones.")

    @property
    def acquisition(self) -> Acquisition:
        """The scan: slices or partitions along x, lines from the back to the front."""
        if self.in_space:
            return Acquisition((self.matrix,) * 3, (self.fov_mm,) * 3)
        n_all = max(self.n_slices, 2 * round(self.fov_mm / self.thickness_mm / 2))
        across = n_all * self.thickness_mm
        return Acquisition((n_all, self.matrix, self.matrix), (across, self.fov_mm, self.fov_mm))

    @property
    def positions_mm(self) -> Float[np.ndarray, "n_slices"]:
        """Places along x of what the scan has: slices or partitions."""
        if self.in_space:
            return self.acquisition.axis_positions_mm("x")
        return (np.arange(self.n_slices) - self.n_slices // 2) * self.thickness_mm

    @property
    def scored(self) -> Int64[np.ndarray, "n_scored"]:
        """Which of these are scored."""
        slices = np.arange(_STEP // 2, self.n_slices, _STEP)
        if not self.in_space:
            return slices
        places = (slices - self.n_slices // 2) * self.thickness_mm
        return np.asarray(np.abs(self.positions_mm - places[:, None]).argmin(axis=1))

    def motion_of(self, trace: MotionTrace, factor: float) -> MotionTrace:
        """A recorded trace as the head moves here: at rest at the centre of k-space."""
        motion = trace.resampled(self.acquisition.n_lines)
        if not self.in_space:
            motion = motion.restricted_to("rotation+translation")
        return motion.at_rest_when(self.acquisition.centre_time).scaled(factor)


@dataclass(frozen=True, eq=False)
class RawTrial:
    """What came of it."""

    rows: pd.DataFrame
    """One row a slice, factor and image, as `mcnet.evaluation.rows.evaluate` gives them."""
    scans: pd.DataFrame
    """One row a scan: person, trace, mode; error of the poses over the central half of the lines
    (`pose_error`); whether the motion is ``believed``."""
    examples: dict[str, tuple[np.ndarray, ...]] = field(default_factory=dict)
    """For each mode a slice of the first scan: reference, corrupted, then `LABELS`."""


def try_reconstruction(
    people: Sequence[Person],
    traces: Sequence[MotionTrace],
    model: Model,
    design: RawTrialDesign,
    *,
    on_progress: OnProgress | None = None,
) -> RawTrial:
    """Rows of all people, traces and factors.

    Raises
    ------
    McnetError
        A person is one that the network was trained on, or a scan cannot be read.
    """
    _refuse_known(people, model)
    trial = RawTrial(pd.DataFrame(), pd.DataFrame())
    total = len(people) * len(traces) * len(design.factors)
    n_done = 0
    for person in people:
        volume = person.load()
        for trace in traces:
            for factor in design.factors:
                trial = _with_scan(trial, person, volume, trace, factor, model, design)
                n_done += 1
                if on_progress:
                    on_progress(n_done, total)
    return trial


def _with_scan(
    trial: RawTrial,
    person: Person,
    volume: Volume,
    trace: MotionTrace,
    factor: float,
    model: Model,
    design: RawTrialDesign,
) -> RawTrial:
    acquisition, motion = design.acquisition, design.motion_of(trace, factor)
    n_slices = None if design.in_space else design.n_slices
    options = RawOptions(design.n_coils, design.snr, design.phase, n_slices, design.seed)
    raw = simulate_raw(volume, motion, acquisition, options)
    if design.magnitude:
        raw = replace(raw, kspace=_of_magnitude(raw))
    found = reconstruct(raw, motion=None, model=model)
    known = reconstruct(raw, motion=motion)
    places, chosen = design.positions_mm, design.scored
    reference = np.abs(
        image_at_rest(volume.values, volume.voxel_size_mm, acquisition, positions_mm=places)
    )
    scale = np.float32(intensity_scale(reference))
    network = found.network if found.network is not None else found.corrupted
    key = {"person": person.name, "trace": trace.name, "mode": f"factor {factor:g}"}
    images = [one.values / scale for one in (found.corrupted, network, found.image, known.image)]
    if design.in_space:
        images = [register_volume_rigidly(reference / scale, image) for image in images]
    corrupted, *others = (image[chosen] for image in images)
    pairs = ImagePairs(
        corrupted=corrupted,
        references=(reference / scale)[chosen].astype(np.float32),
        heads=head_mask(reference)[chosen],
        reference_index=np.arange(len(chosen), dtype=np.int64),
        input_scale=np.ones(len(chosen), np.float32),
        table=pd.DataFrame(
            {"position_mm": places[chosen]}
            | {name: [value] * len(chosen) for name, value in key.items()}
            | {"magnitude": motion.magnitude}
        ),
    )
    rows = evaluate(pairs, dict(zip(LABELS, others, strict=True)))
    scan = {**key, **pose_error(raw, found.motion, motion), "believed": found.trusted}
    middle = len(chosen) // 2
    example = (pairs.references[middle], *(image[chosen][middle] for image in images))
    return replace(
        trial,
        rows=pd.concat([trial.rows, rows], ignore_index=True),
        scans=pd.concat([trial.scans, pd.DataFrame([scan])], ignore_index=True),
        examples={key["mode"]: example, **trial.examples},
    )


def _of_magnitude(raw: RawScan) -> Complex64[np.ndarray, "1 n_x n_y n_z"]:
    """What is left of k-space where only the magnitude of the image was kept."""
    axes = [1 + axis for axis in raw.encoded_axes]
    return centred_fft(as_scanned(raw).values[None], axes).astype(np.complex64)


def pose_error(raw: RawScan, found: MotionTrace, true: MotionTrace) -> dict[str, Any]:
    """Root mean square error of poses over the central half of the lines.

    The whole has a free pose, a move of the image: the median error of that half is taken off.
    ``turn_deg``, ``line_axis_mm``, ``other_mm``; in space the worst of three turns, and of the two
    shifts across the lines' axis.
    """
    quarter = raw.n_lines // 4
    if raw.is_3d:
        return _error_in_space(raw, found, true)
    apart = (raw.poses_of(found) - raw.poses_of(true))[quarter : raw.n_lines - quarter]
    apart = apart - np.median(apart, axis=0)
    turn, *shifts = np.sqrt((apart**2).mean(axis=0))
    along = shifts.pop(raw.grid.line_axis)
    return {"turn_deg": float(np.degrees(turn)), "line_axis_mm": along, "other_mm": shifts[0]}


def _error_in_space(raw: RawScan, found: MotionTrace, true: MotionTrace) -> dict[str, float]:
    quarter = raw.n_lines // 4
    central = raw.line_at_time.argsort()[quarter : raw.n_lines - quarter]
    poses, true_poses = found.poses[central], true.poses[central]
    free = np.median(poses_of(inverse_pose(true_poses) @ poses), axis=0)
    in_place = true_poses @ matrices_of(free[None])
    apart = np.sqrt((poses_of(inverse_pose(in_place) @ poses) ** 2).mean(axis=0))
    along = 3 + AXES.index(raw.line_axis)
    others = np.delete(apart, along)
    return {
        "turn_deg": float(np.degrees(others[:3].max())),
        "line_axis_mm": float(apart[along]),
        "other_mm": float(others[3:].max()),
    }


def _refuse_known(people: Sequence[Person], model: Model) -> None:
    known = {*model.card.get("trained_on", ()), *model.card.get("validated_on", ())}
    seen = sorted(person.name for person in people if person.name in known)
    if seen:
        raise McnetError(
            f"{', '.join(seen)}: {model.name} was trained on or chosen by these people; try it on "
            "others."
        )
