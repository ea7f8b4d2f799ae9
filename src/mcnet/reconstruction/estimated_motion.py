"""Reconstruction from raw k-space alone: the motion is estimated, and checked for consistency."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from mcnet.core.errors import McnetError
from mcnet.core.progress import OnProgress
from mcnet.io.kspace import RawScan
from mcnet.io.volume import Volume
from mcnet.motion.trace import still
from mcnet.physics.line_poses import LinePoses
from mcnet.reconstruction.cg_sense import Images
from mcnet.reconstruction.data_consistency import data_consistency, pose_deviations
from mcnet.reconstruction.motion_search import estimate_motion, searched_part
from mcnet.reconstruction.moving_scan import MovingScan, moving_slices, moving_volume
from mcnet.reconstruction.options import ReconstructionOptions
from mcnet.reconstruction.outcome import Reconstruction
from mcnet.reconstruction.root_sum_of_squares import root_sum_of_squares
from mcnet.reconstruction.solve import solve

_AS_SCANNED = "the scan as it is"
"""Name of the initial image where none is given."""


def with_estimated_motion(
    raw: RawScan,
    initial_image: Volume | None,
    options: ReconstructionOptions,
    on_progress: OnProgress | None,
) -> Reconstruction:
    """Image with motion that is estimated; the initial image where that motion is rejected.

    Of slices the motion lies within their plane; of a 3D scan it has six degrees of freedom.

    Raises
    ------
    McnetError
        The initial image lies on another grid than the scan.
    """
    corrupted = root_sum_of_squares(raw)
    start = initial_image or replace(corrupted, name=_AS_SCANNED)
    _check_same_grid(start, corrupted)
    moving_of: Callable[..., MovingScan] = moving_volume if raw.is_3d else moving_slices
    unmoved = moving_of(raw, still(raw.n_lines))
    first = unmoved.images_of(start.values)
    poses, searched_shape = _estimated_poses(unmoved, first, options, on_progress)
    moving = replace(unmoved, poses=poses)
    # again: before the motion is known, its phase is taken for that of the coils
    maps = moving.maps()
    unweighted, notes = solve(moving, maps, options, None, prior=first)
    check = data_consistency(unweighted, moving.kspace, moving.grid.line_axis)
    solution, weight = unweighted, check.line_weight
    if weight.min() < 1:
        solution, notes = solve(moving, maps, options, None, line_weight=weight, prior=first)
    image = moving.volume_of(np.abs(solution.images).astype(np.float32))
    deviations = pose_deviations(moving.grid, poses, unweighted)
    return Reconstruction(
        image=Volume(image if check.accepted else start.values, raw.affine, raw.name),
        corrupted=corrupted,
        initial_image=initial_image,
        motion=moving.motion_of(poses, f"motion of {raw.name}"),
        motion_known=False,
        line_residual=check.line_residual,
        line_weight=check.line_weight,
        motion_deviation=moving.motion_of(deviations, "standard deviation"),
        accepted=check.accepted,
        data_consistency=check.sentence(start.name),
        notes={
            **notes,
            "motion": "estimated",
            "initial_image": start.name,
            "n_coils": raw.n_coils,
            "searched_shape": searched_shape,
            "share_of_central_lines_rejected": check.share_rejected,
        },
    )


def _estimated_poses(
    unmoved: MovingScan,
    first: Images,
    options: ReconstructionOptions,
    on_progress: OnProgress | None,
) -> tuple[LinePoses, list[int]]:
    """Poses of all lines, and the number and shape of the images that they are estimated from."""
    part, first_of_part = searched_part(unmoved, first, options.n_searched)
    poses = estimate_motion(
        part, part.maps(), first_of_part, settings=options.search, on_progress=on_progress
    )
    return poses, list(part.kspace.shape[1:])


def _check_same_grid(initial_image: Volume, corrupted: Volume) -> None:
    same_shape = initial_image.values.shape == corrupted.values.shape
    if not same_shape or not np.allclose(initial_image.affine, corrupted.affine, atol=1e-3):
        sizes = [" x ".join(map(str, one.values.shape)) for one in (initial_image, corrupted)]
        raise McnetError(
            f"The initial image ({initial_image.name}, {sizes[0]}) lies on another grid than "
            f"{corrupted.name} ({sizes[1]}); make it from the scan's own image "
            "(root_sum_of_squares)."
        )
