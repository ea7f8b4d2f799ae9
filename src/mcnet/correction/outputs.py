"""Where a correction may be written: refused before any work is done."""

from pathlib import Path

from mcnet.correction.files import Source, is_nifti_name
from mcnet.data.dicom.names import refuse_output_folder
from mcnet.data.nifti_names import refuse_outputs
from mcnet.errors import McnetError
from mcnet.provenance import refuse_unwritable


def refuse_correction_outputs(
    source: Path, output: Path, *, page: Path | None = None, uncertainty: Path | None = None
) -> None:
    """Refuse, before the source is read, outputs that cannot or should not be written.

    Raises
    ------
    McnetError
        There is no source, or an output is the input, another output, has another ending than its
        kind, lies where nothing may be written, or would replace what mcnet did not make.
    """
    if not source.exists():  # which output fits depends on what it is
        raise McnetError(
            f"{source} does not exist; give a NIfTI file or the folder of a DICOM series."
        )
    to_series = source.is_dir() and not is_nifti_name(output)
    nifti = [path for path in (None if to_series else output, uncertainty) if path is not None]
    refuse_outputs(nifti, [source])
    if to_series:
        refuse_output_folder(output)
        refuse_unwritable(output)
    if source.is_dir():
        for path in (output, uncertainty, page):
            _refuse_within(source, path)
    if page is not None:
        _refuse_page(page)


def refuse_unwritable_series(source: Source, output: Path) -> None:
    """Refuse, before the work, a series like which no other can be written.

    Raises
    ------
    McnetError
        The source is of enhanced multi-frame files and the output is to be a series.
    """
    if source.series is None or is_nifti_name(output):
        return
    if any(plane.frame > 0 for plane in source.series.planes):
        raise McnetError(
            f"{source.path} is an enhanced multi-frame series, which mcnet reads but does not "
            f"write; name a NIfTI output, such as {output.name}.nii.gz."
        )


def _refuse_within(series: Path, path: Path | None) -> None:
    if path is not None and series.resolve() in (path.resolve(), *path.resolve().parents):
        raise McnetError(
            f"{path} lies in the folder of the series that is read; name an output beside it."
        )


def _refuse_page(page: Path) -> None:
    if page.suffix.lower() not in (".html", ".htm"):
        raise McnetError(
            f"{page} does not end in .html; the page of a correction is HTML: name it "
            f"{page.stem}.html, for example."
        )
    refuse_unwritable(page)
    if page.is_dir():
        raise McnetError(f"{page} is a folder; give the page a name of its own.")
