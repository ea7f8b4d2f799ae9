"""Poses of all lines from raw k-space: `mcnet.motion_estimation` with several coils.

The coils are first combined into the k-space of one image by their maps (SENSE with factor 1).
Multiplication by a map is a convolution in k-space, which mixes neighbouring lines of other poses.
Therefore the residual of the exact SENSE operator is then combined too and added, and the
estimation goes on: once that residual vanishes, the poses explain every coil.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
from jaxtyping import Complex64, Float32

from mcnet.core.engine import n_threads_at_most
from mcnet.core.progress import OnProgress
from mcnet.datasets.head_slices import spread_slices
from mcnet.motion_estimation.coarse_to_fine import (
    OF_VOLUMES,
    CoarseToFine,
    SearchSettings,
    continued,
    in_place,
)
from mcnet.motion_estimation.joint import Images, Kspace, State
from mcnet.motion_estimation.resolutions import resampled, with_voxels
from mcnet.motion_estimation.shared_motion import filtered, shrunk
from mcnet.physics.fourier import centred_fft, centred_ifft
from mcnet.physics.line_poses import LinePoses, from_mm
from mcnet.reconstruction.moving_scan import MovingScan
from mcnet.reconstruction.sense_operator import SenseOperator

CoilKspace = Complex64[np.ndarray, "n_coils n_images *shape"]
ACROSS_LINES_MM = 2.0
"""Voxel size across the lines in which the motion of a volume is estimated. With larger voxels the
Hermitian-even part of the poses (common to the lines ``k`` and ``-k``), which the total variation
alone determines, is less accurate."""
_N_COIL_ROUNDS = 3
"""How often the residual of several coils is added after the first estimation, and..."""
_N_ROUND_STEPS = 8
"""...steps after each time, at most."""
# tuned, by a script that was not kept; neighbours: experiments/tuning/shared_motion.py
_SHRUNK = {
    "in-plane": partial(shrunk, spurious_mm=0.035),
    "six-dof": partial(filtered, spurious_mm=0.03),
}
"""Shrinkage of the Hermitian-even part of the poses (James-Stein in a plane, Wiener filter in
space), by its spurious size on tuning scans."""


def searched_part(
    moving: MovingScan, first: Images, n_images: int
) -> tuple[MovingScan, Float32[np.ndarray, "n_searched *smaller"]]:
    """Part of the scan that the motion is estimated from: some slices, or larger voxels.

    It has all lines. Across the lines the centre of k-space suffices.
    """
    if moving.grid.n_rotations == 1:
        chosen = spread_slices(first, n_images)
        kspace = np.ascontiguousarray(moving.kspace[:, chosen])
        return replace(moving, kspace=kspace), first[chosen]
    sizes = [ACROSS_LINES_MM] * 3
    sizes[moving.grid.line_axis] = 0.0
    part = moving.central(with_voxels(moving.grid, sizes).shape)
    return part, resampled(first, part.grid.shape)


def estimate_motion(
    moving: MovingScan,
    maps: CoilKspace,
    first: Images,
    *,
    settings: SearchSettings | None = None,
    on_progress: OnProgress | None = None,
) -> LinePoses:
    """Poses of all lines, which all images share; deterministic.

    They are relative to their mean, so that the head lies where ``first`` shows it.

    Parameters
    ----------
    moving
        K-space: slices that move within their plane, or a volume with six degrees of freedom.
    maps
        Coil sensitivities with the phase, so that images are real; their root of sum of squares is
        1.
    first
        Initial images, on the scale of the k-space.
    settings
        The default of slices, or of volumes, if absent.
    on_progress
        Told of steps.
    """
    if settings is None:
        settings = SearchSettings() if moving.grid.n_rotations == 1 else OF_VOLUMES
    scale = np.float32(np.percentile(first, 99.9)) or np.float32(1)
    grid, kspace, first = moving.grid, moving.kspace / scale, (first / scale).astype(np.float32)
    n_rounds = _N_COIL_ROUNDS if len(maps) > 1 else 0
    with ThreadPoolExecutor(n_threads_at_most()) as pool:
        further = n_rounds * _N_ROUND_STEPS
        search = CoarseToFine(grid, first, settings, pool, on_progress, further)
        state = search.polished(search.to_full_resolution(combined(kspace, maps)))
        for _ in range(n_rounds):
            state = _with_coil_residual(search, state, kspace, maps)
    poses = in_place(continued(from_mm(state.poses_mm), grid), first, grid)
    return in_place(_SHRUNK[moving.motion_model](poses), first, grid)


def combined(kspace: CoilKspace, maps: CoilKspace) -> Kspace:
    """K-space of the image that the coils give together, by the conjugate maps."""
    images = centred_ifft(kspace, range(2, kspace.ndim)) * maps.conj()
    return np.asarray(centred_fft(images.sum(axis=0), range(1, kspace.ndim - 1)), np.complex64)


def _with_coil_residual(
    search: CoarseToFine, state: State, kspace: CoilKspace, maps: CoilKspace
) -> State:
    """State after steps on the combined k-space with the residual of every coil added."""
    exact = SenseOperator(search.grid, maps, from_mm(state.poses_mm))
    residual = combined(kspace - exact.kspace(state.images), maps)
    target = state.scan.kspace(state.images) + residual
    problem = search.problem(target, search.grid, search.first)
    again = problem.state(state.images, state.poses_mm)
    return search.minimised(problem, again, _N_ROUND_STEPS)
