"""Corrected slices from corrupted ones."""

import numpy as np
import torch
from jaxtyping import Float32

from mcnet.errors import McnetError
from mcnet.learning.network import UNet


def correct_slices(
    network: UNet,
    images: Float32[np.ndarray, "n rows columns"],
    input_scale: Float32[np.ndarray, "n"],
    *,
    batch_size: int = 32,
    device: str = "cpu",
) -> Float32[np.ndarray, "n rows columns"]:
    """Corrected magnitude images on the scale of the given ones.

    The network sees ``image / input_scale``, as in training; its output is scaled back, and what
    falls below zero, which a magnitude cannot, is set to zero.

    Raises
    ------
    McnetError
        A scale is not a positive number.
    """
    if not np.all((input_scale > 0) & np.isfinite(input_scale)):
        raise McnetError(
            f"an input scale is {input_scale.min()}; every scale must be a positive number, the "
            "99.9th percentile of the image's own scan: is one of the scans empty?"
        )
    network = network.to(device).eval()
    corrected = np.empty_like(images)
    for start in range(0, len(images), batch_size):
        part = slice(start, start + batch_size)
        scale = input_scale[part, None, None]
        batch = torch.from_numpy(images[part] / scale)[:, None].to(device)
        with torch.inference_mode():
            output = network(batch)[:, 0].cpu().numpy()
        corrected[part] = np.maximum(output * scale, 0)
    return corrected
