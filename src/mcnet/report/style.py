"""One look for all figures, and files whose bytes depend on what they show alone."""

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mcnet.core.writing import written_whole

DPI = 150
BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, GREY = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#6B6B6B",
)
"""Okabe and Ito's colours, distinct in every colour vision."""
CYCLE = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, GREY)

_SETTINGS: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: one look on every machine
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.labelsize": 9.0,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.hashsalt": "mcnet",
    "svg.fonttype": "path",
}
_METADATA: dict[str, dict[str, str | None]] = {
    ".png": {"Software": "mcnet"},
    ".svg": {"Date": None, "Creator": "mcnet"},
}


@contextmanager
def style() -> Iterator[None]:
    """Lend matplotlib this look; whatever was set before is set again at the end."""
    with mpl.rc_context(_SETTINGS):
        yield


def save_figure(figure: Figure, folder: Path, name: str) -> tuple[Path, Path]:
    """Write a figure as ``name.png`` (150 dpi) and ``name.svg``; equal figures give equal bytes."""
    paths = (folder / f"{name}.png", folder / f"{name}.svg")
    for path in paths:
        with style(), written_whole(path) as temporary:
            figure.savefig(
                temporary, format=path.suffix[1:], dpi=DPI, metadata=_METADATA[path.suffix]
            )
    return paths


def as_data_uri(figure: Figure) -> str:
    """A figure as PNG within an address, for a page that holds all it shows."""
    stream = io.BytesIO()
    with style():
        figure.savefig(stream, format="png", dpi=DPI, metadata=_METADATA[".png"])
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def without_frame(axes: Axes) -> None:
    """Take ticks and spines from axes that show an image."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
