"""Names of raw data files, and whether mcnet wrote one (which needs h5py)."""

from pathlib import Path

from mcnet.core.errors import McnetError
from mcnet.core.outputs import Kind

SUFFIXES = (".h5", ".mrd")


def _is_ours(path: Path) -> bool:
    from mcnet.io.mrd.files import read_header  # needs the extra raw
    from mcnet.io.mrd.header import is_of_mcnet

    try:
        return is_of_mcnet(path, read_header(path))
    except McnetError:
        return False


RAW = Kind(
    "raw data are written as ISMRMRD in HDF5",
    SUFFIXES,
    is_ours=_is_ours,
)
"""ISMRMRD raw data, whose header has the provenance."""
