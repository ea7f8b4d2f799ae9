"""Where a correction may be written: refused before any work is done."""

from pathlib import Path
from typing import TYPE_CHECKING

from mcnet.core.errors import McnetError
from mcnet.core.outputs import FILE, PAGE, check_outputs, given
from mcnet.io.dicom.names import SERIES
from mcnet.io.nifti.names import NIFTI, is_nifti_name
from mcnet.io.scans import scan_kind

if TYPE_CHECKING:
    from mcnet.correction.files import Source


def check_correction_outputs(
    source: Path,
    output: Path,
    *,
    page: Path | None = None,
    uncertainty: Path | None = None,
    model: Path | None = None,
) -> None:
    """Refuse, before the source is read, outputs that cannot or should not be written.

    Raises
    ------
    McnetError
        There is no source, or as `mcnet.core.outputs.check_outputs`.
    """
    if not source.exists():  # which output fits depends on what it is
        raise McnetError(
            f"{source} does not exist; give a NIfTI file or the folder of a DICOM series."
        )
    to_series = source.is_dir() and not is_nifti_name(output)
    check_outputs(
        given(
            ("-o", output, SERIES if to_series else NIFTI),
            ("--uncertainty", uncertainty, NIFTI),
            ("--report", page, PAGE),
        ),
        given(("", source, scan_kind(source)), ("--model", model, FILE)),
    )


def check_series_to_write(source: "Source", output: Path) -> None:
    """Refuse, before the work, a series like which no other can be written.

    Raises
    ------
    McnetError
        The output is to be a series, and as `mcnet.io.dicom.writing.check_derivable`.
    """
    if source.series is None or is_nifti_name(output):
        return
    from mcnet.io.dicom.writing import check_derivable

    check_derivable(source.series)
