"""The text of the page of a correction: outcome, severity, limits, scan and model."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np

from mcnet.correction.outcome import CorrectedScan, LeftBecause, Severity, left_sentence
from mcnet.io.volume import Volume
from mcnet.report.correction_pictures import Scales

_LEARNED = (
    "The network learned from simulated motion of rigid heads. A real scanner also records what "
    "motion does to spin history, coil sensitivities and the field; that was not learned."
)
_LIMITS = (
    "A correction from the image alone is a guess: it may remove detail that was there, and draw "
    "detail that was not. Keep the scan as it came, and look at the difference before you rely on "
    "a finding in the corrected scan.",
    "Poses estimated from the image are not a measurement of the motion, of which the image shows "
    "only a part.",
    "The severity after correction says how much motion is still visible in the image, not how "
    "much of the anatomy was recovered: the error against an image of the still head can grow "
    "while the estimate falls.",
)
_LIMITS_OF_LEFT: Mapping[LeftBecause, str] = {
    "estimated still": "That the head lay still is an estimate from the image alone: slight "
    "motion, or motion unlike what was simulated, can go unseen. Look at the scan as you always "
    "would.",
    "no motion found": "That no motion was found does not show that the head lay still: of some "
    "motion, a drift for example, the image shows too little to estimate poses.",
    "pixels too coarse": "How far the head moved was estimated on a finer pixel grid than the "
    "scan's, which adds no detail: the estimate is less reliable.",
}
_STEPS_MM = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
_MOST_STEPS = 6
_OBLIQUE_FROM_DEG = 1.0


@dataclass(frozen=True)
class Bar:
    """One estimate on the scale, in percent of its width."""

    label: str
    """"before" or "after"; of a scan left as it was, "this scan"."""
    text: str
    left: float
    width: float
    dot: float


@dataclass(frozen=True)
class SeverityScale:
    """The scale in millimetres and the estimates on it."""

    ticks: tuple[tuple[float, str], ...]
    """Place in percent, and the number that stands there."""
    bars: tuple[Bar, ...]


def severity_scale(result: CorrectedScan) -> SeverityScale:
    """Return severity before and, unless the scan was left as it was, after."""
    is_left = result.left_because is not None
    found = {"this scan" if is_left else "before": result.assessment_before.severity}
    if not is_left:
        found["after"] = result.assessment_after.severity
    longest = max(severity.high_mm for severity in found.values())
    step = next((s for s in _STEPS_MM if longest <= s * _MOST_STEPS), _STEPS_MM[-1])
    n_steps = max(1, int(np.ceil(longest / step - 1e-9)))
    end = n_steps * step

    def percent(millimetres: float) -> float:
        return round(100 * min(max(millimetres / end, 0.0), 1.0), 2)

    bars = (
        Bar(
            label, severity_text(severity), percent(severity.low_mm),
            percent(severity.high_mm) - percent(severity.low_mm), percent(severity.mm),
        )
        for label, severity in found.items()
    )  # fmt: skip
    ticks = ((percent(k * step), f"{k * step:g}") for k in range(n_steps + 1))
    return SeverityScale(tuple(ticks), tuple(bars))


def severity_text(severity: Severity) -> str:
    """Return an estimate with its bounds, as in "1.82 mm (1.10 to 2.90)"."""
    low, high = severity.low_mm, severity.high_mm
    return f"{severity.mm:.2f} mm ({low:.2f} to {high:.2f})"


def outcome(result: CorrectedScan) -> tuple[str, tuple[str, ...]]:
    """Headline and sentences: what was done, and what it did to the severity."""
    before, after = result.assessment_before.severity, result.assessment_after.severity
    if result.left_because is not None:
        why = left_sentence(result.left_because)
        return "Left as it was", (why, f"Estimated motion: {severity_text(before)}.")
    sentences = []
    if result.assessment_before.is_still:
        is_certain = result.motion is not None and result.motion.is_certain
        why = "motion was found with certainty" if is_certain else "that was asked for"
        sentences.append(
            "No more motion is seen in this scan than in scans of heads that lay still; it was "
            f"corrected all the same, because {why}."
        )
    if result.motion is not None:
        sentences.append(
            f"Poses of the head were estimated for every line along {result.motion.grid.axis} "
            f"({result.motion.rms_mm:.2f} mm from their mean, root mean square) and undone; "
            "where motion is severe, the network corrects a part of the remaining artefacts."
        )
    sentences.append(
        f"Estimated motion {_change(before, after)}. That is an estimate of the motion seen in the "
        "image, and no measure of image quality."
    )
    if after.low_mm <= before.high_mm and before.low_mm <= after.high_mm:
        sentences.append("The bounds overlap: the two estimates alone do not show a gain.")
    return "Corrected for head motion", tuple(sentences)


def _change(before: Severity, after: Severity) -> str:
    """Return what became of an estimate; what two decimals cannot show is no change."""
    if f"{before.mm:.2f}" == f"{after.mm:.2f}":
        return f"stays at {severity_text(after)}"
    verb = "falls" if after.mm < before.mm else "RISES"
    return f"{verb} from {severity_text(before)} to {severity_text(after)}"


def limits_of(result: CorrectedScan) -> tuple[str, ...]:
    """What the reader must not take from the page."""
    left = result.left_because
    return (_LEARNED, *(_LIMITS if left is None else (_LIMITS_OF_LEFT[left],)))


def warnings_of(result: CorrectedScan) -> tuple[str, ...]:
    """Every warning once, the scan's own first."""
    return tuple(dict.fromkeys([*result.warnings, *result.assessment_before.warnings]))


def facts(
    result: CorrectedScan, scales: Scales, *, source: str, output: str
) -> tuple[tuple[str, str], ...]:
    """Names and values: which scan, what was written, how much changed, by which model."""
    card = _card(result.model)
    changed = "nothing"
    if result.left_because is None:
        share = 100 * scales.mean_change / (scales.white - scales.black or 1.0)
        changed = (
            f"inside the head by {number(scales.mean_change)} on average, "
            f"{share:.1f} % of the way from black to white"
        )
    entries = {
        "Scan": source,
        "Written": output,
        "Grid": grid_text(result.before),
        "Changed": changed,
        "Model": str(result.model.get("name", "unnamed")),
        "SHA-256": str(result.model.get("sha256", "unknown")),
        "Licence": plain(card.get("licence", card.get("license", "not stated"))),
        "Trained on": plain(card.get("data", card.get("training_data", "not stated"))),
    }
    return tuple(entries.items())


def card_entries(model: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Everything in the model's card, as text."""
    return tuple((str(name), plain(value)) for name, value in _card(model).items())


def grid_text(volume: Volume) -> str:
    """Return a scan's matrix, voxel size and obliquity."""
    shape = " × ".join(str(n) for n in volume.values.shape)
    size = " × ".join(f"{side:.2f}" for side in volume.voxel_size_mm)
    text = f"{shape} voxels of {size} mm (right, anterior, superior)"
    angle = obliquity_deg(volume)
    return text if angle < _OBLIQUE_FROM_DEG else f"{text}, oblique by {angle:.0f}°"


def obliquity_deg(volume: Volume) -> float:
    """Return the largest angle between an axis of the scan and the scanner's nearest one."""
    directions = np.diagonal(volume.affine[:3, :3]) / np.asarray(volume.voxel_size_mm)
    return float(np.degrees(np.arccos(np.clip(directions.min(), -1, 1))))


def number(value: float) -> str:
    """Return an intensity with three leading digits and no exponent where none is needed."""
    if value == 0 or 0.001 <= abs(value) < 1e6:
        digits = max(0, 2 - int(np.floor(np.log10(abs(value))))) if value else 0
        return f"{value:.{digits}f}"
    return f"{value:.2e}"


def file_name(source: str) -> str:
    """Return the last part of a path, for a heading."""
    return PurePath(source).name or source


def plain(value: object) -> str:
    """Return a card's entry as text: lists by commas, names and values by semicolons."""
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {plain(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(plain(part) for part in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _card(model: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the card of a model."""
    card = model.get("card", {})
    return card if isinstance(card, Mapping) else {}
