"""Volumes of arrays and of nibabel's images, and the reverse; no file is read or written."""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from mcnet.core.errors import BadOptionError
from mcnet.io.nifti.files import image_like_image, volume_of_image
from mcnet.io.nifti.form import as_nifti, plain_image
from mcnet.io.nifti.names import nifti_stem
from mcnet.io.volume import NibabelImage, Volume


def volume_of_array(values: Any, affine: Any, name: str) -> Volume:
    """Volume of an array and its affine, as `mcnet.io.volume.Volume.from_array`.

    Raises
    ------
    McnetError
        The values are not real, the affine is no 4 x 4 matrix, or as `volume_of_image`.
    """
    array, matrix = np.asarray(values), np.asarray(affine, dtype=np.float64)
    if array.dtype.kind not in "biuf":
        raise BadOptionError(
            f"{name} holds {array.dtype}; one real intensity a voxel is needed: give its magnitude."
        )
    if matrix.shape != (4, 4):
        raise BadOptionError(
            f"{name} has an affine of shape {matrix.shape}; give the 4 x 4 matrix from voxel "
            "indices to millimetres."
        )
    if not np.all(np.isfinite(matrix)) or np.linalg.matrix_rank(matrix[:3, :3]) < 3:
        raise BadOptionError(
            f"{name} has an affine that is singular or not finite, so its voxels have no place in "
            "space; give the matrix from voxel indices to millimetres."
        )
    image = nib.Nifti1Image(array.astype(np.float32, copy=False), matrix)
    image.header.set_xyzt_units("mm")
    return volume_of_image(Path(name), image, name)


def volume_in_image(image: NibabelImage, name: str | None = None) -> Volume:
    """Volume of an image, as `mcnet.io.volume.Volume.from_nibabel`.

    Raises
    ------
    McnetError
        As `mcnet.io.nifti.files.volume_of_image`.
    """
    nifti = as_nifti(image)
    file = nifti.get_filename() or getattr(image, "get_filename", lambda: None)()
    if name is None:
        name = nifti_stem(Path(file)) if file else "scan"
    return volume_of_image(Path(file or name), nifti, name)


def image_of_volume(volume: Volume, like: NibabelImage | None = None) -> nib.Nifti1Image:
    """NIfTI image of a volume: plain, or with the data type, axes, units and codes of another.

    Raises
    ------
    McnetError
        What is to be like is no image of nibabel's.
    """
    return plain_image(volume) if like is None else image_like_image(volume, like)
