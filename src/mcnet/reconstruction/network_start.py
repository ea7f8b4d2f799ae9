"""The image that a search for motion starts from, where a network gives one; this needs torch."""

from dataclasses import replace

import numpy as np

from mcnet.correction.head_slices import input_scale
from mcnet.correction.models import Model
from mcnet.correction.network_pass import NetworkPass, changes_of
from mcnet.correction.options import CorrectionOptions
from mcnet.correction.sampling import sampling_for
from mcnet.correction.slices import ready_network
from mcnet.io.volume import Volume


def network_image(corrupted: Volume, model: Model) -> Volume:
    """What the network makes of a scan as it is, slice by sagittal slice."""
    pixel_mm = corrupted.voxel_size_mm[1:]
    rows, columns = corrupted.values.shape[1:]
    way = NetworkPass(
        ready_network(model.network, "cpu"),
        corrupted,
        sampling_for((rows, columns), (pixel_mm[0], pixel_mm[1]), model.trained_pixel_mm),
        input_scale(corrupted.values),
        CorrectionOptions(),
    )
    change, _ = changes_of(way, None, 1.0, None)
    return replace(corrupted, values=np.maximum(corrupted.values + change, 0))
