"""Which voxels belong to the head."""

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage
from skimage.filters import threshold_otsu

from mcnet.core.errors import McnetError


def head_mask(
    values: Float[np.ndarray, "x y z"], *, closing_voxels: int = 3
) -> Bool[np.ndarray, "x y z"]:
    """Mask of the head: true in tissue and in what tissue encloses, false in the air around.

    Half of Otsu's threshold on lightly smoothed values parts tissue from air; the largest
    connected piece stays, gaps of up to twice ``closing_voxels`` are closed, and the holes of each
    sagittal slice (the first axis) are filled.

    Raises
    ------
    McnetError
        The volume is constant, so that nothing tells a head from air.
    """
    smooth = ndimage.gaussian_filter(np.asarray(values, dtype=np.float32), 1.0)
    # A few very bright voxels, vessels or fat beside the coil, would draw the threshold up.
    ceiling = np.percentile(smooth, 99.5)
    if not smooth.min() < ceiling:
        raise McnetError(
            "the volume is constant; a head mask needs tissue brighter than air: check the scan."
        )
    tissue = smooth > threshold_otsu(np.minimum(smooth, ceiling)) / 2
    closed = _closed(_largest_piece(tissue), closing_voxels)
    # A hole of the volume is a hole of each slice that it meets, so this fills both.
    return np.stack([ndimage.binary_fill_holes(sagittal) for sagittal in closed])


def _largest_piece(mask: Bool[np.ndarray, "x y z"]) -> Bool[np.ndarray, "x y z"]:
    labels, _ = ndimage.label(mask)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return np.asarray(labels == sizes.argmax())


def _closed(mask: Bool[np.ndarray, "x y z"], n_voxels: int) -> Bool[np.ndarray, "x y z"]:
    # Padded, because an erosion would eat into a head that the field of view cuts off.
    padded = np.pad(mask, n_voxels)
    closed = ndimage.binary_closing(padded, iterations=n_voxels) if n_voxels else padded
    inside = slice(n_voxels, -n_voxels or None)
    return np.asarray(closed[inside, inside, inside])
