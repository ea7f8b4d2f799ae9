"""The motion of a scan, found from its raw k-space: `mcnet.motion_estimation`, with several coils.

Several coils are first combined into one image's k-space, by their maps. That mixes neighbouring
lines a little, which have other poses. What the exact operator of coils says to be missing is then
added to the combined k-space, and the search goes on: where nothing is missing any more, the poses
explain every coil.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
from jaxtyping import Complex64, Float32

from mcnet.core.engine import n_threads_at_most
from mcnet.core.progress import OnProgress
from mcnet.correction.head_slices import spread_slices
from mcnet.motion_estimation.coarse_to_fine import (
    OF_VOLUMES,
    CoarseToFine,
    SearchSettings,
    continued,
    in_place,
)
from mcnet.motion_estimation.joint import Images, Kspace, State
from mcnet.motion_estimation.pose_units import from_mm
from mcnet.motion_estimation.resolutions import resampled, with_voxels
from mcnet.motion_estimation.shared_motion import filtered, shrunk
from mcnet.physics.fourier import centred_fft, centred_ifft
from mcnet.physics.operators import LinePoses
from mcnet.reconstruction.operator import CoilScan
from mcnet.reconstruction.routes import Route

CoilKspace = Complex64[np.ndarray, "n_coils n_images *shape"]
ACROSS_LINES_MM = 2.0
"""Voxels in which the motion of a volume is looked for: where they are larger, shifts and turns
that lines ``k`` and ``-k`` share, which total variation alone tells, are found less well."""
_N_COIL_ROUNDS = 3
"""How often what several coils miss is added, after the first search, and..."""
_N_ROUND_STEPS = 8
"""...steps after each time, at most."""
# tuned, by a script that was not kept; neighbours: experiments/tuning/shared_motion.py
_WITHOUT_SPURIOUS = {
    "in-plane": partial(shrunk, spurious_mm=0.035),
    "six-dof": partial(filtered, spurious_mm=0.03),
}
"""What lines ``k`` and ``-k`` are found to share for nothing, on tuning scans."""


def part_to_search(
    route: Route, first: Images, n_images: int
) -> tuple[Route, Float32[np.ndarray, "n_searched *smaller"]]:
    """Enough to find the motion by: some of the slices, or a volume of larger voxels.

    Lines are all there. Across them the centre of k-space tells the poses.
    """
    if route.grid.n_rotations == 1:
        chosen = spread_slices(first, n_images)
        kspace = np.ascontiguousarray(route.kspace[:, chosen])
        return replace(route, kspace=kspace), first[chosen]
    sizes = [ACROSS_LINES_MM] * 3
    sizes[route.grid.line_axis] = 0.0
    part = route.central(with_voxels(route.grid, sizes).shape)
    return part, resampled(first, part.grid.shape)


def find_motion(
    route: Route,
    maps: CoilKspace,
    first: Images,
    *,
    settings: SearchSettings | None = None,
    on_progress: OnProgress | None = None,
) -> LinePoses:
    """Poses, one a line, that all images share; the same for the same k-space.

    They are measured from their mean, so that the head lies where ``first`` shows it.

    Parameters
    ----------
    route
        K-space: slices that move within their plane, or a volume with six degrees of freedom.
    maps
        Of the coils, in place; they carry the phase, so that images are real. Their root of sum of
        squares is 1.
    first
        What a network makes of the images, or the images as they are; on the scale of the k-space.
    """
    if settings is None:
        settings = SearchSettings() if route.grid.n_rotations == 1 else OF_VOLUMES
    scale = np.float32(np.percentile(first, 99.9)) or np.float32(1)
    grid, kspace, first = route.grid, route.kspace / scale, (first / scale).astype(np.float32)
    n_rounds = _N_COIL_ROUNDS if len(maps) > 1 else 0
    with ThreadPoolExecutor(n_threads_at_most()) as pool:
        further = n_rounds * _N_ROUND_STEPS
        search = CoarseToFine(grid, first, settings, pool, on_progress, further)
        state = search.polished(search.to_full_resolution(combined(kspace, maps)))
        for _ in range(n_rounds):
            state = _with_what_coils_miss(search, state, kspace, maps)
    poses = in_place(continued(from_mm(state.poses_mm), grid), first, grid)
    return in_place(_WITHOUT_SPURIOUS[route.name](poses), first, grid)


def combined(kspace: CoilKspace, maps: CoilKspace) -> Kspace:
    """K-space of the one image that the coils see together."""
    images = centred_ifft(kspace, range(2, kspace.ndim)) * maps.conj()
    return np.asarray(centred_fft(images.sum(axis=0), range(1, kspace.ndim - 1)), np.complex64)


def _with_what_coils_miss(
    search: CoarseToFine, state: State, kspace: CoilKspace, maps: CoilKspace
) -> State:
    """State that is nearer to explaining every coil by itself."""
    exact = CoilScan(search.grid, maps, from_mm(state.poses_mm))
    missing = combined(kspace - exact.kspace(state.images), maps)
    wanted = state.scan.kspace(state.images) + missing
    problem = search.problem(wanted, search.grid, search.first)
    again = problem.state(state.images, state.poses_mm)
    return search.minimised(problem, again, _N_ROUND_STEPS)
