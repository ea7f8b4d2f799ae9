"""What the scanner samples, and when: matrix, field of view, and the order of the lines."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from mcnet.core.errors import McnetError
from mcnet.motion.poses import AXES, Axis

Order = Literal["sequential", "centric", "interleaved"]
ORDERS: tuple[Order, ...] = ("sequential", "centric", "interleaved")


@dataclass(frozen=True)
class Acquisition:
    """A 3D Cartesian scan; the default is the paper's.

    One repetition acquires one phase-encoding line with all its readout samples and partitions, as
    in MP-RAGE, so that one pose belongs to each phase-encoding line.
    """

    matrix: tuple[int, int, int] = (128, 128, 128)
    """Samples along x, y and z."""
    fov_mm: tuple[float, float, float] = (256.0, 256.0, 256.0)
    """Field of view along x, y and z."""
    phase_encoding_axis: Axis = "y"
    """The axis whose lines are acquired one after another."""
    order: Order = "sequential"
    """Sequential from one edge of k-space to the other, centric from the centre outward, or
    interleaved in ``n_shots`` sweeps."""
    n_shots: int = 4
    """Sweeps of an interleaved scan; the other orders take no notice of it."""

    def __post_init__(self) -> None:
        """Refuse what no scanner can do."""
        if any(n < 2 for n in self.matrix):
            raise McnetError(
                f"matrix {self.matrix} is too small; every axis needs 2 samples or more."
            )
        if any(not 0 < fov < np.inf for fov in self.fov_mm):
            raise McnetError(
                f"field of view {self.fov_mm} mm is impossible; give positive lengths."
            )
        if self.phase_encoding_axis not in AXES:
            raise McnetError(
                f"phase-encoding axis {self.phase_encoding_axis!r} is none of x, y, z."
            )
        if self.order not in ORDERS:
            raise McnetError(f"order {self.order!r} is none of {', '.join(ORDERS)}.")
        if self.order == "interleaved" and not 1 <= self.n_shots <= self.n_lines:
            raise McnetError(
                f"{self.n_shots} shots do not fit {self.n_lines} lines; give 1 to {self.n_lines}."
            )

    @property
    def n_lines(self) -> int:
        """Phase-encoding lines, each with a pose of its own."""
        return self.matrix[AXES.index(self.phase_encoding_axis)]

    @property
    def voxel_size_mm(self) -> tuple[float, float, float]:
        """Voxel size of the reconstructed image along x, y and z."""
        x, y, z = (fov / n for fov, n in zip(self.fov_mm, self.matrix, strict=True))
        return x, y, z

    @property
    def line_at_time(self) -> Int[np.ndarray, "n_lines"]:
        """The phase-encoding line acquired at each time; line ``n // 2`` is the k-space centre."""
        lines = np.arange(self.n_lines)
        if self.order == "centric":
            distance = np.abs(lines - self.n_lines // 2)
            return np.argsort(distance, kind="stable")
        if self.order == "interleaved":
            return np.concatenate([lines[shot :: self.n_shots] for shot in range(self.n_shots)])
        return lines

    @property
    def time_of_line(self) -> Int[np.ndarray, "n_lines"]:
        """The time at which each phase-encoding line is acquired: inverse of `line_at_time`."""
        return np.argsort(self.line_at_time)

    @property
    def centre_time(self) -> int:
        """The time at which the centre of k-space is acquired."""
        return int(self.time_of_line[self.n_lines // 2])

    def axis_positions_mm(self, axis: Axis) -> Float[np.ndarray, "n"]:
        """Positions of the voxel centres along an axis; voxel ``n // 2`` is the origin."""
        index = AXES.index(axis)
        n = self.matrix[index]
        return (np.arange(n) - n // 2) * self.voxel_size_mm[index]

    def axis_frequencies(self, axis: Axis) -> Float[np.ndarray, "n"]:
        """Sampled spatial frequencies along an axis in cycles/mm; sample ``n // 2`` is zero."""
        index = AXES.index(axis)
        n = self.matrix[index]
        return (np.arange(n) - n // 2) / self.fov_mm[index]
