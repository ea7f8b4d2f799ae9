"""Volumes read from and written to NIfTI files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from jaxtyping import Float32
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation

from mcnet.core.errors import McnetError
from mcnet.core.outputs import Given, check_outputs
from mcnet.core.provenance import Inputs, provenance
from mcnet.core.records import written_with_record
from mcnet.io.damage import damage_as_error
from mcnet.io.head_size import check_head_size
from mcnet.io.image_kind import check_image_kind
from mcnet.io.metadata import metadata_of, text_of
from mcnet.io.nifti.form import affine_mm, as_nifti, image_like, mm_per_unit, plain_image, unit_name
from mcnet.io.nifti.names import NIFTI, nifti_stem, sidecar
from mcnet.io.nifti.opening import UNREADABLE, check_stored, header_in_file, is_opened, nifti_image
from mcnet.io.volume import NibabelImage, Volume

MIN_VOXELS = 8
"""An axis shorter than this is a localiser or a single slice, not a volume."""


def read_volume(path: Path) -> Volume:
    """Volume of a NIfTI file: scaled values, axes reordered and flipped to the nearest RAS+.

    Nothing is interpolated; an oblique scan keeps its oblique affine.

    Raises
    ------
    McnetError
        There is no such file, it is not NIfTI or is damaged, or what it holds is not one
        three-dimensional magnitude scan of finite, real, varying values on a valid grid of the size
        of a head.
    """
    about = metadata_of(path)
    check_image_kind(about.get("ImageType"), text_of(about, "ComplexImageComponent"), path)
    with nifti_image(path) as image:
        return volume_of_image(path, image, nifti_stem(path))


def volume_of_image(path: Path, image: nib.Nifti1Pair, name: str) -> Volume:
    """Volume of an image of nibabel's, opened or in memory, as `read_volume`.

    Parameters
    ----------
    path
        What the image is called in messages.
    image
        The image.
    name
        Of the volume.

    Raises
    ------
    McnetError
        As `read_volume`, but for what a file alone can have wrong.
    """
    _check_form(path, image)
    values = _values(path, image)
    affine = affine_mm(image)
    _check_values(path, values)
    orientation = io_orientation(affine)
    shape = values.shape
    return Volume(
        values=np.ascontiguousarray(apply_orientation(values, orientation), dtype=np.float32),
        affine=np.asarray(affine @ inv_ornt_aff(orientation, shape), dtype=np.float64),
        name=name,
    )


def voxel_axes(scan: Path | NibabelImage) -> tuple[str, str, str]:
    """Direction of each voxel axis of a file or image: R or L, A or P, S or I.

    Raises
    ------
    McnetError
        The header is refused as by `read_volume`.
    """
    if not isinstance(scan, Path):
        first, second, third = nib.aff2axcodes(scan.affine)
        return first, second, third
    with nifti_image(scan) as image:
        _check_form(scan, image)
        first, second, third = nib.aff2axcodes(image.affine)
    return first, second, third


def write_volume(
    path: Path,
    volume: Volume,
    *,
    like: Path | NibabelImage | None = None,
    seed: int | None = None,
    inputs: Inputs | None = None,
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
        A NIfTI file, or an image of nibabel, whose data type, intensity scaling, axis order, units
        and codes the output takes. Integers are rounded and clipped to what the type can hold.
        Without it the output is float32 in RAS+ order.
    seed, inputs
        Recorded by `mcnet.core.provenance.provenance`.
    notes
        Further entries of the JSON file.

    Raises
    ------
    McnetError
        `mcnet.core.outputs.check_outputs` refuses the path, ``like`` cannot be read, or the disk is
        full.
    """
    check_outputs([Given("", path, NIFTI)])
    # Before writing: the output may replace one of its own inputs.
    record = {**provenance(seed=seed, inputs=inputs), **(notes or {})}
    if isinstance(like, Path):
        image = _image_like_file(volume, like)
    else:
        image = plain_image(volume) if like is None else image_like_image(volume, like)
    with written_with_record(path, sidecar(path), record) as temporary:
        nib.save(image, temporary)


def image_like_image(volume: Volume, like: NibabelImage) -> nib.Nifti1Image:
    """NIfTI image of a volume as `mcnet.io.nifti.form.image_like`, of an image in memory."""
    model = as_nifti(like)
    # read from a file, an image keeps its scaling here and not in its header
    slope, inter = (getattr(model.dataobj, name, None) for name in ("slope", "inter"))
    return image_like(volume, model, float(slope or 1.0), float(inter or 0.0))


def _image_like_file(volume: Volume, like: Path) -> nib.Nifti1Image:
    with nifti_image(like) as model:
        _check_form(like, model)
        slope, inter = header_in_file(model).get_slope_inter()
        return image_like(volume, model, slope or 1.0, inter or 0.0)


def _check_form(path: Path, image: nib.Nifti1Pair) -> None:
    """Check that an image is one 3D scan on a valid grid of the size of a head."""
    _check_3d(path, image)
    _check_grid(path, image)
    steps_mm = np.linalg.norm(affine_mm(image)[:3, :3], axis=0).tolist()
    unit = unit_name(image.header)
    remedy = f"check pixdim, sform and qform in its header and their unit ({unit})"
    check_head_size(path, image.shape[:3], steps_mm, remedy)


def _values(path: Path, image: nib.Nifti1Pair) -> Float32[np.ndarray, "i j k"]:
    """Scaled values in the file's own axis order, read from disk now."""
    damage = (
        f"ends before all of its {' x '.join(map(str, image.shape))} voxels are read, or is "
        "damaged; copy or convert it again."
    )
    with damage_as_error(path, UNREADABLE, damage):
        if is_opened(image):
            check_stored(image)
        with np.errstate(over="ignore", invalid="ignore"):
            values = image.get_fdata(caching="unchanged", dtype=np.float32)
    return np.asarray(values).reshape(image.shape[:3])


def _check_3d(path: Path, image: nib.Nifti1Pair) -> None:
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


def _check_grid(path: Path, image: nib.Nifti1Pair) -> None:
    voxel_size = np.asarray(header_in_file(image)["pixdim"][1:4], dtype=np.float64)
    voxel_size *= mm_per_unit(image.header)
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


def _check_values(path: Path, values: Float32[np.ndarray, "i j k"]) -> None:
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
