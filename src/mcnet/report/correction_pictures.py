"""The pictures on the page of a correction: before, after, difference and uncertainty."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mcnet.core.errors import McnetError
from mcnet.correction.outcome import CorrectedScan
from mcnet.io.volume import Volume
from mcnet.report.planes import (
    PLANES,
    Colours,
    Plane,
    coarse,
    coarse_head,
    css_gradient,
    picture,
    slices_through,
)

N_SLICES = 7
"""Slices shown of each plane."""

# Dark in the middle, so that what did not change is as dark as the air around the head.
DIFFERENCE_COLOURS: Colours = (
    (150, 214, 255), (52, 138, 214), (22, 62, 110), (12, 14, 18),
    (112, 46, 18), (220, 108, 36), (255, 206, 140),
)  # fmt: skip
UNCERTAINTY_COLOURS: Colours = (
    (6, 6, 10), (52, 20, 82), (128, 38, 108), (208, 78, 76), (246, 156, 62), (252, 236, 164),
)  # fmt: skip


@dataclass(frozen=True)
class Scales:
    """What the pictures' ends of black, white and colour stand for, in intensities of the scan."""

    black: float
    white: float
    difference: float
    """Both ends of the difference's colours, as a positive number; 0 if nothing changed."""
    uncertainty: float
    mean_change: float
    """Mean of the absolute difference inside the head."""


@dataclass(frozen=True)
class PlaneView:
    """One plane with all its pictures, ready for the template; each tuple goes slice by slice."""

    plane: Plane
    width_mm: float
    height_mm: float
    positions: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    difference: tuple[str, ...]
    uncertainty: tuple[str, ...]


def scales_of(result: CorrectedScan) -> Scales:
    """Scales that suit the scan: percentiles inside the head, of both images where they matter.

    Raises
    ------
    McnetError
        The images do not share one grid.
    """
    _check_same_grids(result)
    return scales_between(result.before, result.after, result.uncertainty)


def scales_between(before: Volume, after: Volume, uncertainty: Volume | None = None) -> Scales:
    """Scales of two images on one grid, by percentiles inside the head of the first."""
    values = coarse(before.values)
    head = coarse_head(values)
    inside = np.nan_to_num(values[head])
    change = np.abs(np.nan_to_num(coarse(after.values)[head]) - inside)
    spread = np.zeros(1)
    if uncertainty is not None:
        spread = np.nan_to_num(coarse(uncertainty.values)[head])
    return Scales(
        black=min(0.0, float(np.percentile(inside, 0.5))),
        white=float(np.percentile(inside, 99.5)),
        difference=_rounded_up(float(np.percentile(change, 99.5)) or float(change.max())),
        uncertainty=_rounded_up(float(np.percentile(spread, 99.5))),
        mean_change=float(change.mean()),
    )


def plane_views(result: CorrectedScan, scales: Scales) -> tuple[PlaneView, ...]:
    """Sagittal, coronal and axial pictures; of a scan left as it was, only ``before``."""
    head = coarse_head(coarse(result.before.values))
    return tuple(_view(result, scales, plane, _indices(head, result, plane)) for plane in PLANES)


def legend_gradients() -> dict[str, str]:
    """CSS gradients of the legends, by the name of what they explain."""
    return {
        "difference": css_gradient(DIFFERENCE_COLOURS),
        "uncertainty": css_gradient(UNCERTAINTY_COLOURS),
    }


def _indices(head: np.ndarray, result: CorrectedScan, plane: Plane) -> tuple[int, ...]:
    return slices_through(head, result.before, plane.axis, N_SLICES)


def _view(result: CorrectedScan, scales: Scales, plane: Plane, indices: Sequence[int]) -> PlaneView:
    """Pictures of one plane."""

    def drawn(volume: Volume, low: float, high: float, colours: Colours = ()) -> tuple[str, ...]:
        images = (plane.slice_of(volume.values, index) for index in indices)
        return tuple(picture(image, low, high, colours) for image in images)

    def changes() -> tuple[str, ...]:
        end = scales.difference or 1.0  # where nothing changed, any end shows nothing
        before, after = result.before.values, result.after.values
        images = (plane.slice_of(after, k) - plane.slice_of(before, k) for k in indices)
        return tuple(picture(image, -end, end, DIFFERENCE_COLOURS) for image in images)

    width_mm, height_mm = plane.size_mm(result.before)
    is_left = result.left_because is not None
    return PlaneView(
        plane=plane,
        width_mm=width_mm,
        height_mm=height_mm,
        positions=tuple(plane.position(result.before, index) for index in indices),
        before=drawn(result.before, scales.black, scales.white),
        after=() if is_left else drawn(result.after, scales.black, scales.white),
        difference=() if is_left else changes(),
        uncertainty=()
        if result.uncertainty is None
        else drawn(result.uncertainty, 0.0, scales.uncertainty, UNCERTAINTY_COLOURS),
    )


def _check_same_grids(result: CorrectedScan) -> None:
    for volume in (result.after, result.uncertainty):
        if volume is not None and volume.values.shape != result.before.values.shape:
            raise McnetError(
                f"an image of the correction has {volume.values.shape} voxels where the scan has "
                f"{result.before.values.shape}; correct the scan again on its own grid."
            )


def _rounded_up(number: float) -> float:
    """Two leading digits, rounded up, so that a scale ends at a number that reads well."""
    if not number > 0:
        return 0.0
    step = 10.0 ** (np.floor(np.log10(number)) - 1)
    return float(np.ceil(number / step - 1e-9) * step)
