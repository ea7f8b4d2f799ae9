"""Example slices as in the paper's Figures 2 and 3: images, residuals, and the motion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.image import AxesImage

from mcnet.core.errors import McnetError
from mcnet.core.writing import printable
from mcnet.metrics.similarity import ssim_whole_and_inside
from mcnet.motion.trace import MotionTrace
from mcnet.report.style import BLUE, GREEN, VERMILION, style, without_frame

Image = Float[np.ndarray, "rows columns"]

_CURVES = (
    # degree of freedom, label, colour; in the plane of a sagittal slice first
    ("rotation_deg", 0, "rotation x", VERMILION, "-"),
    ("rotation_deg", 1, "rotation y", VERMILION, "--"),
    ("rotation_deg", 2, "rotation z", VERMILION, ":"),
    ("translation_mm", 1, "translation y", BLUE, "-"),
    ("translation_mm", 2, "translation z", GREEN, "-"),
    ("translation_mm", 0, "translation x", BLUE, ":"),
)


@dataclass(frozen=True, eq=False)
class Example:
    """One sagittal slice with everything that a figure shows of it."""

    mode: str
    """Which degrees of freedom moved."""
    title: str
    """Whose slice, which trace, how severe."""
    reference: Float[np.ndarray, "rows columns"]
    """The motion-free image; rows go from posterior to anterior, columns from inferior up."""
    images: Mapping[str, Float[np.ndarray, "_ _"]]
    """Label and image in the order shown: corrupted, then models."""
    head: Bool[np.ndarray, "rows columns"]
    """True inside the head."""
    motion: MotionTrace
    """The motion, restricted to the mode: one pose per phase-encoding line."""
    scores: Mapping[str, tuple[float, float]]
    """SSIM of each image: whole, and inside the head."""

    def __post_init__(self) -> None:
        """Refuse images that do not belong together."""
        for label, image in self.images.items():
            if image.shape != self.reference.shape or label not in self.scores:
                raise McnetError(
                    f"The example's image {label!r} has shape {image.shape} and "
                    f"{'a' if label in self.scores else 'no'} score; the reference's shape "
                    f"{self.reference.shape} and a score are expected."
                )


def scored_example(
    *,
    mode: str,
    title: str,
    reference: Image,
    images: Mapping[str, Float[np.ndarray, "_ _"]],
    head: Bool[np.ndarray, "rows columns"],
    motion: MotionTrace,
) -> Example:
    """Return an example with its scores computed, data range 1."""
    scores = {
        label: ssim_whole_and_inside(reference, image, data_range=1.0, mask=head)
        for label, image in images.items()
    }
    return Example(mode, title, reference, images, head, motion, scores)


def example_figure(examples: Sequence[Example]) -> Figure:
    """Figure of one or more examples of a mode, two rows each: (a), (b), (c), ...

    Upper row: reference, corrupted, each model, with SSIM of the whole image | inside the head.
    Lower row: the motion against line number, and residuals (image - reference) on one scale.

    Raises
    ------
    McnetError
        There is no example, or they do not show the same images.
    """
    labels = [tuple(example.images) for example in examples]
    if not labels or len(set(labels)) != 1 or not labels[0]:
        raise McnetError(
            f"The examples show {sorted(set(labels))}; one or more examples with the same images "
            "are expected."
        )
    n_columns = 1 + len(labels[0])
    with style():
        figure = Figure(figsize=(1.75 * n_columns + 1.0, 4.1 * len(examples)))
        parts = figure.subfigures(len(examples), 1, squeeze=False)[:, 0]
        for letter, example, part in zip("abcdefghijklmnop", examples, parts, strict=False):
            _draw_example(part, example, f"({letter}) " if len(examples) > 1 else "")
    return figure


def _draw_example(part: SubFigure, example: Example, letter: str) -> None:
    """Draw the two rows of one example."""
    n_columns = 1 + len(example.images)
    part.suptitle(
        printable(letter + example.title),
        x=0.01,
        y=0.985,
        ha="left",
        fontsize=10,
        weight="bold",
        parse_math=False,  # names may hold dollar signs
    )
    width = 1.75 * n_columns + 1.0
    axes = part.subplots(
        2,
        n_columns,
        gridspec_kw={
            "left": 0.8 / width,
            "right": 1 - 0.72 / width,
            "top": 0.87,
            "bottom": 0.115,
            "wspace": 0.06,
            "hspace": 0.2,
        },
    )
    white = float(np.percentile(example.reference[example.head], 99.0))
    show_slice(axes[0, 0], example.reference, white)
    axes[0, 0].set_title("reference")
    _caption(axes[0, 0], "SSIM  whole | in head")
    draw_motion(axes[1, 0], example.motion)
    limit = residual_limit(example)
    shown = None
    for column, (label, image) in enumerate(example.images.items(), start=1):
        show_slice(axes[0, column], image, white)
        axes[0, column].set_title(label)
        whole, inside = example.scores[label]
        _caption(axes[0, column], f"{whole:.3f} | {inside:.3f}")
        shown = show_residual(axes[1, column], image - example.reference, limit)
    if shown is not None:
        _draw_scale(part, axes[1, -1], shown)


def show_slice(axes: Axes, image: Image, white: float) -> None:
    """Show a sagittal slice: anterior to the right, superior up, grey from 0 to ``white``."""
    axes.imshow(image.T, origin="lower", cmap="gray", vmin=0, vmax=white, interpolation="nearest")
    without_frame(axes)


def show_residual(axes: Axes, residual: Image, limit: float) -> AxesImage:
    """Show image - reference: red where it is too bright, blue where it is too dark."""
    shown = axes.imshow(
        residual.T, origin="lower", cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest"
    )
    without_frame(axes)
    return shown


def residual_limit(example: Example) -> float:
    """Return the end of the residuals' scale: the largest 99th percentile, in steps of 0.05."""
    largest = max(
        float(np.percentile(np.abs(image - example.reference), 99))
        for image in example.images.values()
    )
    return max(0.05, float(np.ceil(largest * 20) / 20))


def draw_motion(axes: Axes, motion: MotionTrace) -> None:
    """Draw every degree of freedom that moves against the number of its line."""
    lines = np.arange(motion.n_points)
    for name, index, label, colour, dashes in _CURVES:
        values = getattr(motion, name)[:, index]
        if np.any(values):
            axes.plot(lines, values, color=colour, linestyle=dashes, linewidth=1.1, label=label)
    translates, rotates = bool(np.any(motion.translation_mm)), bool(np.any(motion.rotation_deg))
    axes.axhline(0, color="0.75", linewidth=0.6, zorder=0)
    axes.set_xlim(0, max(motion.n_points - 1, 1))
    axes.set_box_aspect(0.86)
    axes.set_xlabel("line number", labelpad=1)
    unit = {(False, True): "rotation (deg)", (True, False): "translation (mm)"}
    axes.set_ylabel(unit.get((translates, rotates), "pose (mm, deg)"), labelpad=1)
    axes.tick_params(length=2, pad=2)
    low, high = axes.get_ylim()
    if len(axes.lines) > 2:  # more than one curve and the zero line
        axes.set_ylim(low, high + 0.55 * (high - low))
        axes.legend(
            loc="upper left", ncols=1 if len(axes.lines) < 5 else 2, fontsize=6.5,
            handlelength=1.2, labelspacing=0.15, borderpad=0.1, columnspacing=0.8,
        )  # fmt: skip


def _caption(axes: Axes, text: str) -> None:
    axes.text(0.5, -0.03, text, transform=axes.transAxes, ha="center", va="top", fontsize=8)


def _draw_scale(part: SubFigure, beside: Axes, shown: AxesImage) -> None:
    """Draw the residuals' scale to the right of the last one."""
    scale = beside.inset_axes((1.06, 0.05, 0.06, 0.9))
    bar = part.colorbar(shown, cax=scale)
    limit = float(shown.get_clim()[1])
    bar.set_ticks([-limit, 0, limit], labels=[f"−{limit:.2f}", "0", f"+{limit:.2f}"])
    bar.outline.set_linewidth(0.5)
    bar.ax.tick_params(length=2, pad=2, labelsize=7)
    bar.set_label("image − reference", fontsize=7.5, labelpad=1)
