"""Images of a moving scan whose poses are known, block by block of slices."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from jaxtyping import Complex64, Float, Float32, Shaped

from mcnet.core.progress import OnProgress, Progress
from mcnet.reconstruction.cg_sense import Images, SenseSolution, cg_sense, energy_of_lines
from mcnet.reconstruction.gridding import density_weights, gridded
from mcnet.reconstruction.moving_scan import MovingScan
from mcnet.reconstruction.options import ReconstructionOptions
from mcnet.reconstruction.sense_operator import SenseOperator

_BLOCK = 8
"""Slices that are reconstructed together, as memory allows."""


def solve(
    moving: MovingScan,
    maps: Complex64[np.ndarray, "n_coils n_images *shape"],
    options: ReconstructionOptions,
    on_progress: OnProgress | None,
    *,
    line_weight: Float[np.ndarray, "n_lines"] | None = None,
    prior: Images | None = None,
) -> tuple[SenseSolution, dict[str, Any]]:
    """Solution of all images with the poses of the scan, and notes on the solver.

    Parameters
    ----------
    moving, maps
        K-space with the poses of its lines, and the coil sensitivity maps.
    options
        Solver settings, or a preview by gridding.
    on_progress
        Told of steps of the solver, over all blocks.
    line_weight, prior
        As of `mcnet.reconstruction.cg_sense.cg_sense`.
    """
    n_images = moving.kspace.shape[1]
    blocks = [slice(k, min(k + _BLOCK, n_images)) for k in range(0, n_images, _BLOCK)]
    density = _density(moving) if options.preview else None
    found: list[SenseSolution] = []
    operators: list[SenseOperator] = []
    for number, block in enumerate(blocks):
        part = moving.subset(block)
        operator = part.operator(maps[:, block])
        operators.append(operator)
        progress = Progress(on_progress).part(number, len(blocks))
        if density is None:
            found.append(
                cg_sense(
                    operator,
                    part.kspace,
                    line_weight=line_weight,
                    prior=None if prior is None else prior[block],
                    settings=options.solver,
                    on_progress=progress,
                )
            )
        else:
            preview = gridded(operator, part.kspace, density, real=options.solver.real)
            found.append(_gridding_solution(operator, part.kspace, preview))
            progress(1, 1)
    return _joined(found), _notes(moving, options, found, operators)


def _joined(found: Sequence[SenseSolution]) -> SenseSolution:
    """Solution of all blocks together."""
    return SenseSolution(
        images=np.concatenate([one.images for one in found]),
        n_iterations=max(one.n_iterations for one in found),
        gradient=max(one.gradient for one in found),
        line_energy=np.sum([one.line_energy for one in found], axis=0),
        line_residual_energy=np.sum([one.line_residual_energy for one in found], axis=0),
    )


def _notes(
    moving: MovingScan,
    options: ReconstructionOptions,
    found: Sequence[SenseSolution],
    operators: Sequence[SenseOperator],
) -> dict[str, Any]:
    return {
        "motion_model": moving.motion_model,
        "method": "gridding with density weights" if options.preview else "conjugate gradients",
        "solver": asdict(options.solver),
        "n_iterations": [one.n_iterations for one in found],
        "gradient": max(one.gradient for one in found),
        "coil_terms": max(one.n_terms for one in operators),
        "coil_terms_error": max(one.error for one in operators),
    }


def _density(moving: MovingScan) -> Float32[np.ndarray, "*shape"]:
    """Density weights of the samples; translations move no sample in k-space and are left out."""
    shape = moving.kspace.shape[2:]
    rotations_alone = moving.poses.copy()
    rotations_alone[:, moving.grid.n_rotations :] = 0
    operator = moving.operator(np.ones((1, 1, *shape), np.complex64), rotations_alone)
    return density_weights(operator, shape)


def _gridding_solution(
    operator: SenseOperator,
    kspace: Complex64[np.ndarray, "n_coils n_images *shape"],
    images: Shaped[np.ndarray, "n_images *shape"],
) -> SenseSolution:
    """A preview in the form of a solution, so that its residual is computed alike."""
    residual = kspace - operator.kspace(images)
    return SenseSolution(
        images,
        n_iterations=0,
        gradient=1.0,
        line_energy=energy_of_lines(kspace, operator.line_axis),
        line_residual_energy=energy_of_lines(residual, operator.line_axis),
    )
