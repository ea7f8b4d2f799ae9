"""Names of NIfTI files: what a scan is called, and what goes with it."""

from pathlib import Path

from mcnet.outputs import Kind
from mcnet.provenance import is_recorded

SUFFIXES = (".nii.gz", ".nii")


def nifti_stem(path: Path) -> str:
    """Name of a file without its folder and without ``.nii`` or ``.nii.gz``."""
    for suffix in SUFFIXES:
        if path.name.endswith(suffix):
            return path.name.removesuffix(suffix)
    return path.stem


def sidecar(path: Path) -> Path:
    """The JSON file beside a scan, which holds its provenance."""
    return path.with_name(f"{nifti_stem(path)}.json")


def files_with(path: Path) -> tuple[Path, ...]:
    """The files that go with a scan: its JSON file, and the other one of ``.hdr`` and ``.img``."""
    other = {".hdr": ".img", ".img": ".hdr"}.get(path.suffix.lower())
    return (sidecar(path), path.with_suffix(other)) if other else (sidecar(path),)


NIFTI = Kind(
    "scans are written as NIfTI",
    SUFFIXES,
    companions=files_with,
    is_ours=lambda path: is_recorded(path, sidecar(path)),
)
"""A scan, with the JSON file beside it: as an output mcnet's record, as an input anybody's."""
