"""Figures on the page of a reconstruction: images, motion over time, residual of the lines."""

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from mcnet.io.volume import Volume
from mcnet.reconstruction.data_consistency import REJECTED_RESIDUAL
from mcnet.reconstruction.outcome import Reconstruction
from mcnet.report.planes import PLANES
from mcnet.report.style import BLUE, GREY, VERMILION

_AXES = (("x", BLUE), ("y", VERMILION), ("z", GREY))
_WINDOW = 99.5
"""Percentile of the scanned image that is shown white."""
_ROUNDING = 1e-4
"""Relative residual that rounding in single precision leaves of a line that is explained."""


def images_figure(result: Reconstruction) -> Figure:
    """Middle slices of three planes: scanned, initial (if any), reconstructed, and difference."""
    columns: list[tuple[str, Volume]] = [("as scanned", result.corrupted)]
    if result.initial_image is not None:
        columns.append(("initial image", result.initial_image))
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
    """Translations and rotations over time, with bands of two standard deviations if known."""
    motion, deviation = result.motion, _deviation_in_time(result)
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    translations, rotations = figure.subplots(1, 2)
    time = np.arange(motion.n_points)
    for axis, values, spread in (
        (translations, motion.translation_mm, deviation[0]),
        (rotations, motion.rotation_deg, deviation[1]),
    ):
        moving = [k for k in range(len(_AXES)) if values[:, k].any()]
        for index in moving:
            name, colour = _AXES[index]
            axis.plot(time, values[:, index], color=colour, label=name, linewidth=1)
        axis.set_ylim(axis.get_ylim())  # by the motion: near the centre a band may be unbounded
        for index in moving:
            low, high = (values[:, index] + sign * 2 * spread[:, index] for sign in (-1, 1))
            colour = _AXES[index][1]
            axis.fill_between(time, low, high, color=colour, alpha=0.25, linewidth=0)
    translations.set(xlabel="line, in order of time", ylabel="translation (mm)")
    rotations.set(xlabel="line, in order of time", ylabel="rotation (degrees)")
    for axis in (translations, rotations):
        if axis.get_legend_handles_labels()[0]:
            axis.legend()
    return figure


def residual_figure(result: Reconstruction) -> Figure:
    """Relative residual of each line by its place in k-space; rejected lines are marked."""
    figure = Figure(figsize=(9, 2.4), layout="constrained")
    axis = figure.subplots()
    place = np.arange(len(result.line_residual)) - len(result.line_residual) // 2
    percent = 100 * _shown_residual(result)
    axis.bar(place, percent, width=1, color=BLUE)
    if result.line_weight is not None:
        rejected = result.line_weight < 1
        axis.plot(place[rejected], percent[rejected], "o", color=VERMILION, fillstyle="none")
        axis.axhline(100 * REJECTED_RESIDUAL, color=GREY, linewidth=0.8, linestyle="--")
    axis.set(xlabel="line, from the centre of k-space", ylabel="relative residual (%)")
    axis.set_xlim(place[0] - 0.5, place[-1] + 0.5)
    axis.set_ylim(0, 1.15 * float(percent.max()))  # it may be one percent or a hundred
    return figure


def has_residual(result: Reconstruction) -> bool:
    """Whether any line has a residual beyond rounding."""
    return bool(_shown_residual(result).max() > _ROUNDING)


def _shown_residual(result: Reconstruction) -> Float[np.ndarray, "n_lines"]:
    """Relative residual of each line; of an even number of lines 0 for the first.

    That one has no conjugate line, so that a real image cannot explain it.
    """
    shown = result.line_residual.copy()
    if len(shown) % 2 == 0:
        shown[0] = 0.0
    return shown


def _deviation_in_time(result: Reconstruction) -> tuple[np.ndarray, np.ndarray]:
    """Standard deviations of translations and rotations in the order of time, zero if unknown."""
    none = np.zeros_like(result.motion.translation_mm)
    spread = result.motion_deviation
    return (none, none) if spread is None else (spread.translation_mm, spread.rotation_deg)
