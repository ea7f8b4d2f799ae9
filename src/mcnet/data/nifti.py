"""NIfTI files in and out; with `nifti_form`, the only module of mcnet that imports nibabel."""

import gzip
import logging
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from jaxtyping import Float32
from nibabel.filebasedimages import ImageFileError
from nibabel.imageglobals import logger as nibabel_logger
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation
from nibabel.spatialimages import HeaderDataError, HeaderTypeError

from mcnet.data.nifti_form import image_like, plain_image
from mcnet.data.nifti_names import NIFTI, nifti_stem, sidecar
from mcnet.data.volume import Volume
from mcnet.errors import McnetError
from mcnet.outputs import Given, check_outputs
from mcnet.provenance import cannot_read, provenance, written_with_record

MIN_VOXELS = 8
"""An axis shorter than this is a localiser or a single slice, not a volume."""

_FAULTS = (ImageFileError, HeaderDataError, HeaderTypeError, ValueError, OverflowError, MemoryError)
_UNREADABLE = (*_FAULTS, OSError, EOFError, zlib.error)


def read_volume(path: Path) -> Volume:
    """Volume of a NIfTI file: scaled values, axes reordered and flipped to the nearest RAS+.

    Nothing is interpolated; an oblique scan keeps its oblique affine.

    Raises
    ------
    McnetError
        There is no such file, it is not NIfTI or is damaged, or what it holds is not one
        three-dimensional scan of finite, real, varying values on a valid grid.
    """
    image = _checked(path)
    values = _values(path, image)
    _refuse_bad_values(path, values)
    orientation = io_orientation(image.affine)
    shape = values.shape
    return Volume(
        values=np.ascontiguousarray(apply_orientation(values, orientation), dtype=np.float32),
        affine=np.asarray(image.affine @ inv_ornt_aff(orientation, shape), dtype=np.float64),
        name=nifti_stem(path),
    )


def voxel_axes(path: Path) -> tuple[str, str, str]:
    """Where the first, second and third voxel axis of a file lead: R or L, A or P, S or I.

    Raises
    ------
    McnetError
        As `read_volume` refuses headers.
    """
    first, second, third = nib.aff2axcodes(_checked(path).affine)
    return first, second, third


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
        `mcnet.outputs.check_outputs` refuses the path, ``like`` cannot be read, or the disk is
        full.
    """
    check_outputs([Given("", path, NIFTI)])
    # Before writing: the output may replace one of its own inputs.
    record = {**provenance(seed=seed, inputs=inputs), **(notes or {})}
    image = plain_image(volume) if like is None else _image_like(volume, like)
    with written_with_record(path, sidecar(path), record) as temporary:
        nib.save(image, temporary)


@contextmanager
def _silent_nibabel() -> Iterator[None]:
    """Keep nibabel from printing what it would mend; that is refused in sentences of our own."""
    # not its LoggingOutputSuppressor, which takes the handlers away: Python then prints instead
    level = nibabel_logger.level
    nibabel_logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        nibabel_logger.setLevel(level)


def _image_like(volume: Volume, like: Path) -> nib.Nifti1Image:
    model = _checked(like)
    slope, inter = _header_in_file(model).get_slope_inter()
    return image_like(volume, model, slope or 1.0, inter or 0.0)


def _checked(path: Path) -> nib.Nifti1Pair:
    """NIfTI image of one 3D scan on a valid grid, its values not read yet."""
    image = _loaded(path)
    _refuse_other_than_3d(path, image)
    _refuse_impossible_grid(path, image)
    return image


def _loaded(path: Path) -> nib.Nifti1Pair:
    """NIfTI image whose header is read and whose data are not."""
    _refuse_no_file(path)
    try:
        with _silent_nibabel():
            image = nib.load(path)
    except PermissionError as error:
        raise cannot_read(path, error) from error
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


def _refuse_no_file(path: Path) -> None:
    try:
        is_folder, exists = path.is_dir(), path.exists()
    except OSError as error:
        raise cannot_read(path, error) from error
    if is_folder:
        raise McnetError(
            f"{path} is a folder; one scan is needed: name a .nii or .nii.gz file in it "
            "(a DICOM folder is converted by dcm2niix)."
        )
    if not exists:
        raise McnetError(f"{path} does not exist; give the path of a .nii or .nii.gz file.")


def _values(path: Path, image: nib.Nifti1Pair) -> Float32[np.ndarray, "i j k"]:
    """Scaled values in the file's own axis order, read from disk now."""
    try:
        if path.suffix == ".gz":
            _check_sum(path)
        with np.errstate(over="ignore", invalid="ignore"):
            values = image.get_fdata(caching="unchanged", dtype=np.float32)
    except _UNREADABLE as error:
        raise McnetError(
            f"{path} ends before all of its {' x '.join(map(str, image.shape))} voxels are read, "
            "or is damaged; copy or convert it again."
        ) from error
    return np.asarray(values).reshape(image.shape[:3])


def _check_sum(path: Path) -> None:
    """Read a gzip file to its end, where its checksum is; nibabel stops before."""
    with gzip.open(path) as stream:
        while stream.read(1 << 24):
            pass


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
    voxel_size = np.asarray(_header_in_file(image)["pixdim"][1:4], dtype=np.float64)
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


def _header_in_file(image: nib.Nifti1Pair) -> nib.Nifti1Header:
    """Header as the file has it; nibabel's own turns voxel sizes of 0 to 1 and drops signs."""
    holder = image.file_map.get("header", image.file_map["image"])
    with holder.get_prepare_fileobj("rb") as stream:
        header: nib.Nifti1Header = type(image.header).from_fileobj(stream, check=False)
    return header


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
