"""A corrected scan from a corrupted one, on its own grid and intensity scale."""

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from mcnet.correction.batches import in_batches
from mcnet.correction.gain import gain_of_card
from mcnet.correction.models import Model
from mcnet.correction.motion_search import FoundMotion, SearchSettings, Slices, find_motion
from mcnet.correction.outcome import Assessment, CorrectedScan
from mcnet.correction.sampling import SliceSampling, sampling_for
from mcnet.correction.slices import mixed_precision, ready_network, slices_at_once
from mcnet.data.volume import Volume
from mcnet.engine import DEVICES, Device
from mcnet.errors import McnetError
from mcnet.geometry import AXES, Axis
from mcnet.learning.network import UNet
from mcnet.metrics import intensity_scale
from mcnet.progress import OnProgress
from mcnet.simulation.in_plane import InPlaneScan, SliceGrid, still_images

_FLIPS: tuple[tuple[int, ...], ...] = ((), (1,), (2,), (1, 2))
"""Axes of a batch that are flipped, for each of the answers whose mean is the correction and whose
spread is its uncertainty. Networks are trained on flipped slices too."""
_HEAD_SHARE = 0.1
"""Slices with less signal than this share of the brightest one show no head, only air."""
_TILTED_DEG = 20.0
"""Slices that are turned further from sagittal are told of."""

_FULL_SHARE = 0.25
"""Slices with less signal than this share of the brightest one are not searched for motion."""
_IN_PLANE = ("y", "z")
_LEAST_SIDE = 32
"""Slices with fewer rows or columns tell too little of the motion."""
_N_JUDGED = 32
"""Slices that tell how much motion is left after a search."""
_N_BACK = 6
"""Steps towards the still image, of every slice, with the poses that were found."""


@runtime_checkable
class Guard(Protocol):
    """What judges a scan by itself."""

    def assess(self, volume: Volume) -> Assessment:
        """How far the head moved, and how the scan differs from the training data."""
        ...


@dataclass(frozen=True)
class CorrectionOptions:
    """How a scan is corrected."""

    force: bool = False
    """Correct a scan even where it is judged still."""
    uncertainty: bool = False
    """Give the uncertainty of every voxel too."""
    search: bool = True
    """Search for the motion first, where the model was trained for that, and undo it."""
    phase_encoding: Axis | None = None
    """The axis along which lines were encoded, one pose each; where it is not known, "y", front to
    back, as is usual for sagittal 3D scans. Of lines along "x" no motion is searched for."""
    device: Device = "cpu"

    def __post_init__(self) -> None:
        """Refuse a device that is none."""
        if self.device not in DEVICES:
            raise McnetError(f"device {self.device!r} is none of {', '.join(DEVICES)}.")
        if self.phase_encoding not in (None, *AXES):
            raise McnetError(f"phase encoding {self.phase_encoding!r} is none of x, y, z.")


def correct_scan(
    scan: Volume,
    model: Model,
    *,
    guard: Guard,
    options: CorrectionOptions = CorrectionOptions(),
    on_progress: OnProgress | None = None,
) -> CorrectedScan:
    """Return a scan before and after correction, and what is known of both.

    The network's correction, what it would add to its input, times the gain that the model card
    states for the estimated severity, is added to the scan's own voxels:
    nothing is lost where nothing is corrected, whatever the voxel size. The result keeps between
    zero (or the scan's least value, if that is below) and the scan's greatest value, so that the
    file's data type can hold it.

    Parameters
    ----------
    on_progress
        Told of the slices done.

    Raises
    ------
    McnetError
        The device is not there, or the scan is so dark that it has no intensity scale.
    """
    network = ready_network(model.network, options.device)
    judged = guard.assess(scan)
    left = CorrectedScan(
        before=scan,
        after=scan,
        assessment_before=judged,
        assessment_after=judged,
        is_left=True,
        warnings=judged.warnings,
        uncertainty=None,
        motion=None,
        model=model.about,
    )
    if judged.is_still and not options.force:
        return replace(left, warnings=(*judged.warnings, *_left_warnings(options)))
    rows, columns = scan.values.shape[1:]
    sampling = sampling_for((rows, columns), scan.voxel_size_mm[1:], model.trained_pixel_mm)
    work = _Work(network, scan, sampling, input_scale(scan.values), options)
    motion = _motion(model, judged, work, on_progress)
    gain = _gain(model, guard, judged, work, motion)
    change, deviation = _changes(work, motion, gain, on_progress)
    least, greatest = min(np.float32(0), scan.values.min()), scan.values.max()
    after = replace(scan, values=np.clip(scan.values + change, least, greatest))
    return replace(
        left,
        after=after,
        assessment_after=guard.assess(after),
        is_left=False,
        warnings=(*judged.warnings, *_warnings(scan, sampling)),
        uncertainty=None if deviation is None else replace(scan, values=deviation),
        motion=motion,
    )


@dataclass(frozen=True, eq=False)
class _Work:
    """A scan on its way through a network."""

    network: UNet
    scan: Volume
    sampling: SliceSampling
    scale: float
    """Intensity that the network sees as 1."""
    options: CorrectionOptions

    def seen(self, part: slice | Int64[np.ndarray, "n"]) -> Float[Tensor, "n rows columns"]:
        """Slices at the network's pixels and scale, on its device."""
        values = self.scan.values[part] / np.float32(self.scale)
        images = torch.from_numpy(values).to(self.options.device)
        if self.sampling.is_native:
            return images
        return _resampled(images, self.sampling.to_seen).clamp(min=0)

    def direct(self, images: Slices) -> Slices:
        """What the network would add to slices of its own pixels and scale."""
        batch = torch.from_numpy(images).to(self.options.device)
        with torch.inference_mode(), mixed_precision(self.options.device):
            return np.asarray(_added(self.network, batch, ()).cpu().numpy())


def _motion(
    model: Model, judged: Assessment, work: _Work, on_progress: OnProgress | None
) -> FoundMotion | None:
    """The motion of a scan, if the model can search for it and finds any."""
    options, sampling = work.options, work.sampling
    line_axis = options.phase_encoding or "y"
    if not model.searches_motion or not options.search or line_axis == "x":
        return None
    if min(sampling.seen) < _LEAST_SIDE:
        return None
    settings = SearchSettings()
    rows_mm, columns_mm = sampling.seen_mm
    grid = SliceGrid(sampling.seen, (rows_mm, columns_mm), _IN_PLANE.index(line_axis))
    found = find_motion(
        work.seen(_spread(work.scan.values, settings.n_slices)).clamp(min=0).cpu().numpy(),
        grid,
        work.direct,
        severity_mm=judged.severity.mm,
        settings=settings,
        on_progress=on_progress,
    )
    return found if found.is_believed else None


def _spread(values: Float32[np.ndarray, "x y z"], n_slices: int) -> Int64[np.ndarray, "n"]:
    """Indices of slices that show much of the head, from one side to the other."""
    content = np.maximum(values, 0).mean(axis=(1, 2))
    shown = np.flatnonzero(content >= _FULL_SHARE * content.max())
    places = np.linspace(0, len(shown) - 1, min(n_slices, len(shown)))
    return np.asarray(shown[places.round().astype(int)], dtype=np.int64)


def _gain(
    model: Model, guard: Guard, judged: Assessment, work: _Work, motion: FoundMotion | None
) -> float:
    """How much of the network's correction is applied: little where little motion is left.

    And the least where the scan is unlike those learned from: of such a scan neither the severity
    is to be trusted nor the correction.
    """
    curve = gain_of_card(model.card)
    if judged.warnings:
        return min(curve.gain)
    if motion is None:
        return curve.at(judged.severity.mm)
    some = _spread(work.scan.values, _N_JUDGED)
    images = _brought_back(work.seen(some).cpu().numpy(), motion)
    left = replace(work.scan, values=images, affine=np.diag([1.0, *work.sampling.seen_mm, 1.0]))
    return curve.at(guard.assess(left).severity.mm)


def input_scale(values: Float32[np.ndarray, "x y z"]) -> float:
    """Intensity that the network sees as 1: 99.9th percentile of the slices that show the head.

    As in training, slices of air alone do not count, so that a wide field of view does not lower
    the scale; here the mean of a slice tells whether it shows the head.

    Raises
    ------
    McnetError
        The scan is too dark to have a scale.
    """
    content = np.maximum(values, 0).mean(axis=(1, 2))
    return intensity_scale(values[content >= _HEAD_SHARE * content.max()])


def _changes(
    work: _Work, motion: FoundMotion | None, gain: float, on_progress: OnProgress | None
) -> tuple[Float32[np.ndarray, "x rows columns"], Float32[np.ndarray, "x rows columns"] | None]:
    """What is to be added to a scan, and its standard deviation if that is asked for.

    First the motion that was found is undone; then the network corrects: the mean of its answers to
    the slice and its flips times the gain. The deviation is that of the answers; both are of one
    batch at a time, so that they take no memory.
    """
    values, sampling, device = work.scan.values, work.sampling, work.options.device
    change = np.empty_like(values)
    deviation = np.empty_like(values) if work.options.uncertainty else None
    at_once = slices_at_once(max(sampling.native, sampling.seen, key=np.prod), device)

    def change_part(part: slice) -> None:
        seen = work.seen(part)
        back = seen
        if motion is not None:
            back = torch.from_numpy(_brought_back(seen.cpu().numpy(), motion)).to(device)
        with torch.inference_mode(), mixed_precision(device):
            answers = torch.stack([_added(work.network, back, flip) for flip in _FLIPS])
        changes = [back - seen + gain * answers.mean(dim=0), gain * answers.std(dim=0)]
        if not sampling.is_native:
            changes = [_resampled(one, sampling.to_native) for one in changes]
        on_scale = [one.cpu().numpy() * np.float32(work.scale) for one in changes]
        change[part] = on_scale[0]
        if deviation is not None:
            deviation[part] = np.maximum(on_scale[1], 0)

    in_batches(change_part, len(values), at_once, device=device, on_progress=on_progress)
    return change, deviation


def _brought_back(slices: Slices, motion: FoundMotion) -> Slices:
    scan = InPlaneScan(motion.grid, len(slices), motion.poses)
    return still_images(np.maximum(slices, 0), scan, n_steps=_N_BACK)


def _added(
    network: UNet, images: Float[Tensor, "n rows columns"], flip: tuple[int, ...]
) -> Float[Tensor, "n rows columns"]:
    """What the network would add to images that it sees flipped."""
    seen = images.flip(flip)
    answer: Tensor = network(seen[:, None])[:, 0]
    return (answer - seen).float().flip(flip)


def _resampled(
    images: Float[Tensor, "n a b"],
    matrices: tuple[Float32[np.ndarray, "c a"], Float32[np.ndarray, "d b"]],
) -> Float[Tensor, "n c d"]:
    rows, columns = (torch.from_numpy(matrix).to(images.device) for matrix in matrices)
    with torch.autocast(images.device.type, enabled=False):
        return rows @ images @ columns.T


def _left_warnings(options: CorrectionOptions) -> tuple[str, ...]:
    if not options.uncertainty:
        return ()
    return (
        "No uncertainty was computed, because the scan was judged still and left as it is; "
        "force the correction to get it.",
    )


def _warnings(scan: Volume, sampling: SliceSampling) -> tuple[str, ...]:
    """Sentences on what was done to fit the scan to the network."""
    found = []
    if not sampling.is_native:
        native, seen = (
            f"{rows:.2f} x {columns:.2f} mm"
            for rows, columns in (sampling.native_mm, sampling.seen_mm)
        )
        found.append(
            f"The scan's sagittal pixels measure {native}, unlike the model's training data; the "
            f"correction was computed at {seen} and brought back to the scan's grid, and detail "
            "finer than the coarser of both was not corrected."
        )
    x_axis = scan.affine[:3, 0] / scan.voxel_size_mm[0]
    turned_deg = float(np.degrees(np.arccos(np.clip(abs(x_axis[0]), 0, 1))))
    if turned_deg > _TILTED_DEG:
        found.append(
            f"The scan's slices are turned by {turned_deg:.0f} degrees from sagittal planes, "
            "further than in the model's training data."
        )
    return tuple(found)
