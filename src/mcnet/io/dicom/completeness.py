"""Whether a folder has all slices that the headers of its series count."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mcnet.core.errors import BadFileError
from mcnet.io.dicom.files import DAMAGE
from mcnet.io.dicom.planes import Plane

_COUNTS = ("NumberOfSlices", "ImagesInAcquisition", "NumberOfSeriesRelatedInstances")


def completeness_warnings(folder: Path, planes: Sequence[Plane]) -> tuple[str, ...]:
    """Warnings of slices that may be missing at an end of the stack, which leave no gap.

    A count that is a whole multiple of the slices in the folder may include other echoes or time
    points of the series; this gives a warning, not an error.

    Raises
    ------
    McnetError
        The headers count more slices than there are, and no whole multiple of them.
    """
    files = {plane.file.path: plane.file.header for plane in planes}
    if len(files) < len(planes):
        return ()  # an enhanced file has all its frames, or is damaged
    for keyword in _COUNTS:
        counts = [_number(header, keyword) for header in files.values()]
        n_counted = max((count for count in counts if count is not None), default=0)
        if n_counted <= len(planes):
            continue
        if n_counted % len(planes):
            raise BadFileError(
                f"{folder} holds {len(planes)} slices of the {n_counted} that its headers tell "
                f"({keyword}); copy or export the series again."
            )
        return (
            f"{folder} holds {len(planes)} slices of the {n_counted} images that its headers tell "
            f"({keyword}); slices are missing unless the others are of other echoes or times.",
        )
    numbers = [_number(header, "InstanceNumber") for header in files.values()]
    known = sorted(number for number in numbers if number is not None)
    if known and known[0] > 1 and known == [*range(known[0], known[0] + len(planes))]:
        return (
            f"The instance numbers of {folder} begin at {known[0]}; slices are missing at an end "
            "unless the others are of another image.",
        )
    return ()


def _number(header: Any, keyword: str) -> int | None:
    try:
        return int(header.get(keyword))
    except DAMAGE:  # it is absent, or no number
        return None
