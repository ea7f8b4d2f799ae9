"""Reconstruction with motion that is given, from a tracker, a camera or navigators."""

import numpy as np

from mcnet.core.errors import McnetError
from mcnet.core.progress import OnProgress
from mcnet.io.kspace import RawScan
from mcnet.io.volume import Volume
from mcnet.motion.formats.line_motion import check_one_pose_a_line
from mcnet.motion.plausibility import check_possible
from mcnet.motion.trace import MotionTrace
from mcnet.reconstruction.cg_sense import SolverSettings, cg_sense
from mcnet.reconstruction.moving_scan import MovingScan, moving_slices, moving_volume
from mcnet.reconstruction.options import ReconstructionOptions
from mcnet.reconstruction.outcome import Reconstruction
from mcnet.reconstruction.root_sum_of_squares import root_sum_of_squares
from mcnet.reconstruction.solve import solve

_N_CHECKED_SLICES = 8
_N_CHECKED_SAMPLES = 48
"""Of a volume, central samples along each axis that the data-consistency check uses."""
_CHECK = SolverSettings(max_iterations=15)
_LARGEST_RATIO = 1.05
"""Given motion is rejected where its relative residual is more than this multiple of that of a
still head."""


def with_given_motion(
    raw: RawScan,
    motion: MotionTrace,
    options: ReconstructionOptions,
    on_progress: OnProgress | None,
) -> Reconstruction:
    """Image in the reference pose of the given motion, which is not changed.

    Raises
    ------
    McnetError
        As `mcnet.reconstruction.reconstruct.reconstruct`.
    """
    _check_motion_fits(raw, motion)
    moving = (
        moving_slices(raw, motion) if raw.stays_in_plane(motion) else moving_volume(raw, motion)
    )
    solution, notes = solve(moving, moving.maps(), options, on_progress)
    images = np.abs(solution.images).astype(np.float32)
    with_motion, if_still = _relative_residuals(moving)
    accepted = with_motion <= _LARGEST_RATIO * if_still
    return Reconstruction(
        image=Volume(moving.volume_of(images), raw.affine, raw.name),
        corrupted=root_sum_of_squares(raw),
        initial_image=None,
        motion=motion,
        motion_known=True,
        line_residual=solution.line_residual,
        line_weight=None,
        motion_deviation=None,
        accepted=accepted,
        data_consistency=_sentence(with_motion, if_still, accepted=accepted),
        notes={
            **notes,
            "motion": "given",
            "n_coils": raw.n_coils,
            "relative_residual": with_motion,
            "relative_residual_if_still": if_still,
        },
    )


def _check_motion_fits(raw: RawScan, motion: MotionTrace) -> None:
    check_one_pose_a_line(motion, raw.n_lines)
    check_possible(motion, "give the motion in mm and degrees")
    if not raw.is_3d and not raw.stays_in_plane(motion):
        raise McnetError(
            f"{motion.name} moves the head out of the {raw.n_lines}-line slices of {raw.name}, "
            "which then contain other tissue; give motion within the slices (a rotation about "
            f"{raw.slice_axis}, translations along the other two axes), such as mcnet corrupt "
            "--motion-output writes, or a 3D scan."
        )


def _relative_residuals(moving: MovingScan) -> tuple[float, float]:
    """Relative residual of a real image with the given motion, and with a still head.

    Of some middle slices, or of the centre of a volume's k-space.
    """
    n_images, shape = moving.kspace.shape[1], moving.kspace.shape[2:]
    if moving.motion_model == "in-plane":
        first = max(0, n_images // 2 - _N_CHECKED_SLICES // 2)
        part = moving.subset(slice(first, first + _N_CHECKED_SLICES))
    else:
        part = moving.central(tuple(min(n, _N_CHECKED_SAMPLES) for n in shape))
    return _relative_residual(part), _relative_residual(part.still())


def _relative_residual(moving: MovingScan) -> float:
    found = cg_sense(moving.operator(moving.maps()), moving.kspace, settings=_CHECK)
    total = float(found.line_energy.sum()) or 1.0
    return float(np.sqrt(found.line_residual_energy.sum() / total))


def _sentence(with_motion: float, if_still: float, *, accepted: bool) -> str:
    residuals = (
        f"the relative residual of the k-space is {100 * with_motion:.1f} % with it (noise "
        f"included), and {100 * if_still:.1f} % with a still head"
    )
    if accepted:
        return f"The given motion was used as it is: {residuals}."
    return (
        f"The given motion does not fit this k-space: {residuals}. Check the format of the motion "
        "file, its signs, and which pose belongs to which line."
    )
