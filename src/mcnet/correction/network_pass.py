"""A scan on its way through a network: as the network sees it, and what comes back to the scan."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from mcnet.correction.batches import in_batches
from mcnet.correction.magnitude_motion import FoundMotion
from mcnet.correction.options import CorrectionOptions
from mcnet.correction.sampling import SliceSampling
from mcnet.correction.slices import mixed_precision, slices_at_once
from mcnet.data.volume import Volume
from mcnet.learning.network import UNet
from mcnet.metrics import intensity_scale
from mcnet.progress import OnProgress

_FLIPS: tuple[tuple[int, ...], ...] = ((), (-2, -1), (-2,), (-1,))
"""Axes of a batch that are flipped, for each of the answers whose spread is the uncertainty.
Networks are trained on flipped slices too."""
_N_AVERAGED = 2
"""The mean of so many answers, the first, is the correction: that of all is hardly better."""
_HEAD_SHARE = 0.1
"""Slices with less signal than this share of the brightest one show no head, only air."""
_FULL_SHARE = 0.25
"""Slices with less signal than this share of the brightest one show little of the head."""


_Images = TypeVar("_Images", np.ndarray, Tensor)


@dataclass(frozen=True, eq=False)
class NetworkPass:
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


def lines_along_rows(images: _Images, line_axis: int) -> _Images:
    """Images turned over so that lines were encoded along the axis of the rows; its own inverse.

    So a network meets motion along one axis alone.
    """
    return images.swapaxes(-1, -2) if line_axis == 1 else images


def spread_slices(values: Float32[np.ndarray, "x y z"], n_slices: int) -> Int64[np.ndarray, "n"]:
    """Indices of slices that show much of the head, from one side to the other."""
    content = np.maximum(values, 0).mean(axis=(1, 2))
    shown = np.flatnonzero(content >= _FULL_SHARE * content.max())
    places = np.linspace(0, len(shown) - 1, min(n_slices, len(shown)))
    return np.asarray(shown[places.round().astype(int)], dtype=np.int64)


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


def changes_of(
    way: NetworkPass, motion: FoundMotion | None, gain: float, on_progress: OnProgress | None
) -> tuple[Float32[np.ndarray, "x rows columns"], Float32[np.ndarray, "x rows columns"] | None]:
    """What is to be added to a scan, and its standard deviation if that is asked for.

    First the motion that was found is undone; then the network corrects: the mean of its answers to
    the slice as it is and turned by half a circle, times the gain. The deviation is that of the
    answers to all flips. Both are of one batch at a time, so that they take no memory.
    """
    values, sampling, device = way.scan.values, way.sampling, way.options.device
    change = np.empty_like(values)
    deviation = np.zeros_like(values) if way.options.uncertainty else None
    flips = _FLIPS[:_N_AVERAGED] if deviation is None else _FLIPS
    at_once = slices_at_once(max(sampling.native, sampling.seen, key=np.prod), device)

    def change_part(part: slice) -> None:
        seen = way.seen(part)
        back = seen
        if motion is not None:
            back = torch.from_numpy(motion.undone(seen.cpu().numpy())).to(device)
        changes = [back - seen]
        if gain:
            inputs = torch.stack([back, seen - back][: way.network.config.n_inputs], dim=1)
            with torch.inference_mode(), mixed_precision(device):
                answers = torch.stack([_added(way, inputs, flip) for flip in flips])
            changes[0] += gain * answers[:_N_AVERAGED].mean(dim=0)
            changes += [gain * answers.std(dim=0)] if deviation is not None else []
        if not sampling.is_native:
            changes = [_resampled(one, sampling.to_native) for one in changes]
        on_scale = [one.cpu().numpy() * np.float32(way.scale) for one in changes]
        change[part] = on_scale[0]
        if deviation is not None and gain:
            deviation[part] = np.maximum(on_scale[1], 0)

    in_batches(change_part, len(values), at_once, device=device, on_progress=on_progress)
    return change, deviation


def _added(
    way: NetworkPass, inputs: Float[Tensor, "n n_inputs rows columns"], flip: tuple[int, ...]
) -> Float[Tensor, "n rows columns"]:
    """What the network would add to images that it sees flipped."""
    line_axis = 1 if way.options.phase_encoding == "z" else 0
    seen = lines_along_rows(inputs, line_axis).flip(flip)
    answer: Tensor = way.network(seen)[:, 0]
    return lines_along_rows((answer - seen[:, 0]).float().flip(flip), line_axis)


def _resampled(
    images: Float[Tensor, "n a b"],
    matrices: tuple[Float32[np.ndarray, "c a"], Float32[np.ndarray, "d b"]],
) -> Float[Tensor, "n c d"]:
    rows, columns = (torch.from_numpy(matrix).to(images.device) for matrix in matrices)
    with torch.autocast(images.device.type, enabled=False):
        return rows @ images @ columns.T
