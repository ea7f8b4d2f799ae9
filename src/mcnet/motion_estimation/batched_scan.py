"""The scan of many slices that move alike, a batch of them on each core, with poses in mm."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from jaxtyping import Complex64, Float, Float32

from mcnet.physics.broadcasting import along_axis
from mcnet.physics.in_plane import InPlaneScan, SliceGrid
from mcnet.physics.line_poses import InPlanePoses, derivatives_by_mm, from_mm

Images = Float32[np.ndarray, "n_slices rows columns"]
Kspace = Complex64[np.ndarray, "n_slices rows columns"]

_TOGETHER = 6
"""Slices that one thread works on at once: sums do not depend on how many cores there are."""


class BatchedScan:
    """`InPlaneScan` of many slices, a batch a thread."""

    def __init__(
        self,
        grid: SliceGrid,
        n_slices: int,
        poses_mm: InPlanePoses,
        pool: ThreadPoolExecutor,
        kind: Callable[..., InPlaneScan] = InPlaneScan,
    ) -> None:
        self.grid, self._pool = grid, pool
        starts = range(0, n_slices, _TOGETHER)
        self._parts = [slice(start, min(start + _TOGETHER, n_slices)) for start in starts]
        poses = from_mm(poses_mm)
        self._scans = [kind(grid, part.stop - part.start, poses) for part in self._parts]
        self.within_band = self._scans[0].within_band

    def kspace(self, images: Images) -> Kspace:
        """K-space of slices that move."""
        return np.concatenate(self._all(lambda scan, part: scan.kspace(part), images))

    def adjoint(self, kspace: Kspace) -> Images:
        """Adjoint of `kspace` for real images."""
        return np.concatenate(self._all(lambda scan, part: scan.adjoint(part).real, kspace))

    def derivatives(self, images: Images) -> Complex64[np.ndarray, "3 n_slices rows columns"]:
        """As `InPlaneScan.derivatives`, by poses in mm."""
        parts = self._all(lambda scan, part: derivatives_by_mm(scan.derivatives(part)), images)
        return np.concatenate(parts, axis=1)

    def changed_kspace(
        self,
        change: Images,
        pose_step: Float[np.ndarray, "n_lines 3"],
        derivatives: Complex64[np.ndarray, "3 n_slices rows columns"],
    ) -> Kspace:
        """How k-space within the band changes with the slices, and with the poses, in mm."""
        of_dof = [along_axis(one, self.grid.line_axis, 2) for one in pose_step.T.astype(np.float32)]

        def work(scan: InPlaneScan, part: Images, *of_part: np.ndarray) -> Kspace:
            lines = scan.kspace(part)
            for derivative, by in zip(of_part, of_dof, strict=True):
                lines += derivative * by
            lines *= self.within_band
            return lines

        return np.concatenate(self._all(work, change, *derivatives))

    def of_lines(self, one: Kspace, other: Kspace) -> Float[np.ndarray, "n_lines"]:
        """Real part of the inner product of two along each line, over all slices."""
        parts = self._all(lambda scan, *both: scan.of_lines(*both), one, other)
        return np.asarray(np.sum(parts, axis=0))

    def _all(self, task: Callable[..., np.ndarray], *arrays: np.ndarray) -> list[np.ndarray]:
        def work(number: int) -> np.ndarray:
            return task(self._scans[number], *(one[self._parts[number]] for one in arrays))

        return list(self._pool.map(work, range(len(self._scans))))
