"""The motion of a scan, found from its raw k-space: `mcnet.motion_search`, with several coils.

Several coils are first combined into one image's k-space, by their maps. That mixes neighbouring
lines a little, which have other poses. What the exact operator of coils says to be missing is then
added to the combined k-space, and the search goes on: where nothing is missing any more, the poses
explain every coil.
"""

from concurrent.futures import ThreadPoolExecutor
from os import cpu_count

import numpy as np
from jaxtyping import Complex64

from mcnet.fourier import centred_fft, centred_ifft
from mcnet.motion_search.batched_scan import UNITS, Images, Kspace
from mcnet.motion_search.coarse_to_fine import CoarseToFine, SearchSettings, continued, in_place
from mcnet.motion_search.joint import State
from mcnet.motion_search.mirrored import alike
from mcnet.progress import OnProgress
from mcnet.reconstruction.operator import CoilScan
from mcnet.simulation.in_plane import Poses, SliceGrid

CoilKspace = Complex64[np.ndarray, "n_coils n_slices rows columns"]
_PLANE = (-2, -1)
_N_COIL_ROUNDS = 3
"""How often what several coils miss is added, after the first search, and..."""
_N_ROUND_STEPS = 8
"""...steps after each time, at most."""
_SPURIOUS_MM = 0.035
"""Root mean square of what lines ``k`` and ``-k`` are found to share for nothing (tuning scans)."""


def find_motion(
    kspace: CoilKspace,
    maps: CoilKspace,
    grid: SliceGrid,
    first: Images,
    *,
    settings: SearchSettings | None = None,
    on_progress: OnProgress | None = None,
) -> Poses:
    """Poses within the plane, one a line, that all slices share; the same for the same k-space.

    They are measured from their mean, so that the head lies where ``first`` shows it.

    Parameters
    ----------
    kspace
        Divided by the root of the number of samples.
    maps
        Of the coils, in place; they carry the phase, so that images are real. Their root of sum of
        squares is 1.
    first
        What a network makes of the slices, or the slices as they are; on the scale of ``kspace``.
    """
    settings = settings or SearchSettings()
    scale = np.float32(np.percentile(first, 99.9)) or np.float32(1)
    kspace, first = kspace / scale, (first / scale).astype(np.float32)
    n_rounds = _N_COIL_ROUNDS if len(maps) > 1 else 0
    with ThreadPoolExecutor(cpu_count()) as pool:
        further = n_rounds * _N_ROUND_STEPS
        search = CoarseToFine(grid, first, settings, pool, on_progress, further)
        state = search.polished(search.to_full_resolution(combined(kspace, maps)))
        for _ in range(n_rounds):
            state = _with_what_coils_miss(search, state, kspace, maps)
    poses = in_place(continued(state.poses_mm * UNITS, grid), first, grid)
    return _less_uncertain(poses)


def _less_uncertain(poses: Poses) -> Poses:
    """Poses whose part that line ``k`` and ``-k`` share has shrunk by what of it is spurious.

    That part is told by the total variation alone, and some of it is found in still heads too: so
    it shrinks by the share of its variance that this makes up (James and Stein 1961).
    """
    shared = alike(poses)
    squared_mm = float(((shared / UNITS) ** 2).sum(axis=1).mean())
    return np.asarray(poses - min(_SPURIOUS_MM**2 / max(squared_mm, 1e-12), 1) * shared)


def combined(kspace: CoilKspace, maps: CoilKspace) -> Kspace:
    """K-space of the one image that the coils see together."""
    images = centred_ifft(kspace, _PLANE) * maps.conj()
    return np.asarray(centred_fft(images.sum(axis=0), _PLANE), np.complex64)


def _with_what_coils_miss(
    search: CoarseToFine, state: State, kspace: CoilKspace, maps: CoilKspace
) -> State:
    """State that is nearer to explaining every coil by itself."""
    exact = CoilScan(search.grid, maps, state.poses_mm * UNITS)
    missing = combined(kspace - exact.kspace(state.images), maps)
    wanted = state.scan.kspace(state.images) + missing
    problem = search.problem(wanted, search.grid, search.first)
    again = problem.state(state.images, state.poses_mm)
    return search.minimised(problem, again, _N_ROUND_STEPS)
