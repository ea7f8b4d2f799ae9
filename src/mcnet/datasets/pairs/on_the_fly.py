"""Training scans that are simulated when they are asked for, each with motion of its own.

A description, not an array: what a scan shows follows from seed, epoch and number alone, so that
any process may make it, in any order.
"""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Int64

from mcnet.core.engine import ONE_CORE
from mcnet.core.errors import McnetError
from mcnet.core.progress import OnProgress
from mcnet.core.provenance import sha256_of_json
from mcnet.datasets.pairs.drawn_motion import RandomMotion, RecordedMotion
from mcnet.datasets.pairs.plan import PairsPlan, trace_digest
from mcnet.datasets.pairs.prepared import PreparedSubject, prepare_subject
from mcnet.motion.trace import MotionTrace
from mcnet.physics.acquisition import Acquisition
from mcnet.physics.alignment import alignment_weights

# streams of random numbers, one a purpose, far from the small numbers by which others seed theirs
_SUBJECTS, _MOTION = range(1_000_000, 1_000_002)
_EASIEST = 0.25
"""Of the motion's size, where a curriculum begins."""


@dataclass(frozen=True, eq=False)
class OnTheFlyScan:
    """The kept slices of one simulated scan, on the subject's physical scale."""

    subject: int
    """Which of the subjects it shows."""
    corrupted: Float32[np.ndarray, "n_kept rows columns"]
    """Magnitude images of the moving head."""
    references: Float32[np.ndarray, "n_kept rows columns"]
    """Of the head at rest."""
    heads: Bool[np.ndarray, "n_kept rows columns"]
    """True inside the head."""
    input_scale: float
    """99.9th percentile of ``corrupted``: the scale that a user knows."""
    severity_mm: float
    """`MotionTrace.rms_displacement_mm` of the motion."""


@dataclass(frozen=True, eq=False)
class OnTheFlyPairs:
    """Subjects who are scanned anew in every epoch, equally often, and how they move."""

    subjects: tuple[PreparedSubject, ...]
    motion: RandomMotion | RecordedMotion
    acquisition: Acquisition
    scans_per_subject: int
    """Scans of each subject in an epoch."""
    seed: int
    aligned: bool = False
    """Whether poses are measured from their weighted mean, so that image and reference lie
    together."""
    curriculum_epochs: int = 0
    """Epochs over which motion grows from a quarter to its whole size."""

    def __post_init__(self) -> None:
        """Refuse a set without scans, and subjects whose images differ in size."""
        if not self.subjects or self.scans_per_subject < 1:
            raise McnetError(
                f"{len(self.subjects)} subjects scanned {self.scans_per_subject} times each give "
                "nothing to train on; give at least one subject and one scan."
            )
        sizes = {_image_size(subject) for subject in self.subjects}
        if len(sizes) > 1:
            raise McnetError(
                f"images of {len(sizes)} sizes ({sorted(sizes)}) cannot be trained on together; "
                "prepare all subjects with the same acquisition."
            )

    def __len__(self) -> int:
        """Return the number of slices in an epoch, the same in every one."""
        return self.scans_per_subject * sum(int(subject.kept.sum()) for subject in self.subjects)

    @property
    def n_scans(self) -> int:
        """Scans in an epoch."""
        return self.scans_per_subject * len(self.subjects)

    @property
    def image_size(self) -> tuple[int, int]:
        """Rows and columns of every image."""
        return _image_size(self.subjects[0])

    @property
    def sha256(self) -> str:
        """Digest of everything that the scans follow from."""
        digest = hashlib.sha256()
        for subject in self.subjects:
            for array in (subject.still, subject.references, subject.kept):
                digest.update(f"{array.shape} {array.dtype};".encode())
                digest.update(np.ascontiguousarray(array).data)
        settings = [
            *(motion_settings(self.motion), asdict(self.acquisition), self.scans_per_subject),
            *(self.seed, self.aligned, self.curriculum_epochs),
        ]
        sizes = [subject.voxel_size_mm for subject in self.subjects]
        return sha256_of_json([digest.hexdigest(), sizes, settings])

    def subjects_in_turn(self, epoch: int) -> Int64[np.ndarray, "n_scans"]:
        """Whom each scan of an epoch shows: everybody equally often, in an order of its own."""
        everybody = np.repeat(np.arange(len(self.subjects), dtype=np.int64), self.scans_per_subject)
        return np.random.default_rng([self.seed, _SUBJECTS, epoch]).permutation(everybody)

    def motion_of(self, epoch: int, index: int) -> MotionTrace:
        """Motion of one scan of an epoch, which all its slices share, before it is aligned.

        Raises
        ------
        McnetError
            Hardly any generated motion keeps the bounds.
        """
        rng = np.random.default_rng([self.seed, _MOTION, epoch, index])
        ease = min(1.0, _EASIEST + (1 - _EASIEST) * epoch / max(self.curriculum_epochs, 1))
        motion = self.motion.drawn(self.acquisition, rng)
        return motion.scaled(ease) if self.curriculum_epochs else motion

    def scan(self, epoch: int, index: int) -> OnTheFlyScan:
        """One scan of an epoch, the same whenever and wherever it is made."""
        number = int(self.subjects_in_turn(epoch)[index])
        subject = self.subjects[number]
        # one core, whatever there is, since workers simulate beside one another
        motion = self.motion_of(epoch, index)
        if self.aligned:
            motion = aligned_motion(motion, subject, self.acquisition)
        scan = subject.scanned(motion, self.acquisition, ONE_CORE)
        kept = subject.kept
        return OnTheFlyScan(
            subject=number,
            corrupted=scan[kept],
            references=subject.references[kept],
            heads=subject.heads[kept],
            input_scale=subject.input_scale(scan),
            severity_mm=motion.rms_displacement_mm(),
        )


def aligned_motion(
    motion: MotionTrace, subject: PreparedSubject, acquisition: Acquisition
) -> MotionTrace:
    """Motion measured so that the subject's references lie where the scan of it lies."""
    weights = alignment_weights(subject.references[subject.kept], acquisition)
    return motion.at_rest_on_average(weights)


def motion_settings(motion: RandomMotion | RecordedMotion) -> dict[str, Any]:
    """How motion is drawn, as plain values: recorded traces by name and digest."""
    if isinstance(motion, RandomMotion):
        return asdict(motion)
    traces = {trace.name: trace_digest(trace) for trace in motion.traces}
    return {"traces": traces, "mode": motion.mode, "scale": list(motion.scale)}


def _image_size(subject: PreparedSubject) -> tuple[int, int]:
    rows, columns = subject.references.shape[1:]
    return rows, columns


def on_the_fly_pairs(
    plan: PairsPlan,
    motion: RandomMotion | RecordedMotion,
    *,
    seed: int | None = None,
    slices_per_epoch: int = 0,
    aligned: bool = False,
    curriculum_epochs: int = 0,
    on_progress: OnProgress | None = None,
) -> OnTheFlyPairs:
    """Training subjects of a plan, scanned as often in an epoch as there are training traces.

    Parameters
    ----------
    plan
        Of the fixed pairs, whose traces are only counted.
    motion
        How the subjects move.
    seed
        Of the stream of scans; the plan's, if none is given.
    slices_per_epoch
        About how many; by default as many as the fixed set has.
    aligned, curriculum_epochs
        As `OnTheFlyPairs` has them.
    on_progress
        Called with the number of subjects prepared and of all.

    Raises
    ------
    McnetError
        A scan cannot be read, or does not fit the field of view.
    """
    chosen = [
        subject for subject in plan.subjects if subject.name in set(plan.subjects_split.train)
    ]
    subjects: list[PreparedSubject] = []
    for subject in chosen:
        subjects.append(prepare_subject(subject.load(), plan.design, plan.acquisition))
        if on_progress:
            on_progress(len(subjects), len(chosen))
    n_scans = len(plan.traces_split.train)
    if slices_per_epoch:
        n_kept = sum(int(subject.kept.sum()) for subject in subjects)
        n_scans = max(1, round(slices_per_epoch / n_kept))
    return OnTheFlyPairs(
        subjects=tuple(subjects),
        motion=motion,
        acquisition=plan.acquisition,
        scans_per_subject=n_scans,
        seed=plan.seed if seed is None else seed,
        aligned=aligned,
        curriculum_epochs=curriculum_epochs,
    )
