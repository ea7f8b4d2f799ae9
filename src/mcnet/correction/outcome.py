"""What a correction found and did: the images before and after, and what is known of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mcnet.correction.magnitude_motion import FoundMotion
from mcnet.io.volume import Volume

LeftBecause = Literal["estimated still", "no motion found", "pixels too coarse"]
"""Why a scan was left as it is."""

_LEFT: Mapping[LeftBecause, str] = {
    "estimated still": "Estimated to be still: no more motion is seen in the scan than in scans of "
    "heads that lay still, so it was left as it is.",
    "no motion found": "No motion found to undo: motion is seen in the scan, but no poses of the "
    "head were found with which its slices look stiller, so it was left as it is.",
    "pixels too coarse": "Not corrected: the scan's sagittal pixels are coarser than those that "
    "the model learned from and those that are searched for motion, so it was left as it is.",
}


def left_sentence(because: LeftBecause) -> str:
    """Sentence on why a scan was left as it is, the same wherever it is told."""
    return _LEFT[because]


@dataclass(frozen=True)
class Severity:
    """How far the head moved during the scan, estimated from the image alone.

    The root mean square displacement of the head's tissue from its mean pose, over the time of
    the scan; the truth lies between the bounds in 90 of 100 simulated scans.
    """

    mm: float
    low_mm: float
    high_mm: float


@dataclass(frozen=True)
class Assessment:
    """What an image tells about itself."""

    severity: Severity
    is_still: bool
    """Whether no more motion is seen than in scans of still heads."""
    warnings: tuple[str, ...] = ()
    """Sentences on how the scan differs from the training data; empty where it does not."""


@dataclass(frozen=True, eq=False)
class CorrectedScan:
    """A scan before and after correction, on one grid and one intensity scale."""

    before: Volume
    after: Volume
    """``before`` itself where the scan was left as it is."""
    assessment_before: Assessment
    assessment_after: Assessment
    left_because: LeftBecause | None
    """Why the scan was left unchanged; none where it was corrected."""
    warnings: tuple[str, ...]
    """Sentences for the user: unlike the training data, resampled, and so on."""
    uncertainty: Volume | None
    """Standard deviation of the correction, voxel by voxel, in intensities of the scan, where it
    was asked for."""
    motion: FoundMotion | None
    """Poses that a search has found and that were undone; none where nothing was searched for,
    or found."""
    model: Mapping[str, Any]
    """Of the model: name, sha256, and its card."""
