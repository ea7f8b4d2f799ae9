"""Markdown of what was measured: tables, targets, and the versions it was measured with."""

import platform
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

from mcnet.core.engine import n_cores

PACKAGES = (
    "mcnet",
    "finufft",
    "numpy",
    "scipy",
    "torch",
    "torchkbnufft",
    "mri-nufft",
    "torchio",
    "onnxruntime",
    "openvino",
    "zarr",
    "dask",
    "distributed",
)
_BUSY = 0.25
"""Load a core from which on times of threads that wait for one another mean little."""


@dataclass(frozen=True)
class Target:
    """A number that was promised, and the one that was found."""

    promise: str
    found: float
    kept: bool

    @property
    def row(self) -> tuple[str, str, str]:
        """Cells of the table of targets."""
        return self.promise, f"{self.found:.2f}", "yes" if self.kept else "**no**"


@dataclass(frozen=True)
class Section:
    """One benchmark's part of the page."""

    title: str
    paragraphs: Sequence[str]
    """Markdown: what is compared, tables, remarks."""
    targets: Sequence[Target] = field(default=())

    @property
    def markdown(self) -> str:
        """The whole of it."""
        parts = [f"## {self.title}", *self.paragraphs]
        if self.targets:
            head = ("target", "found", "met")
            parts.append(table(head, [target.row for target in self.targets]))
        return "\n\n".join(parts) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Markdown table; the first column is text, the others are to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *rows))


def busy_load() -> float:
    """Return the load from which on the machine is too busy to measure on."""
    return _BUSY * n_cores()


def machine(load: float) -> str:
    """Cores, the load before the first benchmark, and versions, in a paragraph."""
    versions = []
    busy = " **The machine was busy: make this page again on one that is not.**"
    for name in PACKAGES:
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            versions.append(f"{name} not installed")
    return (
        f"{n_cores()} cores ({platform.machine()}), load {load:.1f} before the first run."
        f"{busy if load > busy_load() else ''} Python {platform.python_version()}; "
        f"{', '.join(versions)}."
    )


def show(section: Section) -> None:
    """Print a section."""
    sys.stdout.write(section.markdown + "\n")
    sys.stdout.flush()
