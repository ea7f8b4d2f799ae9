"""How alike two scans are, by every metric of `mcnet.metrics.registry`."""

import numpy as np

from mcnet.core.errors import McnetError
from mcnet.datasets.masks import head_mask
from mcnet.io.volume import Volume
from mcnet.metrics.registry import scores
from mcnet.metrics.scale import intensity_scale

COMPARISON_DEFINITION = (
    "Whole volumes (SSIM in a 3D window), after division of both by the reference's 99.9th "
    "percentile; _head: inside the reference's head mask."
)


def compare_scans(reference: Volume, image: Volume) -> dict[str, float]:
    """Return the metrics of an image against its reference, by name.

    Raises
    ------
    McnetError
        The two do not share a grid.
    """
    if reference.values.shape != image.values.shape or not np.allclose(
        reference.affine, image.affine, atol=1e-2
    ):
        raise McnetError(
            f"{image.name} ({'x'.join(map(str, image.values.shape))}) lies on another grid than "
            f"{reference.name} ({'x'.join(map(str, reference.values.shape))}); resample one onto "
            "the other first."
        )
    scale = intensity_scale(reference.values)
    truth, found = reference.values / scale, image.values / scale
    return scores(found, head=head_mask(truth), reference=truth)
