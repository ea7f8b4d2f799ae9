"""The form in which a volume is written as NIfTI: plain, or like another file."""

from typing import Any

import nibabel as nib
import numpy as np
from jaxtyping import Float32
from nibabel.casting import float_to_int
from nibabel.orientations import (
    apply_orientation,
    axcodes2ornt,
    inv_ornt_aff,
    io_orientation,
    ornt_transform,
)

from mcnet import __version__
from mcnet.data.volume import Volume


def plain_image(volume: Volume) -> nib.Nifti1Image:
    """NIfTI image of a volume: float32, RAS+, millimetres."""
    image = nib.Nifti1Image(volume.values, volume.affine)
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = f"mcnet {__version__}"
    image.set_qform(volume.affine, code="scanner")
    image.set_sform(volume.affine, code="scanner")
    return image


def image_like(volume: Volume, like: nib.Nifti1Pair, slope: float, inter: float) -> nib.Nifti1Image:
    """NIfTI image of a volume with the data type, axes, dimensions, units and codes of another.

    ``slope`` and ``inter`` are the other's intensity scaling, ``value = slope * stored + inter``;
    integers are rounded and clipped. On the other's own grid its header stays as it is.
    """
    to_file = ornt_transform(axcodes2ornt("RAS"), io_orientation(like.affine))
    values = apply_orientation(volume.values, to_file)
    affine = volume.affine @ inv_ornt_aff(to_file, volume.values.shape)
    same_grid = values.shape == like.shape[:3] and np.allclose(affine, like.affine, atol=1e-4)
    if same_grid:
        affine = like.affine
    kind: type[Any] = nib.Nifti2Image if isinstance(like, nib.Nifti2Image) else nib.Nifti1Image
    dtype = like.get_data_dtype()
    # what had further dimensions, each of 1, keeps them
    stored = _stored(values, dtype, slope, inter).reshape(values.shape + like.shape[3:])
    image: nib.Nifti1Image = kind(stored, affine, like.header, dtype=dtype)
    # Set slope and intercept keep nibabel from choosing new ones: the intensity scale survives.
    image.header.set_slope_inter(slope, inter)
    image.header["descrip"] = _description(like)
    if not same_grid:
        _place(image, like)
    return image


def _stored(
    values: Float32[np.ndarray, "i j k"], dtype: np.dtype[Any], slope: float, inter: float
) -> np.ndarray:
    """Numbers that stand in the file for ``values = slope * stored + inter``."""
    stored = (values.astype(np.float64) - inter) / slope
    if dtype.kind == "f":
        return stored.astype(dtype)
    return np.asarray(float_to_int(stored, dtype.newbyteorder("=").type))


def _place(image: nib.Nifti1Image, like: nib.Nifti1Pair) -> None:
    """Give a new grid the coordinate systems of ``like``: sform and qform move together."""
    old_voxel_of_new = np.linalg.inv(like.affine) @ image.affine
    qform, qform_code = like.get_qform(coded=True)
    sform, sform_code = like.get_sform(coded=True)
    image.header.extensions.clear()  # private records of the old grid would contradict the new
    image.set_qform(None if qform is None else qform @ old_voxel_of_new, code=int(qform_code))
    if sform is not None:
        image.set_sform(sform @ old_voxel_of_new, code=int(sform_code))
    elif qform is None:
        image.set_sform(image.affine, code="scanner")
    else:
        image.set_sform(None, code=0)


def _description(like: nib.Nifti1Pair) -> bytes:
    """Description of ``like`` with mcnet's name after it, where the 79 characters allow.

    As bytes, because numpy takes no text beyond ASCII here, and scanners write names of places.
    """
    own = f"mcnet {__version__}"
    before = like.header["descrip"].item().decode("latin-1").strip("\0 ")
    joined = f"{before}; {own}" if before else own
    return (joined if len(joined) < 80 else own).encode("latin-1")
