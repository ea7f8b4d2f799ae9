"""From a route to images: block by block, by conjugate gradients or as a preview."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Complex64, Float, Float32, Shaped

from mcnet.core.progress import OnProgress, Progress
from mcnet.io.kspace import RawScan
from mcnet.io.volume import Volume
from mcnet.motion_estimation.coarse_to_fine import SearchSettings
from mcnet.physics.fourier import centred_ifft
from mcnet.reconstruction.gridding import density_weights, gridded
from mcnet.reconstruction.known_motion import Images, SolverSettings, StillHead, still_head
from mcnet.reconstruction.routes import Route

_N_TOGETHER = 8
"""Slices that are found at a time, as memory allows."""


@dataclass(frozen=True)
class ReconstructionOptions:
    """How to get from k-space to an image."""

    preview: bool = False
    """One adjoint with density weights instead of conjugate gradients."""
    solver: SolverSettings = field(default_factory=SolverSettings)
    search: SearchSettings | None = None
    """For the motion, where none is given; the default of slices, or of volumes, if absent."""
    n_searched: int = 24
    """Slices that are looked at in the search, at most."""


def as_scanned(raw: RawScan) -> Volume:
    """What the scanner shows: root of sum of squares of the coils' inverse FFTs."""
    images = centred_ifft(raw.kspace, [1 + axis for axis in raw.encoded_axes])
    values = np.sqrt((np.abs(images) ** 2).sum(axis=0)).astype(np.float32)
    return Volume(values, raw.affine, raw.name)


def solved(
    route: Route,
    maps: Complex64[np.ndarray, "n_coils n_images *shape"],
    options: ReconstructionOptions,
    on_progress: OnProgress | None,
    *,
    line_weight: Float[np.ndarray, "n_lines"] | None = None,
    towards: Images | None = None,
) -> tuple[StillHead, dict[str, Any]]:
    """Images of a route with its poses, some at a time, and what was done; as `still_head`."""
    n_images, solver = route.kspace.shape[1], options.solver
    blocks = [slice(k, min(k + _N_TOGETHER, n_images)) for k in range(0, n_images, _N_TOGETHER)]
    density = _density(route) if options.preview else None
    found: list[StillHead] = []
    errors, terms = [], []
    for number, block in enumerate(blocks):
        part = route.of_images(block)
        scan = part.scan(maps[:, block])
        errors.append(scan.error)
        terms.append(scan.n_terms)
        progress = Progress(on_progress).part(number, len(blocks))
        if density is None:
            found.append(
                still_head(
                    scan,
                    part.kspace,
                    line_weight=line_weight,
                    towards=None if towards is None else towards[block],
                    settings=solver,
                    on_progress=progress,
                )
            )
        else:
            preview = gridded(scan, part.kspace, density, real=solver.real)
            found.append(_as_found(scan, part.kspace, preview))
            progress(1, 1)
    images = np.concatenate([one.images for one in found])
    energy = np.sum([one.line_energy for one in found], axis=0)
    misfit = np.sum([one.line_misfit for one in found], axis=0)
    notes = {
        "route": route.name,
        "method": "gridding with density weights" if options.preview else "conjugate gradients",
        "solver": asdict(solver),
        "n_iterations": [one.n_iterations for one in found],
        "gradient": max(one.gradient for one in found),
        "coil_terms": max(terms),
        "coil_terms_error": max(errors),
    }
    gradient = max(one.gradient for one in found)
    n_iterations = max(one.n_iterations for one in found)
    return StillHead(images, n_iterations, gradient, energy, misfit), notes


def _density(route: Route) -> Float32[np.ndarray, "*shape"]:
    """Density weights: shifts are taken from the poses, since they move no sample in k-space."""
    shape = route.kspace.shape[2:]
    unmoved = route.poses.copy()
    unmoved[:, route.grid.n_rotations :] = 0
    return density_weights(route.scan(np.ones((1, 1, *shape), np.complex64), unmoved), shape)


def _as_found(scan: Any, kspace: np.ndarray, images: Shaped[np.ndarray, "..."]) -> StillHead:
    """A preview in the form of what a solver finds, to be judged alike."""
    others = tuple(axis for axis in range(kspace.ndim) if axis != 2 + scan.line_axis)
    missed = kspace - scan.kspace(images)
    energy, misfit = ((np.abs(one) ** 2).sum(axis=others, dtype=float) for one in (kspace, missed))
    return StillHead(images, 0, 1.0, energy, misfit)
