"""Where a store of pairs lies: a folder, or a URL that fsspec knows."""

from pathlib import Path
from typing import Any, Literal

import zarr

from mcnet.core.errors import McnetError
from mcnet.datasets.pairs.layout import DamagedError, damage_told

Location = str | Path
"""A folder, or a URL that fsspec knows, such as s3://bucket/pairs.zarr."""


def local_path(location: Location) -> Path | None:
    """Folder of a store on this machine; of another URL, nothing."""
    text = str(location).removeprefix("file://")
    return None if "://" in text else Path(text)


def zarr_group(location: Location, mode: Literal["r", "r+"]) -> Any:
    """Zarr group at a location. Zarr's own types leave open what an entry is, so Any it is.

    Raises
    ------
    DamagedError
        There is none, or it cannot be read.
    McnetError
        The URL is of a kind that fsspec does not know, or needs a package for.
    """
    try:
        with damage_told(str(location)):
            group = zarr.open_group(str(local_path(location) or location), mode=mode)
            dict(group.attrs)
            return group
    except DamagedError as error:
        cause = error.__cause__
        if isinstance(cause, ImportError):  # fsspec's own words name the package
            raise McnetError(f"{location} cannot be reached: {cause}.") from cause
        if isinstance(cause, ValueError) and "://" in str(location) and "rotocol" in str(cause):
            raise McnetError(
                f"{location} is no place that fsspec knows; give a folder, or a URL such as "
                "s3://bucket/pairs.zarr."
            ) from cause
        raise
