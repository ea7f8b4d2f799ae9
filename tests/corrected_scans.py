"""Small corrections to make pages of, without any network."""

from functools import cache

import numpy as np

from mcnet.correction.outcome import Assessment, CorrectedScan, Severity
from mcnet.datasets.template import template_head
from mcnet.io.volume import Volume

MODEL = {
    "name": "tiny-1mm",
    "sha256": "0123456789abcdef" * 4,
    "card": {
        "licence": "CC-BY-4.0",
        "data": ["drawn heads", "a phantom"],
        "metrics": {"ssim": 0.9},
    },
}
PROVENANCE = {"version": "9.9", "command": "mcnet correct a.nii.gz -o b.nii.gz", "seed": None}
BEFORE = Assessment(Severity(2.5, 1.75, 3.25), is_still=False)
AFTER = Assessment(Severity(0.5, 0.25, 1.0), is_still=False)


@cache
def _head() -> Volume:
    return template_head(resolution_mm=4.0)


def volume_of(values: np.ndarray, affine: np.ndarray | None = None) -> Volume:
    affine = np.diag([1.0, 2.0, 3.0, 1.0]) if affine is None else affine
    return Volume(np.ascontiguousarray(values, dtype=np.float32), affine, "scan")


def corrected_scan(**changes: object) -> CorrectedScan:
    """A head of the template, sharpened a little, with an uncertainty."""
    head = _head()
    moved = 100 * (head.values + np.roll(head.values, 1, axis=1)) / 2
    fields = {
        "before": Volume(moved.astype(np.float32), head.affine, "scan"),
        "after": Volume(100 * head.values, head.affine, "scan"),
        "assessment_before": BEFORE,
        "assessment_after": AFTER,
        "left_because": None,
        "warnings": (),
        "uncertainty": Volume(head.values, head.affine, "scan"),
        "motion": None,
        "model": MODEL,
    }
    return CorrectedScan(**(fields | changes))


def left_scan() -> CorrectedScan:
    """A scan judged still."""
    still = Assessment(Severity(0.25, 0.0, 0.5), is_still=True)
    before = corrected_scan().before
    return corrected_scan(
        after=before, assessment_before=still, assessment_after=still,
        left_because="estimated still", uncertainty=None,
    )  # fmt: skip
