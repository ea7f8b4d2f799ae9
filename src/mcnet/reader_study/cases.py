"""What is read: cases, each in several versions, wherever they come from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from mcnet.core.errors import McnetError

REFERENCE = "reference"
CORRUPTED = "corrupted"


@dataclass(frozen=True)
class Case:
    """What the versions of one image have in common."""

    name: str
    subject: str
    severity: float = float("nan")
    """How bad the corrupted version is, for strata; the greater the worse. NaN: unknown."""


@dataclass(frozen=True, eq=False)
class CaseImages:
    """Every version of one case, as it is looked at."""

    frames: Mapping[str, Float32[np.ndarray, "n_frames rows columns"]]
    """By version: the slices to scroll through, or one; first row on top."""
    pixel_mm: tuple[float, float]
    """Height and width of a pixel."""
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """By version and metric: its score against the reference, where there is one."""


@runtime_checkable
class CaseSource(Protocol):
    """A place that cases come from: a run of `mcnet reproduce`, or folders of scans."""

    @property
    def cases(self) -> Sequence[Case]:
        """Every case that can be drawn."""

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions that every case has, worst known first."""

    @property
    def inputs(self) -> Mapping[str, Path]:
        """The files that decide what the images are, for the provenance."""

    def images(self, chosen: Sequence[int]) -> Iterator[CaseImages]:
        """The images of the cases with these indices, in this order."""


def check_same_shapes(case: Case, images: CaseImages) -> None:
    """Refuse versions of different shapes: the size of an image would tell which one it is.

    Raises
    ------
    McnetError
        Two versions of the case differ in shape.
    """
    shapes = {version: frames.shape for version, frames in images.frames.items()}
    if len(set(shapes.values())) > 1:
        listed = ", ".join(
            f"{version} {'x'.join(map(str, shape))}" for version, shape in shapes.items()
        )
        raise McnetError(
            f"the versions of {case.name} differ in shape ({listed}), which would tell them "
            "apart; resample them onto one grid first."
        )


def chosen_versions(known: Sequence[str], asked: Sequence[str]) -> tuple[str, ...]:
    """The versions asked for, or all.

    Raises
    ------
    McnetError
        One is not there, is named twice, or only one would be left.
    """
    unknown = [version for version in asked if version not in known]
    if unknown:
        raise McnetError(f"there is no version {unknown[0]!r}; choose from {', '.join(known)}.")
    chosen = tuple(asked) or tuple(known)
    if len(set(chosen)) < len(chosen) or len(chosen) < 2:
        raise McnetError(
            f"the versions are {', '.join(chosen)}; name two or more, each once, to be compared."
        )
    return chosen
