"""How far the head moved during a scan, estimated from its image."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mcnet.api.scans import Scan, read_scan
from mcnet.core.extras import check_extra

if TYPE_CHECKING:
    from mcnet.correction.outcome import Assessment


def assess(scan: Scan) -> "Assessment":
    """Return the severity of the motion in a scan, estimated from the image alone.

    Parameters
    ----------
    scan
        A T1-weighted scan: a path, an image of nibabel or a volume.

    Returns
    -------
    Assessment
        ``severity``: root mean square displacement of the head's tissue in mm, as ``mm`` within
        ``low_mm`` to ``high_mm`` (the truth lies between them in 90 of 100 simulated scans);
        ``is_still``: whether no more is seen than in scans of still heads; ``warnings``: how the
        scan differs from those that the estimator was trained on.

    Raises
    ------
    MissingExtraError
        PyTorch is not installed.
    McnetError
        The scan cannot be read, or is no MR scan of a head.

    Examples
    --------
    >>> from mcnet.datasets.template import template_head
    >>> found = assess(template_head(resolution_mm=4.0))
    >>> found.severity.low_mm <= found.severity.mm <= found.severity.high_mm
    True
    """
    check_extra("train", "mcnet.assess", ("safetensors", "torch"))
    from mcnet.correction.severity_estimator import load_severity_estimator
    from mcnet.correction.suited import check_not_ct, contrast_warnings

    volume = read_scan(scan)
    check_not_ct(Path(volume.name), volume)
    estimator = load_severity_estimator()
    found = estimator.assess(volume)
    contrast = contrast_warnings([volume.name], estimator.card.contrast)
    return replace(found, warnings=(*contrast, *found.warnings))
