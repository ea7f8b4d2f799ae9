"""Figures on the page of a reconstruction: images, motion over time, what stays unexplained."""

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from mcnet.io.volume import Volume
from mcnet.reconstruction.data_consistency import REJECTED_RESIDUAL
from mcnet.reconstruction.outcome import Reconstruction
from mcnet.report.planes import PLANES
from mcnet.report.style import BLUE, GREY, VERMILION

_FREEDOMS = (("x", BLUE), ("y", VERMILION), ("z", GREY))
_WINDOW = 99.5
"""Percentile of the scanned image that is white."""
_SMALLEST_SHARE = 1e-4
"""What stays unexplained of a line where single precision is all that speaks against it."""


def images_figure(result: Reconstruction) -> Figure:
    """Three planes by: as scanned, network (if any), reconstructed, and the difference made."""
    columns: list[tuple[str, Volume]] = [("as scanned", result.corrupted)]
    if result.network is not None:
        columns.append(("network", result.network))
    columns.append(("reconstructed", result.image))
    white = float(np.percentile(result.corrupted.values, _WINDOW)) or 1.0
    figure = Figure(figsize=(2.4 * (len(columns) + 1), 7), layout="constrained")
    grid = figure.subplots(len(PLANES), len(columns) + 1, squeeze=False)
    for row, plane in zip(grid, PLANES, strict=True):
        middle = result.image.values.shape[plane.axis] // 2
        width, height = plane.size_mm(result.image)
        slices = [plane.slice_of(volume.values, middle) for _, volume in columns]
        aspect = (height / slices[0].shape[0]) / (width / slices[0].shape[1])
        for axis, (title, _), image in zip(row, columns, slices, strict=False):
            axis.imshow(image, cmap="gray", vmin=0, vmax=white, aspect=aspect)
            axis.set_title(title if plane is PLANES[0] else "")
        change = slices[-1] - slices[0]
        row[-1].imshow(change, cmap="gray", vmin=-white / 2, vmax=white / 2, aspect=aspect)
        row[-1].set_title("difference" if plane is PLANES[0] else "")
        row[0].set_ylabel(plane.name)
        for axis in row:
            axis.set(xticks=[], yticks=[])
    return figure


def motion_figure(result: Reconstruction) -> Figure:
    """Shifts and turns over time, with bands of two standard deviations where there are any."""
    motion, deviation = result.motion, _deviation_in_time(result)
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    shifts, turns = figure.subplots(1, 2)
    time = np.arange(motion.n_points)
    for axis, values, spread in (
        (shifts, motion.translation_mm, deviation[0]),
        (turns, motion.rotation_deg, deviation[1]),
    ):
        moving = [k for k in range(len(_FREEDOMS)) if values[:, k].any()]
        for index in moving:
            name, colour = _FREEDOMS[index]
            axis.plot(time, values[:, index], color=colour, label=name, linewidth=1)
        axis.set_ylim(axis.get_ylim())  # by the motion: near the centre a band may have no end
        for index in moving:
            low, high = (values[:, index] + sign * 2 * spread[:, index] for sign in (-1, 1))
            colour = _FREEDOMS[index][1]
            axis.fill_between(time, low, high, color=colour, alpha=0.25, linewidth=0)
    shifts.set(xlabel="line, in order of time", ylabel="shift (mm)")
    turns.set(xlabel="line, in order of time", ylabel="turn (degrees)")
    for axis in (shifts, turns):
        if axis.get_legend_handles_labels()[0]:
            axis.legend()
    return figure


def residual_figure(result: Reconstruction) -> Figure:
    """Unexplained share of each line by its place in k-space; lines that count less are marked."""
    figure = Figure(figsize=(9, 2.4), layout="constrained")
    axis = figure.subplots()
    place = np.arange(len(result.line_residual)) - len(result.line_residual) // 2
    percent = 100 * _shown_residual(result)
    axis.bar(place, percent, width=1, color=BLUE)
    if result.line_weight is not None:
        less = result.line_weight < 1
        axis.plot(place[less], percent[less], "o", color=VERMILION, fillstyle="none")
        axis.axhline(100 * REJECTED_RESIDUAL, color=GREY, linewidth=0.8, linestyle="--")
    axis.set(xlabel="line, from the centre of k-space", ylabel="unexplained (%)")
    axis.set_xlim(place[0] - 0.5, place[-1] + 0.5)
    axis.set_ylim(0, 1.15 * float(percent.max()))  # by what is shown: it may be a percent or all
    return figure


def is_unexplained(result: Reconstruction) -> bool:
    """Whether anything that a chart can show stays unexplained of any line."""
    return bool(_shown_residual(result).max() > _SMALLEST_SHARE)


def _shown_residual(result: Reconstruction) -> Float[np.ndarray, "n_lines"]:
    """Unexplained share of each line, without the one that no real image can explain.

    Of an even number of lines the first has no mirror line, by which phase is told from motion.
    """
    shown = result.line_residual.copy()
    if len(shown) % 2 == 0:
        shown[0] = 0.0
    return shown


def _deviation_in_time(result: Reconstruction) -> tuple[np.ndarray, np.ndarray]:
    """Standard deviations of shifts (mm) and turns (degrees) in the order of time, zero if none."""
    none = np.zeros_like(result.motion.translation_mm)
    spread = result.motion_deviation
    return (none, none) if spread is None else (spread.translation_mm, spread.rotation_deg)
