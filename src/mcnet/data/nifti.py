"""NIfTI files in and out; the only module of mcnet that imports nibabel."""

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from jaxtyping import Float32, Float64
from nibabel.casting import float_to_int
from nibabel.filebasedimages import ImageFileError
from nibabel.imageglobals import LoggingOutputSuppressor
from nibabel.orientations import (
    apply_orientation,
    axcodes2ornt,
    inv_ornt_aff,
    io_orientation,
    ornt_transform,
)
from nibabel.spatialimages import HeaderDataError, HeaderTypeError

from mcnet import __version__
from mcnet.data.volume import Volume
from mcnet.errors import McnetError
from mcnet.provenance import provenance, write_json, written_whole

MIN_VOXELS = 8
"""An axis shorter than this is a localiser or a single slice, not a volume."""
SUFFIXES = (".nii.gz", ".nii")

_UNREADABLE = (
    ImageFileError,
    HeaderDataError,
    HeaderTypeError,
    OSError,
    EOFError,
    zlib.error,
    ValueError,
    MemoryError,
)


def nifti_stem(path: Path) -> str:
    """Name of a file without its folder and without ``.nii`` or ``.nii.gz``."""
    for suffix in SUFFIXES:
        if path.name.endswith(suffix):
            return path.name.removesuffix(suffix)
    return path.stem


def read_volume(path: Path) -> Volume:
    """Volume of a NIfTI file: scaled values, axes reordered and flipped to the nearest RAS+.

    Nothing is interpolated; an oblique scan keeps its oblique affine.

    Raises
    ------
    McnetError
        There is no such file, it is not NIfTI or is damaged, or what it holds is not one
        three-dimensional scan of finite, real, varying values on a valid grid.
    """
    image = _loaded(path)
    _refuse_other_than_3d(path, image)
    _refuse_impossible_grid(path, image)
    values = _values(path, image)
    _refuse_bad_values(path, values)
    orientation = io_orientation(image.affine)
    shape = values.shape
    return Volume(
        values=np.ascontiguousarray(apply_orientation(values, orientation), dtype=np.float32),
        affine=np.asarray(image.affine @ inv_ornt_aff(orientation, shape), dtype=np.float64),
        name=nifti_stem(path),
    )


def write_volume(
    path: Path,
    volume: Volume,
    *,
    like: Path | None = None,
    seed: int | None = None,
    inputs: Mapping[str, Path] | None = None,
    notes: Mapping[str, Any] | None = None,
) -> None:
    """Write a volume as NIfTI, whole or not at all, and its provenance as JSON beside it.

    Parameters
    ----------
    path
        Ends in ``.nii`` or ``.nii.gz``.
    volume
        What to write.
    like
        A NIfTI file whose data type, intensity scaling, axis order, units and codes the output
        takes. Integers are rounded and clipped to what the type can hold. Without it the output
        is float32 in RAS+ order.
    seed, inputs
        Recorded by `mcnet.provenance.provenance`.
    notes
        Further entries of the JSON file.

    Raises
    ------
    McnetError
        The name does not end as NIfTI files do, ``like`` cannot be read, or the folder cannot be
        written.
    """
    if not path.name.endswith(SUFFIXES):
        raise McnetError(
            f"{path} does not end in .nii or .nii.gz; scans are written as NIfTI: "
            f"name the output {nifti_stem(path)}.nii.gz, for example."
        )
    # Before writing: the output may replace one of its own inputs.
    record = {**provenance(seed=seed, inputs=inputs), **(notes or {})}
    image = _plain_image(volume) if like is None else _image_like(volume, _loaded(like))
    with written_whole(path) as temporary:
        nib.save(image, temporary)
    write_json(path.with_name(f"{nifti_stem(path)}.json"), record)


def _loaded(path: Path) -> nib.Nifti1Pair:
    """NIfTI image whose header is read and whose data are not."""
    if path.is_dir():
        raise McnetError(
            f"{path} is a folder; one scan is needed: name a .nii or .nii.gz file in it "
            "(a DICOM folder is converted by dcm2niix)."
        )
    if not path.exists():
        raise McnetError(f"{path} does not exist; give the path of a .nii or .nii.gz file.")
    try:
        # What nibabel would mend with a message on the terminal is refused below, in a sentence.
        with LoggingOutputSuppressor():
            image = nib.load(path)
    except PermissionError as error:
        raise McnetError(f"{path} may not be read by you; change its permissions.") from error
    except _UNREADABLE as error:
        raise McnetError(
            f"{path} is not a NIfTI scan or its header is damaged; give a .nii or .nii.gz file, "
            "for example one made by dcm2niix."
        ) from error
    if not isinstance(image, nib.Nifti1Pair):
        raise McnetError(
            f"{path} is a file of type {type(image).__name__.removesuffix('Image')}, not NIfTI; "
            "convert it to .nii.gz first (nib-convert or mri_convert does it)."
        )
    return image


def _values(path: Path, image: nib.Nifti1Pair) -> Float32[np.ndarray, "i j k"]:
    """Scaled values in the file's own axis order, read from disk now."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            values = image.get_fdata(caching="unchanged", dtype=np.float32)
    except _UNREADABLE as error:
        raise McnetError(
            f"{path} ends before all of its {' x '.join(map(str, image.shape))} voxels are read, "
            "or is damaged; copy or convert it again."
        ) from error
    return np.asarray(values).reshape(image.shape[:3])


def _refuse_other_than_3d(path: Path, image: nib.Nifti1Pair) -> None:
    size = " x ".join(map(str, image.shape))
    if len(image.shape) < 3:
        raise McnetError(
            f"{path} has {len(image.shape)} dimensions ({size}); a 3D scan is needed: give the "
            "whole volume, not a slice of it."
        )
    if any(n != 1 for n in image.shape[3:]):
        n_volumes = int(np.prod(image.shape[3:]))
        raise McnetError(
            f"{path} holds {n_volumes} volumes ({size}); one 3D scan is needed: take one out, for "
            "example with fslroi IN OUT 0 1."
        )
    if min(image.shape[:3]) < MIN_VOXELS:
        raise McnetError(
            f"{path} measures {size} voxels; a 3D scan needs {MIN_VOXELS} or more along every "
            "axis: give the whole volume, not a slab of it."
        )
    dtype = image.get_data_dtype()
    if dtype.names is not None or dtype.kind not in "iuf":
        kind = "colours" if dtype.names is not None else "complex numbers"
        raise McnetError(
            f"{path} holds {kind}; one real intensity a voxel is needed: give the scan itself, "
            "or its magnitude."
        )


def _refuse_impossible_grid(path: Path, image: nib.Nifti1Pair) -> None:
    voxel_size = _voxel_size_in_file(image)
    if not np.all(np.isfinite(voxel_size) & (voxel_size > 0)):
        size = " x ".join(f"{step:g}" for step in voxel_size)
        raise McnetError(
            f"{path} says its voxels measure {size} mm; every size must be above zero: correct "
            "pixdim in the header or convert the scan again."
        )
    axes = image.affine[:3, :3]
    lengths = np.linalg.norm(axes, axis=0)
    # The determinant of the unit axes is 1 at right angles and 0 where they lie in one plane.
    if (
        not np.all(np.isfinite(image.affine))
        or np.any(lengths == 0)
        or abs(np.linalg.det(axes / lengths)) < 1e-3
    ):
        raise McnetError(
            f"{path} has an affine that is singular or not finite, so its voxels have no place in "
            "space; correct the sform and qform or convert the scan again."
        )


def _voxel_size_in_file(image: nib.Nifti1Pair) -> Float64[np.ndarray, "3"]:
    """Voxel size as the file has it; nibabel would turn zeros to ones and drop signs."""
    holder = image.file_map.get("header", image.file_map["image"])
    with holder.get_prepare_fileobj("rb") as stream:
        header = type(image.header).from_fileobj(stream, check=False)
    return np.asarray(header["pixdim"][1:4], dtype=np.float64)


def _refuse_bad_values(path: Path, values: Float32[np.ndarray, "i j k"]) -> None:
    n_bad = values.size - int(np.count_nonzero(np.isfinite(values)))
    if n_bad:
        raise McnetError(
            f"{path} has {n_bad} voxels of NaN or infinite value; every voxel needs a finite "
            "number: replace them, for example with fslmaths IN -nan OUT."
        )
    if values.min() == values.max():
        raise McnetError(
            f"{path} has the value {values.flat[0]:g} in every voxel; a scan of a head is needed: "
            "check how the file was made."
        )


def _plain_image(volume: Volume) -> nib.Nifti1Image:
    image = nib.Nifti1Image(volume.values, volume.affine)
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = f"mcnet {__version__}"
    image.set_qform(volume.affine, code="scanner")
    image.set_sform(volume.affine, code="scanner")
    return image


def _image_like(volume: Volume, like: nib.Nifti1Pair) -> nib.Nifti1Image:
    """Image of the volume with the data type, axis order and codes of another."""
    to_file = ornt_transform(axcodes2ornt("RAS"), io_orientation(like.affine))
    values = apply_orientation(volume.values, to_file)
    affine = volume.affine @ inv_ornt_aff(to_file, volume.values.shape)
    same_grid = values.shape == like.shape[:3] and np.allclose(affine, like.affine, atol=1e-4)
    if same_grid:
        affine = like.affine
    kind = nib.Nifti2Image if isinstance(like, nib.Nifti2Image) else nib.Nifti1Image
    dtype = like.get_data_dtype()
    slope, inter = like.dataobj.slope, like.dataobj.inter
    image = kind(_stored(values, dtype, slope, inter), affine, like.header, dtype=dtype)
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


def _description(like: nib.Nifti1Pair) -> str:
    """Description of ``like`` with mcnet's name after it, where the 79 characters allow."""
    own = f"mcnet {__version__}"
    before = like.header["descrip"].item().decode("latin-1").strip("\0 ")
    joined = f"{before}; {own}" if before else own
    return joined if len(joined) < 80 else own
