"""A subject made ready for simulation: still slices, and the references that belong to them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Complex64, Float, Float32

from mcnet.core.engine import ALL_CORES, Engine
from mcnet.datasets.masks import head_mask
from mcnet.datasets.pairs.design import PairsDesign
from mcnet.io.head_size import check_no_aliasing
from mcnet.io.volume import Volume
from mcnet.metrics.scale import intensity_scale
from mcnet.motion.trace import MotionTrace
from mcnet.physics.acquisition import Acquisition
from mcnet.physics.simulator import (
    corrupt_still_slices,
    image_at_rest,
    slices_to_corrupt,
    still_slices,
)


@dataclass(frozen=True, eq=False)
class PreparedSubject:
    """What all simulated scans of a subject share, made once.

    Intensities are on the subject's scale, on which the 99.9th percentile of the kept reference
    slices is 1.
    """

    name: str
    still: Complex64[np.ndarray, "n_slices y z"]
    """The slices at rest, imaged along x and in plane on the grid of the scan."""
    voxel_size_mm: tuple[float, float, float]
    """Of the scan."""
    references: Float32[np.ndarray, "n_slices n_y n_z"]
    """Motion-free magnitude images."""
    heads: Bool[np.ndarray, "n_slices n_y n_z"]
    """True inside the head."""
    kept: Bool[np.ndarray, "n_slices"]
    """False for boundary slices, which no pair is made of."""
    positions_mm: Float[np.ndarray, "n_slices"]
    """Places of the slices along x."""
    _ready: dict[str, Any] = field(default_factory=dict, init=False, repr=False)
    """The slices made ready for the engine that was used last, once they were asked for."""

    def scanned(
        self, motion: MotionTrace, acquisition: Acquisition, engine: Engine = ALL_CORES
    ) -> Float32[np.ndarray, "n_slices n_y n_z"]:
        """Magnitude images of the slices while the subject moves within their plane.

        Raises
        ------
        McnetError
            The motion leaves the plane, or has another number of poses than lines are acquired.
        """
        if self._ready.get("engine") != engine:
            slices = slices_to_corrupt(self.still, self.voxel_size_mm, engine)
            self._ready.update(engine=engine, slices=slices)
        images = corrupt_still_slices(self._ready["slices"], motion, acquisition)
        return np.asarray(np.abs(images))

    def __getstate__(self) -> dict[str, Any]:
        """Return what goes to other processes; they make ready for themselves."""
        return self.__dict__ | {"_ready": {}}

    def input_scale(self, scan: Float32[np.ndarray, "n_slices n_y n_z"]) -> float:
        """Return the 99.9th percentile of a scan's kept slices: the scale that a user knows."""
        return intensity_scale(scan[self.kept])


def prepare_subject(
    volume: Volume, design: PairsDesign, acquisition: Acquisition
) -> PreparedSubject:
    """Slices, references and head masks of one scan.

    Raises
    ------
    McnetError
        The scan is dark or constant, or does not fit the field of view.
    """
    check_no_aliasing(volume, acquisition)
    size = volume.voxel_size_mm
    whole_head = head_mask(np.abs(image_at_rest(volume.values, size, acquisition)))
    positions = design.positions_mm(whole_head, acquisition)
    nearest = np.abs(acquisition.axis_positions_mm("x")[:, None] - positions).argmin(axis=0)
    heads = whole_head[nearest]
    kept = design.kept(heads)
    references = np.abs(image_at_rest(volume.values, size, acquisition, positions_mm=positions))
    scale = np.float32(intensity_scale(references[kept]))
    return PreparedSubject(
        name=volume.name,
        still=still_slices(volume.values / scale, size, acquisition, positions),
        voxel_size_mm=size,
        references=references / scale,
        heads=heads,
        kept=kept,
        positions_mm=positions,
    )
