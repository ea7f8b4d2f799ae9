"""The scan of a volume that moves in space, some of its lines on each core, with poses in mm."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from jaxtyping import Complex64, Float, Float32

from mcnet.physics.broadcasting import along_axis
from mcnet.physics.line_poses import derivatives_by_mm, from_mm
from mcnet.physics.operators import ScanGrid, ScanOperator

Volumes = Float32[np.ndarray, "1 n_x n_y n_z"]
Kspace = Complex64[np.ndarray, "1 n_x n_y n_z"]

_N_PARTS = 2
"""However many cores there are, since sums depend on it. Every part has an FFT of its own."""
_TOLERANCE = 1e-3
"""Of the transforms: what the search leaves unexplained is more."""


class VolumeInParts:
    """`ScanOperator` of one volume, with parts of the lines in threads of their own."""

    def __init__(
        self,
        grid: ScanGrid,
        poses_mm: Float[np.ndarray, "n_lines 6"],
        pool: ThreadPoolExecutor,
    ) -> None:
        self.grid, self._pool = grid, pool
        edges = np.linspace(0, grid.n_lines, _N_PARTS + 1).round().astype(int)
        self._parts = [slice(int(a), int(b)) for a, b in pairwise(edges)]
        poses = from_mm(poses_mm)
        self._scans = [
            ScanOperator(grid, 1, poses[part], lines=part, tolerance=_TOLERANCE)
            for part in self._parts
        ]
        self.within_band = self._joined([scan.within_band for scan in self._scans])

    def kspace(self, volumes: Volumes) -> Kspace:
        """K-space of a volume that moves."""
        return self._joined(self._all(lambda scan: scan.kspace(volumes)))

    def adjoint(self, kspace: Kspace) -> Volumes:
        """Adjoint of `kspace` for a real volume."""
        parts = self._all(lambda scan, part: scan.adjoint(part).real, kspace)
        return np.asarray(sum(parts[1:], start=parts[0]))

    def derivatives(self, volumes: Volumes) -> Complex64[np.ndarray, "6 1 n_x n_y n_z"]:
        """As `ScanOperator.derivatives`, by poses in mm."""
        return self._joined(self._all(lambda scan: derivatives_by_mm(scan.derivatives(volumes))))

    def changed_kspace(
        self,
        change: Volumes,
        pose_step: Float[np.ndarray, "n_lines 6"],
        derivatives: Complex64[np.ndarray, "6 1 n_x n_y n_z"],
    ) -> Kspace:
        """How k-space within the band changes with the volume, and with the poses, in mm."""
        steps = pose_step.T[:, None].astype(np.float32)
        of_dof = [along_axis(one, self.grid.line_axis, 3) for one in steps]

        def work(scan: ScanOperator, inside: np.ndarray, *more: np.ndarray) -> Kspace:
            lines = scan.kspace(change)
            of_part, by = more[: len(derivatives)], more[len(derivatives) :]
            for derivative, step in zip(of_part, by, strict=True):
                lines += derivative * step
            lines *= inside
            return lines

        return self._joined(self._all(work, self.within_band, *derivatives, *of_dof))

    def of_lines(self, one: Kspace, other: Kspace) -> Float[np.ndarray, "n_lines"]:
        """Real part of the inner product of two along each line."""
        return np.concatenate(self._all(lambda scan, *both: scan.of_lines(*both), one, other))

    def _all(self, task: Callable[..., np.ndarray], *arrays: np.ndarray) -> list[np.ndarray]:
        """What comes of each part, given those of its lines of each array."""

        def work(number: int) -> np.ndarray:
            return task(self._scans[number], *(self._lines_of(one, number) for one in arrays))

        return list(self._pool.map(work, range(len(self._scans))))

    def _lines_of(self, array: np.ndarray, number: int) -> np.ndarray:
        lines = np.moveaxis(array, self.grid.line_axis - 3, 0)[self._parts[number]]
        return np.moveaxis(lines, 0, self.grid.line_axis - 3)

    def _joined(self, parts: list[np.ndarray]) -> np.ndarray:
        return np.concatenate(parts, axis=self.grid.line_axis - 3)
