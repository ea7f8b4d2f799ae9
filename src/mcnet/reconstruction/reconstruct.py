"""The still head from raw k-space, with motion that is known."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Shaped

from mcnet.correction.models import Model
from mcnet.data.raw_scan import RawScan
from mcnet.data.volume import Volume
from mcnet.errors import McnetError
from mcnet.fourier import centred_ifft
from mcnet.progress import OnProgress
from mcnet.reconstruction.gridding import density_weights, gridded
from mcnet.reconstruction.known_motion import SolverSettings, StillHead, still_head
from mcnet.reconstruction.outcome import Reconstruction
from mcnet.reconstruction.routes import Route, in_plane_route, volume_route
from mcnet.simulation.motion import MotionTrace

_N_TOGETHER = 8
"""Slices that are found at a time, as memory allows."""
_TRIED_SAMPLES = 48
"""Of a volume, central samples along each axis that given motion is tried on."""
_TRIAL = SolverSettings(most_iterations=15)
_NO_BETTER = 1.05
"""Given motion is doubted where it leaves this much more unexplained than a head that keeps
still."""


@dataclass(frozen=True)
class ReconstructionOptions:
    """How to get from k-space to an image."""

    preview: bool = False
    """One adjoint with density weights instead of conjugate gradients."""
    solver: SolverSettings = field(default_factory=SolverSettings)


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
        One pose a line, in the order of time, by the conventions of `mcnet.geometry` about the
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
        The trace has not one pose a line, or leaves the slices of a 2D scan.
    """
    options = options or ReconstructionOptions()
    if motion is None:
        return _with_found_motion(raw, model, options, on_progress)
    _refuse_unfit(raw, motion)
    is_in_plane = raw.stays_in_plane(motion)
    route = in_plane_route(raw, motion) if is_in_plane else volume_route(raw, motion)
    images, notes, line_residual = _images(route, options, on_progress)
    tried = _unexplained(route)
    trusted = tried[0] <= _NO_BETTER * tried[1]
    volume = raw.volume_of(images) if is_in_plane else images[0]
    return Reconstruction(
        image=Volume(volume, raw.affine, raw.name),
        corrupted=as_scanned(raw),
        network=None,
        motion=motion,
        motion_known=True,
        line_residual=line_residual,
        line_weight=None,
        pose_deviation=None,
        trusted=trusted,
        verdict=_verdict(*tried, trusted=trusted),
        notes={
            **notes,
            "motion": "given",
            "n_coils": raw.n_coils,
            "unexplained_share": tried[0],
            "unexplained_share_if_still": tried[1],
        },
    )


def as_scanned(raw: RawScan) -> Volume:
    """What the scanner shows: root of sum of squares of the coils' inverse FFTs."""
    images = centred_ifft(raw.kspace, [1 + axis for axis in raw.encoded_axes])
    values = np.sqrt((np.abs(images) ** 2).sum(axis=0)).astype(np.float32)
    return Volume(values, raw.affine, raw.name)


def _with_found_motion(
    raw: RawScan,
    model: Model | None,
    options: ReconstructionOptions,
    on_progress: OnProgress | None,
) -> Reconstruction:
    """Image with motion that is looked for in the k-space."""
    raise McnetError(
        f"no motion is given for {raw.name}, and none can be looked for yet; give a file of one "
        "pose a line by --motion."
    )


def _refuse_unfit(raw: RawScan, motion: MotionTrace) -> None:
    if motion.n_points != raw.n_lines:
        raise McnetError(
            f"{motion.name} has {motion.n_points} poses, but {raw.name} has {raw.n_lines} "
            "phase-encoding lines; give one pose a line in the order of time: cut the trace or "
            "resample it to the times of the lines."
        )
    if not raw.is_3d and not raw.stays_in_plane(motion):
        raise McnetError(
            f"{motion.name} moves the head out of the {raw.n_lines}-line slices of {raw.name}, "
            "whose tissue is then replaced by its neighbours'; give motion within the slices (a "
            f"turn about {raw.slice_axis}, shifts along the other two axes), or a 3D scan."
        )


def _images(
    route: Route, options: ReconstructionOptions, on_progress: OnProgress | None
) -> tuple[Float32[np.ndarray, "n_images *shape"], dict[str, Any], Float[np.ndarray, "n_lines"]]:
    """Magnitudes, what was done, and the residual of each line."""
    maps = route.maps()
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

        def told(done: int, total: int, before: int = number) -> None:
            if on_progress:
                on_progress(before * total + done, len(blocks) * total)

        if density is None:
            found.append(still_head(scan, part.kspace, settings=solver, on_progress=told))
        else:
            preview = gridded(scan, part.kspace, density, real=solver.real)
            found.append(_as_found(scan, part.kspace, preview))
            told(1, 1)
    images = np.abs(np.concatenate([one.images for one in found])).astype(np.float32)
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
    return images, notes, np.asarray(np.sqrt(misfit / np.maximum(energy, 1e-30)))


def _density(route: Route) -> Float32[np.ndarray, "*shape"]:
    """Density weights: shifts are taken from the poses, since they move no sample in k-space."""
    shape = route.kspace.shape[2:]
    unmoved = route.poses.copy()
    if route.name == "in-plane":
        unmoved[:, 1:] = 0
    else:
        unmoved[:, :3, 3] = 0
    return density_weights(route.scan(np.ones((1, 1, *shape), np.complex64), unmoved), shape)


def _as_found(scan: Any, kspace: np.ndarray, images: Shaped[np.ndarray, "..."]) -> StillHead:
    """A preview in the form of what a solver finds, to be judged alike."""
    others = tuple(axis for axis in range(kspace.ndim) if axis != 2 + scan.line_axis)
    missed = kspace - scan.kspace(images)
    energy, misfit = (
        (np.abs(one) ** 2).sum(axis=others, dtype=float) for one in (kspace, missed)
    )
    return StillHead(images, 0, 1.0, energy, misfit)


def _unexplained(route: Route) -> tuple[float, float]:
    """Share of k-space that the motion, and a still head, leave unexplained by a real image.

    Of some middle slices, or of the centre of a volume's k-space.
    """
    n_images, shape = route.kspace.shape[1], route.kspace.shape[2:]
    if route.name == "in-plane":
        first = max(0, n_images // 2 - _N_TOGETHER // 2)
        tried = route.of_images(slice(first, first + _N_TOGETHER))
    else:
        tried = route.central(tuple(min(n, _TRIED_SAMPLES) for n in shape))
    moved, still = (_share_left(one) for one in (tried, tried.still()))
    return moved, still


def _share_left(route: Route) -> float:
    found = still_head(route.scan(route.maps()), route.kspace, settings=_TRIAL)
    total = float(found.line_energy.sum()) or 1.0
    return float(np.sqrt(found.line_misfit.sum() / total))


def _verdict(moved: float, still: float, *, trusted: bool) -> str:
    told = (
        f"with it {100 * moved:.1f} % of the k-space stay unexplained by a still head, without "
        f"it {100 * still:.1f} %"
    )
    if trusted:
        return f"The motion was given, and taken as it is: {told}."
    return (
        f"The given motion does not fit this k-space: {told}. Check the format of the motion "
        "file, its signs, and which pose belongs to which line."
    )
