"""How alike two scans are, by the metrics of `mcnet.metrics`."""

import numpy as np

from mcnet.core.errors import McnetError
from mcnet.datasets.masks import head_mask
from mcnet.io.volume import Volume
from mcnet.metrics import intensity_scale, nmse, psnr, ssim_whole_and_inside

COMPARISON_DEFINITION = (
    "Whole volumes (a 3D window), after division of both by the reference's 99.9th percentile; "
    "_head: inside the reference's head mask."
)


def compare_scans(reference: Volume, image: Volume) -> dict[str, float]:
    """SSIM, PSNR and NMSE of an image against its reference, whole and in the head.

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
    head = head_mask(truth)
    whole, inside = ssim_whole_and_inside(truth, found, data_range=1.0, mask=head)
    return {
        "ssim": whole,
        "ssim_head": inside,
        "psnr": psnr(truth, found, data_range=1.0),
        "psnr_head": psnr(truth, found, data_range=1.0, mask=head),
        "nmse": nmse(truth, found),
        "nmse_head": nmse(truth, found, mask=head),
    }
