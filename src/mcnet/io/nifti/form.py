"""NIfTI images of a volume: plain, or with the data type and header of another file."""

from typing import Any

import nibabel as nib
import numpy as np
from jaxtyping import Float32, Float64
from nibabel.casting import float_to_int
from nibabel.orientations import (
    apply_orientation,
    axcodes2ornt,
    inv_ornt_aff,
    io_orientation,
    ornt_transform,
)

from mcnet import __version__
from mcnet.core.errors import McnetError
from mcnet.io.volume import NibabelImage, Volume

_MM_PER_UNIT = {1: ("metres", 1000.0), 2: ("millimetres", 1.0), 3: ("micrometres", 0.001)}
"""By NIfTI's codes."""
_NO_UNIT = ("none given, millimetres assumed", 1.0)


def as_nifti(image: NibabelImage) -> nib.Nifti1Pair:
    """The image itself where it is NIfTI, and otherwise one of the same voxels and places."""
    if isinstance(image, nib.Nifti1Pair):
        return image
    try:
        same: nib.Nifti1Image = nib.Nifti1Image.from_image(image)  # type: ignore[arg-type]
    except Exception as error:  # whatever an image of another kind has not
        raise McnetError(
            f"{type(image).__name__} is no image with voxels in space; give one that nibabel "
            "loads, such as NIfTI."
        ) from error
    return same


def mm_per_unit(header: nib.Nifti1Header) -> float:
    """Millimetres per unit of length of a header, which holds for pixdim, sform and qform.

    Many programs write no unit; millimetres are assumed then.
    """
    return _MM_PER_UNIT.get(int(header["xyzt_units"]) % 8, _NO_UNIT)[1]


def unit_name(header: nib.Nifti1Header) -> str:
    """Name of a header's unit of length, for a sentence."""
    return _MM_PER_UNIT.get(int(header["xyzt_units"]) % 8, _NO_UNIT)[0]


def affine_mm(image: nib.Nifti1Pair) -> Float64[np.ndarray, "4 4"]:
    """From voxel indices to millimetres, whatever the unit of the header is."""
    return _scaled(np.asarray(image.affine, dtype=np.float64), mm_per_unit(image.header))


def _scaled(affine: Float64[np.ndarray, "4 4"], factor: float) -> Float64[np.ndarray, "4 4"]:
    return np.asarray(np.diag([factor, factor, factor, 1.0]) @ affine)


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
    in_mm = volume.affine @ inv_ornt_aff(to_file, volume.values.shape)
    same_grid = values.shape == like.shape[:3] and np.allclose(in_mm, affine_mm(like), atol=1e-4)
    affine = like.affine if same_grid else _scaled(in_mm, 1 / mm_per_unit(like.header))
    kind = single_file_kind(like)
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


def single_file_kind(like: nib.Nifti1Pair) -> type[Any]:
    """NIfTI-1 or NIfTI-2 in one file, as the header of another image is."""
    return nib.Nifti2Image if isinstance(like.header, nib.Nifti2Header) else nib.Nifti1Image


def _stored(
    values: Float32[np.ndarray, "i j k"], dtype: np.dtype[Any], slope: float, inter: float
) -> np.ndarray:
    """Stored numbers, of which ``values = slope * stored + inter``."""
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
