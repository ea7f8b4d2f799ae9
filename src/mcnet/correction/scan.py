"""A corrected scan from a corrupted one, on its own grid and intensity scale."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from mcnet.correction.batches import in_batches
from mcnet.correction.gain import gain_of_card
from mcnet.correction.models import Model
from mcnet.correction.outcome import Assessment, CorrectedScan
from mcnet.correction.sampling import SliceSampling, sampling_for
from mcnet.correction.slices import mixed_precision, ready_network, slices_at_once
from mcnet.data.volume import Volume
from mcnet.engine import DEVICES, Device
from mcnet.errors import McnetError
from mcnet.metrics import intensity_scale
from mcnet.progress import OnProgress

_FLIPS: tuple[tuple[int, ...], ...] = ((), (1,), (2,), (1, 2))
"""Axes of a batch that are flipped, for each of the answers whose mean is the correction and whose
spread is its uncertainty. Networks are trained on flipped slices too."""
_HEAD_SHARE = 0.1
"""Slices with less signal than this share of the brightest one show no head, only air."""
_TILTED_DEG = 20.0
"""Slices that are turned further from sagittal are told of."""

_Correct = Callable[[Float[Tensor, "n rows columns"]], Float[Tensor, "n rows columns"]]


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
    device: Device = "cpu"

    def __post_init__(self) -> None:
        """Refuse a device that is none."""
        if self.device not in DEVICES:
            raise McnetError(f"device {self.device!r} is none of {', '.join(DEVICES)}.")


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
        model=model.about,
    )
    if judged.is_still and not options.force:
        return replace(left, warnings=(*judged.warnings, *_left_warnings(options)))
    rows, columns = scan.values.shape[1:]
    sampling = sampling_for((rows, columns), scan.voxel_size_mm[1:], model.trained_pixel_mm)
    correction, deviation = _corrections(
        lambda images: network(images[:, None])[:, 0] - images,
        scan.values,
        sampling,
        options,
        on_progress,
    )
    gain = np.float32(_gain(model, judged))
    correction *= gain
    if deviation is not None:
        deviation *= gain
    least, greatest = min(np.float32(0), scan.values.min()), scan.values.max()
    after = replace(scan, values=np.clip(scan.values + correction, least, greatest))
    return replace(
        left,
        after=after,
        assessment_after=guard.assess(after),
        is_left=False,
        warnings=(*judged.warnings, *_warnings(scan, sampling)),
        uncertainty=None if deviation is None else replace(scan, values=deviation),
    )


def _gain(model: Model, judged: Assessment) -> float:
    """How much of the correction is applied: little where the scan is unlike those learned from.

    Of such a scan neither the severity is to be trusted nor the correction.
    """
    curve = gain_of_card(model.card)
    return min(curve.gain) if judged.warnings else curve.at(judged.severity.mm)


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


def _corrections(
    correct: _Correct,
    values: Float32[np.ndarray, "x rows columns"],
    sampling: SliceSampling,
    options: CorrectionOptions,
    on_progress: OnProgress | None,
) -> tuple[Float32[np.ndarray, "x rows columns"], Float32[np.ndarray, "x rows columns"] | None]:
    """What is to be added to a scan, and its standard deviation if that is asked for.

    The correction is the mean of the answers to the slice and its flips, the deviation theirs; both
    are of one batch at a time, so that they take no memory.
    """
    device, scale = options.device, input_scale(values)
    correction = np.empty_like(values)
    deviation = np.empty_like(values) if options.uncertainty else None
    at_once = slices_at_once(max(sampling.native, sampling.seen, key=np.prod), device)

    def correct_part(part: slice) -> None:
        images = torch.from_numpy(values[part] / np.float32(scale)).to(device)
        with torch.inference_mode(), mixed_precision(device):
            answers = torch.stack([_answer(correct, images, flip, sampling) for flip in _FLIPS])
        correction[part] = answers.mean(dim=0).cpu().numpy() * np.float32(scale)
        if deviation is not None:
            deviation[part] = answers.std(dim=0).cpu().numpy() * np.float32(scale)

    in_batches(correct_part, len(values), at_once, device=device, on_progress=on_progress)
    return correction, deviation


def _answer(
    correct: _Correct,
    images: Float[Tensor, "n rows columns"],
    flip: tuple[int, ...],
    sampling: SliceSampling,
) -> Float[Tensor, "n rows columns"]:
    """Correction of native slices that the network sees flipped and at its own pixel size."""
    seen = images if sampling.is_native else _resampled(images, sampling.to_seen).clamp(min=0)
    answer = correct(seen.flip(flip)).float().flip(flip)
    return answer if sampling.is_native else _resampled(answer, sampling.to_native)


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
