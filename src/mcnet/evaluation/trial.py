"""Evaluation of a corrector on held-out subjects and motion, at several severities.

Each subject is scanned on the scan's own grid, still and with each recorded trace at each factor,
and corrected as `mcnet correct` does it: scans that are estimated to be still are left as they are.
The rows are those of `mcnet.evaluation.rows`, one data set ("mode") a factor.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float32

from mcnet.core.progress import OnProgress
from mcnet.correction.models import Model
from mcnet.correction.options import CorrectionOptions
from mcnet.correction.outcome import Assessment, CorrectedScan
from mcnet.correction.scan import SeverityEstimator, correct_scan
from mcnet.datasets.pairs.design import PairsDesign
from mcnet.datasets.pairs.pairs import ImagePairs
from mcnet.datasets.pairs.prepared import prepare_subject
from mcnet.datasets.subjects import Subject
from mcnet.evaluation.held_out import check_held_out
from mcnet.evaluation.rows import evaluate
from mcnet.evaluation.trial_design import TrialDesign
from mcnet.io.volume import Volume
from mcnet.metrics.similarity import ssim_whole_and_inside
from mcnet.motion.trace import MotionTrace
from mcnet.physics.acquisition import Acquisition, Order

Slices = Float32[np.ndarray, "n rows columns"]
Image = Float32[np.ndarray, "rows columns"]

_NOISE = 1
"""Stream of random numbers beside that which draws the traces."""


@dataclass(frozen=True, eq=False)
class Trial:
    """Results of a trial."""

    rows: pd.DataFrame
    """One row a slice, factor and image, as `mcnet.evaluation.rows.evaluate` gives them."""
    severities: pd.DataFrame
    """One row a scan: subject, trace, factor, true ``severity_mm``, and the severity estimate
    with its bounds, before and after correction."""
    still: pd.DataFrame
    """One row a slice of a still scan that was corrected by force: SSIM to itself."""
    examples: dict[float, tuple[Image, Image, Image]]
    """For each factor, one slice of the first subject: reference, corrupted, corrected."""


def try_corrector(
    subjects: Sequence[Subject],
    traces: Sequence[MotionTrace],
    model: Model,
    severity_estimator: SeverityEstimator,
    design: TrialDesign,
    *,
    on_progress: OnProgress | None = None,
) -> Trial:
    """Rows of all subjects, traces and factors, and the severity estimate of each scan.

    Raises
    ------
    McnetError
        A subject is one that the model was trained on, or a scan cannot be read.
    """
    check_held_out(subjects, model)
    found, rng = _Found(), np.random.default_rng([design.seed, _NOISE])
    total = len(subjects) * len(traces)
    for number, source in enumerate(subjects):
        subject = _Subject(source, design)
        found.add_still(
            subject, subject.corrected(subject.references, model, severity_estimator, force=True)
        )
        for place, trace in enumerate(traces):
            if on_progress:
                on_progress(number * len(traces) + place, total)
            for factor in design.factors:
                motion = subject.moving(trace, factor)
                scan = subject.scanned(motion, rng)
                result = subject.corrected(scan, model, severity_estimator)
                key = {"subject": subject.name, "trace": trace.name, "mode": f"factor {factor:g}"}
                found.add(subject, key, motion, scan, result, model.name)
                middle = len(scan) // 2
                images = subject.references[middle], scan[middle], result.after.values[middle]
                found.examples.setdefault(factor, images)
    if on_progress:
        on_progress(total, total)
    return found.trial


def trial_acquisition(
    volume: Volume, pixel_mm: float | None = None, order: Order = "sequential"
) -> Acquisition:
    """A scan of the volume's extent, encoded front to back.

    On the volume's own grid, to an even number of pixels, unless another pixel size is given.
    """
    x, y, z = volume.values.shape
    thickness, *own_mm = volume.voxel_size_mm
    along = []
    for n, size in zip((y, z), own_mm, strict=True):
        n_pixels = n if pixel_mm is None else int(np.ceil(n * size / pixel_mm))
        along.append((n_pixels + n_pixels % 2, pixel_mm or size))
    (rows, row_mm), (columns, column_mm) = along
    fov_mm = (x * thickness, rows * row_mm, columns * column_mm)
    return Acquisition((x, rows, columns), fov_mm, "y", order)


class _Subject:
    """A subject of the trial, prepared on the scan's own grid."""

    def __init__(self, subject: Subject, design: TrialDesign) -> None:
        self.name, self.noise = subject.name, design.noise
        volume = subject.load()
        positions = PairsDesign(n_slices=design.n_slices, spacing_mm=design.spacing_mm)
        self.acquisition = trial_acquisition(volume, design.pixel_mm, design.order)
        self.prepared = prepare_subject(volume, positions, self.acquisition)
        self.kept = self.prepared.kept
        self.references = self.prepared.references[self.kept]
        self.heads = self.prepared.heads[self.kept]
        self.positions_mm = self.prepared.positions_mm[self.kept]
        _, *in_plane = self.acquisition.voxel_size_mm
        self.affine = np.diag([design.spacing_mm, *in_plane, 1.0])

    def moving(self, trace: MotionTrace, factor: float) -> MotionTrace:
        """The recording, as long as the scan, within sagittal slices, times the factor."""
        in_lines = trace.resampled(self.acquisition.n_lines).restricted_to("rotation+translation")
        return in_lines.at_rest_when(self.acquisition.centre_time).scaled(factor)

    def scanned(self, motion: MotionTrace, rng: np.random.Generator) -> Slices:
        """The slices as they are imaged while the head moves, with noise."""
        images = self.prepared.scanned(motion, self.acquisition)[self.kept]
        if self.noise:
            real, imaginary = rng.normal(0, self.noise, (2, *images.shape)).astype(np.float32)
            images = np.hypot(images + real, imaginary)
        return np.asarray(images)

    def corrected(
        self,
        slices: Slices,
        model: Model,
        severity_estimator: SeverityEstimator,
        *,
        force: bool = False,
    ) -> CorrectedScan:
        """The slices, corrected as one scan, unless it is estimated to be still."""
        volume = Volume(slices, self.affine, self.name)
        return correct_scan(
            volume,
            model,
            severity_estimator=severity_estimator,
            options=CorrectionOptions(force=force),
        )


@dataclass
class _Found:
    """Results, collected scan by scan."""

    rows: list[pd.DataFrame] = field(default_factory=list)
    severities: list[dict[str, Any]] = field(default_factory=list)
    still: list[dict[str, Any]] = field(default_factory=list)
    examples: dict[float, tuple[Image, Image, Image]] = field(default_factory=dict)

    @property
    def trial(self) -> Trial:
        """All results."""
        rows = pd.concat(self.rows, ignore_index=True)
        severities, still = pd.DataFrame(self.severities), pd.DataFrame(self.still)
        return Trial(rows, severities, still, self.examples)

    def add(
        self,
        subject: _Subject,
        key: dict[str, str],
        motion: MotionTrace,
        scan: Slices,
        result: CorrectedScan,
        label: str,
    ) -> None:
        """Score a scan and keep its severity estimates."""
        table = pd.DataFrame({"position_mm": subject.positions_mm})
        pairs = ImagePairs(
            corrupted=scan,
            references=subject.references,
            heads=subject.heads,
            reference_index=np.arange(len(scan), dtype=np.int64),
            input_scale=np.ones(len(scan), np.float32),
            table=table.assign(**key, magnitude=motion.magnitude),
        )
        self.rows.append(evaluate(pairs, {label: result.after.values}))
        self.severities.append(
            {**key, "severity_mm": motion.rms_displacement_mm()}
            | _told("before", result.assessment_before)
            | _told("after", result.assessment_after)
        )

    def add_still(self, subject: _Subject, result: CorrectedScan) -> None:
        """Score a still scan against itself."""
        for place, image in enumerate(result.after.values):
            reference, head = subject.references[place], subject.heads[place]
            whole, inside = ssim_whole_and_inside(reference, image, data_range=1.0, mask=head)
            self.still.append(
                {
                    "subject": subject.name,
                    "position_mm": float(subject.positions_mm[place]),
                    "ssim": whole,
                    "ssim_head": inside,
                    "estimated_still": result.assessment_before.is_still,
                }
            )


def _told(when: str, assessment: Assessment) -> dict[str, Any]:
    found = assessment.severity
    return {
        f"{when}_mm": found.mm,
        f"{when}_low_mm": found.low_mm,
        f"{when}_high_mm": found.high_mm,
        f"{when}_estimated_still": assessment.is_still,
        f"{when}_warned": bool(assessment.warnings),
    }
