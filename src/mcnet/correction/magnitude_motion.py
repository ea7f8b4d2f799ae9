"""The motion of a scan, found from its magnitudes: poses of all lines with which slices look still.

The Fourier transform of the magnitudes stands for the k-space that was not kept, and
`mcnet.motion_search` finds poses and still slices of little total variation that explain it. That
is not exact: a magnitude has lost how the poses of line ``k`` and line ``-k`` differ, and of the
motion the mean of both remains. For slight motion that is what the image shows; of severe motion
it is the smaller part. With the poses, `mcnet.simulation.in_plane.still_images` makes still slices
out of the scan's own: anatomy is put back, not drawn.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from os import cpu_count
from typing import Any

import numpy as np
from jaxtyping import Float32

from mcnet.fourier import centred_fft
from mcnet.motion_search.coarse_to_fine import CoarseToFine, SearchSettings, continued
from mcnet.motion_search.joint import UNITS
from mcnet.progress import OnProgress
from mcnet.simulation.acquisition import Acquisition
from mcnet.simulation.alignment import alignment_weights
from mcnet.simulation.in_plane import Poses, SliceGrid, centred_poses

Slices = Float32[np.ndarray, "n_slices rows columns"]

SEARCH = SearchSettings(n_steps=(20, 15, 8), polish=())
"""No polish with less total variation, as raw k-space has it: with magnitudes it leads away."""
_SPURIOUS_PIXELS = 0.06
"""Root mean square of the poses that are found where nothing moved, in pixels: of seven people, in
pixels of 1 to 2 mm, between .02 and .1 (validation and training people)."""
_CERTAIN = 2.5
"""So many times as much and more is motion for certain."""


@dataclass(frozen=True, eq=False)
class FoundMotion:
    """Poses that a search has found."""

    grid: SliceGrid
    poses: Poses
    """Measured from their mean, so that the head stays where the scan shows it."""
    share: float = 1.0
    """Of the poses that were found first, what is left after `believed`."""

    @property
    def spurious_mm(self) -> float:
        """What would have been found had nothing moved, as `rms_mm`."""
        return _SPURIOUS_PIXELS * float(np.mean(self.grid.pixel_mm))

    @property
    def is_certain(self) -> bool:
        """Whether far more was found than where nothing moves."""
        return self.rms_mm > _CERTAIN * self.spurious_mm

    @property
    def as_dict(self) -> dict[str, Any]:
        """What a record says of it."""
        return {
            "phase_encoding_axis": self.grid.axis,
            "rms_mm": self.rms_mm,
            "share_of_found": self.share,
        }

    @property
    def rms_mm(self) -> float:
        """Root mean square of the poses from their mean, turns as shifts at 50 mm."""
        apart = (self.poses - self.poses.mean(axis=0)) / UNITS
        return float(np.sqrt((apart**2).sum(axis=1).mean()))


def believed(found: FoundMotion) -> FoundMotion | None:
    """What is left of poses when spurious ones are counted out; nothing where there are no others.

    Poses that sharpen what was not blurred are found in every scan. So all shrink by the share of
    the variance that these make up (James and Stein 1961): the slightest motion is undone in part
    or not at all, and other motion nearly as it was found.
    """
    share = 1 - (found.spurious_mm / max(found.rms_mm, found.spurious_mm)) ** 2
    if share == 0:
        return None
    return replace(found, poses=share * found.poses, share=share)


def find_motion(
    slices: Slices,
    grid: SliceGrid,
    *,
    settings: SearchSettings = SEARCH,
    on_progress: OnProgress | None = None,
) -> FoundMotion:
    """Motion within sagittal slices, one pose a phase-encoding line; the same for the same slices.

    Parameters
    ----------
    slices
        Some of the scan's sagittal slices, of any intensity scale.
    grid
        Their pixels, and the axis along which lines were encoded.
    """
    magnitudes = np.maximum(slices / (np.percentile(slices, 99.9) or 1), 0).astype(np.float32)
    kspace = centred_fft(magnitudes, (-2, -1)) / np.sqrt(np.prod(grid.shape))
    with ThreadPoolExecutor(cpu_count()) as pool:
        search = CoarseToFine(grid, magnitudes, settings, pool, on_progress)
        state = search.polished(search.to_full_resolution(kspace.astype(np.complex64)))
    poses = continued(state.poses_mm * UNITS, grid)
    return FoundMotion(grid, centred_poses(poses, alignment_weights(magnitudes, _lines(grid))))


def _lines(grid: SliceGrid) -> Acquisition:
    rows, columns = grid.shape
    row_mm, column_mm = grid.pixel_mm
    return Acquisition((2, rows, columns), (2.0, rows * row_mm, columns * column_mm), grid.axis)
