"""The still head from raw k-space alone: the motion is looked for first, and judged."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from mcnet.core.progress import OnProgress
from mcnet.correction.models import Model
from mcnet.io.kspace import RawScan
from mcnet.io.volume import Volume
from mcnet.motion.trace import still
from mcnet.reconstruction.data_consistency import data_consistency, pose_deviations
from mcnet.reconstruction.outcome import Reconstruction
from mcnet.reconstruction.routes import Route, in_plane_route, volume_route
from mcnet.reconstruction.solving import ReconstructionOptions, as_scanned, solved
from mcnet.reconstruction.unknown_motion import find_motion, part_to_search


def with_found_motion(
    raw: RawScan,
    model: Model | None,
    options: ReconstructionOptions,
    on_progress: OnProgress | None,
) -> Reconstruction:
    """Image with motion that is looked for in the k-space; the network's where none is believed.

    Of slices that is motion within their plane; of a 3D scan it has six degrees of freedom.
    """
    corrupted = as_scanned(raw)
    start = _start(corrupted, model)
    route_of: Callable[..., Route] = volume_route if raw.is_3d else in_plane_route
    route = route_of(raw, still(raw.n_lines))
    first = route.images_of(start.values)
    part, first_of_part = part_to_search(route, first, options.n_searched)
    poses = find_motion(
        *(part, part.maps(), first_of_part), settings=options.search, on_progress=on_progress
    )
    moving = replace(route, poses=poses)
    # again: before motion is known, its phase is taken for that of coils
    maps = moving.maps()
    plain, notes = solved(moving, maps, options, None, towards=first)
    consistency = data_consistency(plain, route.kspace, route.grid.line_axis)
    found = plain
    if consistency.line_weight.min() < 1:
        weight = consistency.line_weight
        found, notes = solved(moving, maps, options, None, line_weight=weight, towards=first)
    image = route.volume_of(np.abs(found.images).astype(np.float32))
    return Reconstruction(
        image=Volume(image, raw.affine, raw.name) if consistency.accepted else start,
        corrupted=corrupted,
        network=start if model else None,
        motion=route.motion_of(poses, f"motion of {raw.name}"),
        motion_known=False,
        line_residual=consistency.line_residual,
        line_weight=consistency.line_weight,
        motion_deviation=route.motion_of(
            pose_deviations(route.grid, poses, plain), "standard deviation"
        ),
        accepted=consistency.accepted,
        verdict=consistency.verdict("that of the network" if model else "the scan as it is"),
        notes={
            **notes,
            "motion": "found",
            "model": model.name if model else None,
            "n_coils": raw.n_coils,
            "searched_shape": list(part.kspace.shape[1:]),
            "share_of_central_lines_rejected": consistency.share_rejected,
        },
    )


def _start(corrupted: Volume, model: Model | None) -> Volume:
    """What the search starts from: the scan as it is, or what a network makes of it."""
    if model is None:
        return corrupted
    from mcnet.reconstruction.network_start import network_image  # torch, for this alone

    return network_image(corrupted, model)
