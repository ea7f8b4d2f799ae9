"""Scans in and out: by path, as images of nibabel, or as volumes."""

from pathlib import Path

from mcnet.core.errors import BadOptionError
from mcnet.core.provenance import Inputs, sha256_of_arrays
from mcnet.io.volume import NibabelImage, Volume

Scan = str | Path | Volume | NibabelImage
"""A path (a NIfTI file, or the folder of a DICOM series), a volume, or an image of nibabel."""


def read_scan(scan: Scan) -> Volume:
    """Return the volume of a scan, its axes in RAS+ order, nothing interpolated.

    Parameters
    ----------
    scan
        Path of a NIfTI file or of the folder of a DICOM series; or an image of nibabel. A volume
        comes back as it is.

    Returns
    -------
    Volume
        ``values``: float32 intensities, shape (x, y, z); ``affine``: shape (4, 4), to RAS+
        millimetres; ``name``.

    Raises
    ------
    McnetError
        There is no such scan, or it is not one 3D magnitude scan of a head.

    Examples
    --------
    >>> from mcnet.datasets.template import template_head
    >>> head = template_head(resolution_mm=8.0)
    >>> read_scan(head.to_nibabel()).voxel_size_mm
    (8.0, 8.0, 8.0)
    """
    if isinstance(scan, Volume):
        return scan
    if isinstance(scan, str | Path):
        from mcnet.io.scans import read_scan as read_path

        return read_path(Path(scan))
    check_scan(scan)
    return Volume.from_nibabel(scan)


def write_scan(
    path: str | Path,
    volume: Volume | NibabelImage,
    *,
    like: str | Path | NibabelImage | None = None,
) -> None:
    """Write a volume as NIfTI, whole or not at all, with a JSON file of provenance beside it.

    Parameters
    ----------
    path
        Ends in ``.nii`` or ``.nii.gz``. What stands there is replaced only if mcnet wrote it.
    volume
        What to write: a volume, or an image of nibabel, like which it is then written.
    like
        A NIfTI file or image whose data type, intensity scaling, order of axes and units the file
        takes. Otherwise it is float32, RAS+.

    Raises
    ------
    McnetError
        The path cannot or should not be written, or what is to be like cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> from mcnet.datasets.template import template_head
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_scan(f"{folder}/head.nii.gz", template_head(resolution_mm=8.0))
    ...     read_scan(f"{folder}/head.nii.gz").name
    'head'
    """
    from mcnet.io.nifti.files import write_volume

    if not isinstance(volume, Volume):
        check_scan(volume)
        like = volume if like is None else like
        volume = Volume.from_nibabel(volume)
    write_volume(Path(path), volume, like=Path(like) if isinstance(like, str) else like)


def inputs_of_scan(name: str, scan: Scan) -> Inputs:
    """What a scan is read from, for the provenance: its files, or the digest of its voxels."""
    if isinstance(scan, str | Path):
        from mcnet.io.scans import files_of_scan

        return files_of_scan(name, Path(scan))
    volume = read_scan(scan)
    return {name: sha256_of_arrays(volume.values, volume.affine)}


def check_scan(scan: object) -> None:
    """Refuse what is neither path nor volume nor image.

    Raises
    ------
    BadOptionError
        It is none of them.
    """
    if not isinstance(scan, str | Path | Volume | NibabelImage):
        raise BadOptionError(
            f"a scan is given as a path, an image of nibabel or a mcnet.Volume, not as "
            f"{type(scan).__name__}; of an array make one by mcnet.Volume.from_array."
        )
