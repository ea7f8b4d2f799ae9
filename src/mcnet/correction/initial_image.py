"""The image that a reconstruction from raw k-space starts its motion estimation from."""

from dataclasses import replace

import numpy as np

from mcnet.correction.models import Model
from mcnet.correction.network_pass import NetworkPass, changes_of
from mcnet.correction.options import CorrectionOptions
from mcnet.correction.sampling import sampling_for
from mcnet.correction.slices import ready_network
from mcnet.datasets.head_slices import input_scale
from mcnet.io.volume import Volume


def network_image(corrupted: Volume, model: Model) -> Volume:
    """Network's output for a scan as it is, slice by sagittal slice; its name tells the network."""
    pixel_mm = corrupted.voxel_size_mm[1:]
    rows, columns = corrupted.values.shape[1:]
    network = NetworkPass(
        ready_network(model.network, "cpu"),
        corrupted,
        sampling_for((rows, columns), (pixel_mm[0], pixel_mm[1]), model.trained_pixel_mm),
        input_scale(corrupted.values),
        CorrectionOptions(),
    )
    change, _ = changes_of(network, None, 1.0, None)
    return replace(
        corrupted,
        values=np.maximum(corrupted.values + change, 0),
        name=f"the image of the network {model.name}",
    )
