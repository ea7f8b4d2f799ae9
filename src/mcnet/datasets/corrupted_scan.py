"""A scan as it would have been had the subject moved, on the grid of the acquisition."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from mcnet.core.engine import ALL_CORES, Engine
from mcnet.io.head_size import check_no_aliasing
from mcnet.io.volume import Volume, resampled_affine
from mcnet.motion.trace import MotionTrace
from mcnet.physics.acquisition import Acquisition
from mcnet.physics.simulator import corrupt, image_at_rest


@dataclass(frozen=True, eq=False)
class CorruptedScan:
    """Magnitude images with and without motion, on one grid and one intensity scale."""

    corrupted: Volume
    reference: Volume
    phase_rad: Float32[np.ndarray, "x y z"]
    """Phase of the corrupted image."""


def corrupt_scan(
    scan: Volume, motion: MotionTrace, acquisition: Acquisition, engine: Engine = ALL_CORES
) -> CorruptedScan:
    """Corrupted and motion-free images of a scan, on its own axes, about its own centre.

    Raises
    ------
    McnetError
        The field of view misses the scan, or the trace has another number of points than the
        acquisition has phase-encoding lines.
    """
    check_no_aliasing(scan, acquisition)
    size = scan.voxel_size_mm
    moved = corrupt(scan.values, size, motion, acquisition, engine)
    still = image_at_rest(scan.values, size, acquisition)
    affine = resampled_affine(scan, acquisition.matrix, acquisition.voxel_size_mm)

    def volume(image: np.ndarray) -> Volume:
        return Volume(np.abs(image).astype(np.float32), affine, scan.name)

    return CorruptedScan(volume(moved), volume(still), np.angle(moved).astype(np.float32))
