"""Corrected slices from corrupted ones."""

from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from jaxtyping import Float32, Int64

from mcnet.core.engine import Device
from mcnet.core.errors import McnetError
from mcnet.correction.batches import in_batches
from mcnet.datasets.adjacent import seen_together
from mcnet.datasets.pairs.pairs import ImagePairs
from mcnet.networks.base import ImageNetwork

_PIXELS_AT_ONCE = {"cpu": 2**19, "cuda": 2**23}
"""Pixels of one batch. On a CPU 8 slices of 256 x 256 are fastest: more leave the cache."""


def correct_slices(
    network: ImageNetwork,
    images: Float32[np.ndarray, "n rows columns"],
    input_scale: Float32[np.ndarray, "n"],
    *,
    seen: Int64[np.ndarray, "n n_seen"] | None = None,
    batch_size: int | None = None,
    device: Device = "cpu",
) -> Float32[np.ndarray, "n rows columns"]:
    """Corrected magnitude images on the scale of the given ones.

    The network sees ``image / input_scale``, as in training; its output is scaled back, and what
    falls below zero, which a magnitude cannot, is set to zero. ``seen`` holds the indices of the
    slices that a network of adjacent slices sees with each.

    Raises
    ------
    McnetError
        A scale is not a positive number, or the device is not there.
    """
    if not np.all((input_scale > 0) & np.isfinite(input_scale)):
        raise McnetError(
            f"an input scale is {input_scale.min()}; every scale must be a positive number, the "
            "99.9th percentile of the image's own scan: is one of the scans empty?"
        )
    quick = ready_network(network, device)
    corrected = np.empty_like(images)

    def correct_part(part: slice) -> None:
        scale = input_scale[part, None, None]
        together = images[part][:, None] if seen is None else images[seen[part]]
        batch = torch.from_numpy(together / scale[:, None]).to(device)
        with torch.inference_mode(), mixed_precision(device):
            output = quick(batch)[:, 0].float().cpu().numpy()
        corrected[part] = np.maximum(output * scale, 0)

    at_once = batch_size or slices_at_once(images.shape[1:], device)
    in_batches(correct_part, len(images), at_once, device=device)
    return corrected


def correct_pairs(
    network: ImageNetwork, pairs: ImagePairs
) -> Float32[np.ndarray, "n_pairs rows columns"]:
    """Corrected images of pairs, by a network of one slice or of adjacent ones."""
    n_adjacent = network.config.adjacent
    seen = seen_together(pairs.table, n_adjacent) if n_adjacent else None
    return correct_slices(network, pairs.corrupted, pairs.input_scale, seen=seen)


def ready_network(network: ImageNetwork, device: Device) -> ImageNetwork:
    """Copy of a network that computes the same faster: batch norm is part of the convolutions.

    Raises
    ------
    McnetError
        There is no GPU that PyTorch can use.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise McnetError(
            "device cuda is not there, or this PyTorch cannot use it; compute on the device cpu."
        )
    quick = network.folded().to(device)
    # The order in which convolutions read memory fastest, on CPUs and on GPUs.
    ready: ImageNetwork = quick.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return ready


def slices_at_once(shape: tuple[int, ...], device: Device) -> int:
    """How many slices of a shape make a batch that is fast and takes little memory."""
    return max(1, _PIXELS_AT_ONCE[device] // max(1, int(np.prod(shape))))


def mixed_precision(device: Device) -> AbstractContextManager[object]:
    """Within it a GPU computes convolutions in half precision; a CPU goes on as it is."""
    if device == "cuda":
        return torch.autocast("cuda", dtype=torch.float16)
    return nullcontext()
