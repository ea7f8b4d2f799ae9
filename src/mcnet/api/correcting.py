"""Head motion in a scan, corrected."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcnet.api.models import load_model
from mcnet.api.progress import AskedProgress, shown
from mcnet.api.scans import Scan, check_scan, read_scan
from mcnet.core.engine import Device
from mcnet.core.extras import check_extra
from mcnet.correction.default_model import DEFAULT_MODEL
from mcnet.io.volume import Volume
from mcnet.motion.poses import Axis

if TYPE_CHECKING:  # their modules need PyTorch, whose absence is told in a sentence
    from mcnet.correction.files import CorrectedFile, Source
    from mcnet.correction.magnitude_motion import FoundMotion
    from mcnet.correction.models import Model
    from mcnet.correction.outcome import LeftBecause, Severity


@dataclass(frozen=True, eq=False)
class Correction:
    """A scan before and after correction, and what was found and done."""

    file: "CorrectedFile"
    """All of it, with the provenance: what is below in other words."""

    @property
    def before(self) -> Volume:
        """The scan as it was given."""
        return self.file.result.before

    @property
    def corrected(self) -> Volume:
        """The scan after correction, on the same grid and intensity scale."""
        return self.file.result.after

    @property
    def left_because(self) -> "LeftBecause | None":
        """Why the scan was left as it is; None where it was corrected."""
        return self.file.result.left_because

    @property
    def severity_before(self) -> "Severity":
        """Motion that is seen in the scan: ``mm``, and its bounds ``low_mm`` and ``high_mm``."""
        return self.file.result.assessment_before.severity

    @property
    def severity_after(self) -> "Severity":
        """The same of the corrected scan; no measure of its quality."""
        return self.file.result.assessment_after.severity

    @property
    def motion(self) -> "FoundMotion | None":
        """The motion that a search has found and that was undone, if any."""
        return self.file.result.motion

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences for the user: unlike the training data, resampled, and so on."""
        return self.file.result.warnings

    @property
    def uncertainty(self) -> Volume | None:
        """Standard deviation of the correction, voxel by voxel, where it was asked for."""
        return self.file.result.uncertainty

    @property
    def provenance(self) -> Mapping[str, Any]:
        """What the JSON file beside a written scan says: version, call, inputs, model, options."""
        return self.file.record

    def save(
        self,
        path: str | Path,
        *,
        report: str | Path | None = None,
        uncertainty: str | Path | None = None,
    ) -> None:
        """Write the corrected scan as ``mcnet correct`` does, with its provenance beside it.

        Parameters
        ----------
        path
            A NIfTI file, in the data type and order of axes of the scan that was given; or, of a
            DICOM series, the folder of a derived one.
        report
            Also write a page that shows what was done.
        uncertainty
            Also write the standard deviation of the correction, as NIfTI.

        Raises
        ------
        McnetError
            A path cannot or should not be written, or there is no uncertainty to write.
        """
        from mcnet.core.writing import written_together
        from mcnet.correction.files import write_corrected, write_uncertainty

        path, page, deviation = Path(path), _path(report), _path(uncertainty)
        _check_outputs(self.file.source, path, page, deviation)
        with written_together():
            write_corrected(path, self.file)
            if page:
                write_page(page, self.file, path)
            if deviation:
                write_uncertainty(deviation, self.file)

    def __repr__(self) -> str:
        before, after = self.severity_before.mm, self.severity_after.mm
        done = f"left: {self.left_because}" if self.left_because else f"{after:.1f} mm after"
        return f"<Correction of {self.before.name}: {before:.1f} mm of motion before, {done}>"

    def _repr_html_(self) -> str:
        """Pictures of before, after and the difference, for notebooks."""
        from mcnet.report.inline import correction_html

        return correction_html(self.file.result)


def correct(
    scan: "Scan | Source",
    *,
    model: "str | Path | Model" = DEFAULT_MODEL,
    force: bool = False,
    search: bool = True,
    phase_encoding: Axis | None = None,
    uncertainty: bool = False,
    device: Device = "cpu",
    progress: AskedProgress = False,
) -> Correction:
    """Return a T1-weighted scan with its head motion corrected; grid and intensity scale stay.

    Parameters
    ----------
    scan
        Path of a NIfTI file or of the folder of a DICOM series, an image of nibabel, or a volume.
        Only of a path are the metadata known that tell the phase-encoding axis and the contrast.
    model
        Name of a model that comes with mcnet, a file of weights, or what `mcnet.load_model` gave.
    force
        Correct a scan too that is estimated to be still, in which no motion is found to undo, or
        whose pixels are too coarse.
    search
        Search for the motion and undo it first; the network corrects what is left.
    phase_encoding
        Axis along which lines were encoded: "x" right, "y" anterior, "z" superior. By default what
        the metadata say, or "y".
    uncertainty
        Also compute the standard deviation of the correction, voxel by voxel.
    device
        "cpu" or "cuda".
    progress
        True for a bar, or a function of the number of steps done and of all.

    Raises
    ------
    MissingExtraError
        PyTorch is not installed.
    DeviceError
        The device is not there.
    McnetError
        The scan or the model cannot be read, or is not what can be corrected.

    Examples
    --------
    >>> from mcnet.datasets.template import template_head
    >>> head = template_head(resolution_mm=4.0)
    >>> correct(head).left_because
    'pixels too coarse'
    >>> forced = correct(head, force=True, search=False)
    >>> forced.left_because is None, forced.corrected.values.shape == head.values.shape
    (True, True)
    """
    check_extra("train", "mcnet.correct", ("safetensors", "torch"))
    from mcnet.correction import files
    from mcnet.correction.options import CorrectionOptions
    from mcnet.correction.severity_estimator import load_severity_estimator

    options = CorrectionOptions(
        force=force,
        uncertainty=uncertainty,
        search=search,
        phase_encoding=phase_encoding,
        device=device,
    )
    network = load_model(model)
    source = _source(scan)
    with shown(progress, f"Correcting {source.volume.name}") as on_progress:
        found = files.correct_source(
            source,
            network,
            severity_estimator=load_severity_estimator(),
            options=options,
            on_progress=on_progress,
        )
    return Correction(found)


def write_page(page: Path, corrected: "CorrectedFile", output: Path) -> None:
    """Write the page of a correction whose scan is written to ``output``.

    Raises
    ------
    McnetError
        The page cannot be written.
    """
    from mcnet.report.correction_page import write_correction_page

    write_correction_page(
        page,
        corrected.result,
        source=str(corrected.source.path),
        output=str(output),
        provenance=corrected.record,
    )


def _source(scan: "Scan | Source") -> "Source":
    from mcnet.correction import files

    if isinstance(scan, files.Source):
        return scan
    if isinstance(scan, str | Path):
        return files.read_source(Path(scan))
    check_scan(scan)
    like = None if isinstance(scan, Volume) else scan
    return files.source_in_memory(read_scan(scan), like)


def _check_outputs(
    source: "Source", path: Path, page: Path | None, uncertainty: Path | None
) -> None:
    from mcnet.core.outputs import PAGE, check_outputs, given
    from mcnet.correction.outputs import check_series_to_write
    from mcnet.io.dicom.names import SERIES
    from mcnet.io.nifti.names import NIFTI, is_nifti_name
    from mcnet.io.scans import scan_kind

    kind = NIFTI if source.series is None or is_nifti_name(path) else SERIES
    read = [] if source.in_memory else given(("", source.path, scan_kind(source.path)))
    check_outputs(given(("", path, kind), ("", uncertainty, NIFTI), ("", page, PAGE)), read)
    check_series_to_write(source, path)


def _path(given: str | Path | None) -> Path | None:
    return None if given is None else Path(given)
