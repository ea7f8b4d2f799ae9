"""A scan on its way through a network: as the network sees it, and what comes back to the scan."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from mcnet.core.progress import OnProgress
from mcnet.correction.batches import in_batches
from mcnet.correction.magnitude_motion import FoundMotion
from mcnet.correction.options import CorrectionOptions
from mcnet.correction.sampling import SliceSampling
from mcnet.correction.slices import mixed_precision, slices_at_once
from mcnet.io.volume import Volume
from mcnet.networks.base import ImageNetwork

_FLIPS: tuple[tuple[int, ...], ...] = ((), (-2, -1), (-2,), (-1,))
"""Axes of a batch that are flipped, for each of the answers whose spread is the uncertainty.
Networks are trained on flipped slices too."""
_N_AVERAGED = 2
"""The mean of so many answers, the first, is the correction: that of all is hardly better."""


_Images = TypeVar("_Images", np.ndarray, Tensor)


@dataclass(frozen=True, eq=False)
class NetworkPass:
    """A scan on its way through a network."""

    network: ImageNetwork
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
