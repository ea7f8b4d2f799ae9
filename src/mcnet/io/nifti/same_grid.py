"""NIfTI files on the grid of another: a copy of it, or a map of a value per voxel."""

import gzip
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import nibabel as nib
import numpy as np

from mcnet.core.outputs import Given, check_outputs
from mcnet.core.provenance import provenance
from mcnet.core.records import written_with_record
from mcnet.io.nifti.form import image_like, single_file_kind
from mcnet.io.nifti.names import NIFTI, sidecar
from mcnet.io.nifti.opening import is_compressed, is_pair, nifti_image
from mcnet.io.volume import Volume


def copy_scan(
    source: Path,
    path: Path,
    *,
    inputs: Mapping[str, Path] | None = None,
    notes: Mapping[str, Any] | None = None,
) -> None:
    """Write a scan again as it is, bit for bit, and its provenance as JSON beside it.

    Compressed content may become a ``.nii`` and the reverse; of a pair of ``.hdr`` and ``.img`` the
    stored numbers and the header are kept.

    Raises
    ------
    McnetError
        As `mcnet.io.nifti.files.write_volume`.
    """
    check_outputs([Given("", path, NIFTI)])
    record = {**provenance(inputs=inputs), **(notes or {})}
    with written_with_record(path, sidecar(path), record) as temporary:
        if is_pair(source):
            with nifti_image(source) as pair:
                nib.save(_single_file(pair), temporary)
        else:
            packed, to_pack = is_compressed(source), path.suffix == ".gz"
            with (
                _opened(source, "rb", through_gzip=packed and not to_pack) as stream,
                _opened(temporary, "wb", through_gzip=to_pack and not packed) as copy,
            ):
                shutil.copyfileobj(stream, copy, 1 << 22)


def write_map(
    path: Path,
    values: Volume,
    *,
    like: Path,
    inputs: Mapping[str, Path] | None = None,
    notes: Mapping[str, Any] | None = None,
) -> None:
    """Write one value per voxel of a scan as float32, in the scan's own order of axes.

    Raises
    ------
    McnetError
        As `mcnet.io.nifti.files.write_volume`.
    """
    check_outputs([Given("", path, NIFTI)])
    record = {**provenance(inputs=inputs), **(notes or {})}
    with nifti_image(like) as model:
        model.set_data_dtype(np.float32)
        image = image_like(values, model, 1.0, 0.0)
    image.header["cal_min"] = image.header["cal_max"] = 0  # the scan's window, not the map's
    with written_with_record(path, sidecar(path), record) as temporary:
        nib.save(image, temporary)


def _single_file(pair: Any) -> nib.Nifti1Image:
    """Image in one file of an image in two."""
    kind = single_file_kind(pair)
    image: nib.Nifti1Image = kind(pair.dataobj.get_unscaled(), pair.affine, pair.header)
    image.header.set_slope_inter(pair.dataobj.slope, pair.dataobj.inter)
    return image


@contextmanager
def _opened(path: Path, mode: str, *, through_gzip: bool) -> Iterator[IO[bytes] | gzip.GzipFile]:
    """Stream of a file, or of its decompressed content; equal content gives equal files."""
    with path.open(mode) as stream:
        if not through_gzip:
            yield stream
            return
        with gzip.GzipFile("", mode, 6, stream, mtime=0) as content:
            yield content
