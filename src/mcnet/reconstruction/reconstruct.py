"""The still head from raw k-space, with motion that is given or looked for."""

import numpy as np

from mcnet.core.errors import McnetError
from mcnet.core.progress import OnProgress
from mcnet.correction.models import Model
from mcnet.io.kspace import RawScan
from mcnet.io.volume import Volume
from mcnet.motion.formats.line_motion import check_one_pose_a_line
from mcnet.motion.plausibility import check_possible
from mcnet.motion.trace import MotionTrace
from mcnet.reconstruction.found_motion import with_found_motion
from mcnet.reconstruction.known_motion import SolverSettings, still_head
from mcnet.reconstruction.outcome import Reconstruction
from mcnet.reconstruction.routes import Route, in_plane_route, volume_route
from mcnet.reconstruction.solving import ReconstructionOptions, as_scanned, solved

_TRIED_SLICES = 8
_TRIED_SAMPLES = 48
"""Of a volume, central samples along each axis that given motion is tried on."""
_TRIAL = SolverSettings(most_iterations=15)
_NO_BETTER = 1.05
"""Given motion is doubted where it leaves this much more unexplained than a head that keeps
still."""


def reconstruct(
    raw: RawScan,
    *,
    motion: MotionTrace | None,
    model: Model | None = None,
    options: ReconstructionOptions | None = None,
    on_progress: OnProgress | None = None,
) -> Reconstruction:
    """Image of the still head, with the motion that was given or found.

    Parameters
    ----------
    raw
        What the scanner measured.
    motion
        One pose a line, in the order of time, by the conventions of `mcnet.motion.poses` about the
        centre of the field of view. It is taken as it is: the image shows the head in the pose of
        rest of the trace (no shift, no turn), wherever the scanner first saw it.
        None: it is looked for in the k-space itself.
    model
        The network that a search for the motion starts from.
    options
        The default if absent.
    on_progress
        Told of steps of the solver, over all slices.

    Raises
    ------
    McnetError
        The trace has not one pose a line, goes farther than a head can, or leaves the slices of a
        2D scan.
    """
    options = options or ReconstructionOptions()
    if motion is None:
        return with_found_motion(raw, model, options, on_progress)
    _check_motion_fits(raw, motion)
    is_in_plane = raw.stays_in_plane(motion)
    route: Route = in_plane_route(raw, motion) if is_in_plane else volume_route(raw, motion)
    found, notes = solved(route, route.maps(), options, on_progress)
    images = np.abs(found.images).astype(np.float32)
    tried = _unexplained(route)
    accepted = tried[0] <= _NO_BETTER * tried[1]
    return Reconstruction(
        image=Volume(route.volume_of(images), raw.affine, raw.name),
        corrupted=as_scanned(raw),
        network=None,
        motion=motion,
        motion_known=True,
        line_residual=found.line_residual,
        line_weight=None,
        motion_deviation=None,
        accepted=accepted,
        verdict=_verdict(*tried, accepted=accepted),
        notes={
            **notes,
            "motion": "given",
            "n_coils": raw.n_coils,
            "unexplained_share": tried[0],
            "unexplained_share_if_still": tried[1],
        },
    )


def _check_motion_fits(raw: RawScan, motion: MotionTrace) -> None:
    check_one_pose_a_line(motion, raw.n_lines)
    check_possible(motion, "give the motion in mm and degrees")
    if not raw.is_3d and not raw.stays_in_plane(motion):
        raise McnetError(
            f"{motion.name} moves the head out of the {raw.n_lines}-line slices of {raw.name}, "
            "whose tissue is then replaced by its neighbours'; give motion within the slices (a "
            f"turn about {raw.slice_axis}, shifts along the other two axes), such as mcnet corrupt "
            "--motion-output writes, or a 3D scan."
        )


def _unexplained(route: Route) -> tuple[float, float]:
    """Share of k-space that the motion, and a still head, leave unexplained by a real image.

    Of some middle slices, or of the centre of a volume's k-space.
    """
    n_images, shape = route.kspace.shape[1], route.kspace.shape[2:]
    if route.name == "in-plane":
        first = max(0, n_images // 2 - _TRIED_SLICES // 2)
        tried = route.of_images(slice(first, first + _TRIED_SLICES))
    else:
        tried = route.central(tuple(min(n, _TRIED_SAMPLES) for n in shape))
    moved, still = (_share_left(one) for one in (tried, tried.still()))
    return moved, still


def _share_left(route: Route) -> float:
    found = still_head(route.scan(route.maps()), route.kspace, settings=_TRIAL)
    total = float(found.line_energy.sum()) or 1.0
    return float(np.sqrt(found.line_misfit.sum() / total))


def _verdict(moved: float, still: float, *, accepted: bool) -> str:
    told = (
        f"a head that moves so leaves {100 * moved:.1f} % of the k-space unexplained, noise "
        f"included, and one that keeps still {100 * still:.1f} %"
    )
    if accepted:
        return f"The motion was given, and taken as it is: {told}."
    return (
        f"The given motion does not fit this k-space: {told}. Check the format of the motion "
        "file, its signs, and which pose belongs to which line."
    )
