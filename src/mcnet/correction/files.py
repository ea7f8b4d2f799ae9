"""A scan corrected from where it lies to where it shall lie: NIfTI files and DICOM series."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcnet.core.errors import McnetError
from mcnet.core.progress import OnProgress
from mcnet.core.provenance import provenance, sha256_of_arrays
from mcnet.correction.models import Model
from mcnet.correction.options import CorrectionOptions
from mcnet.correction.outcome import Assessment, CorrectedScan, left_sentence
from mcnet.correction.scan import SeverityEstimator, correct_scan
from mcnet.correction.suited import check_modality, check_not_ct, contrast_warnings
from mcnet.io.metadata import metadata_of, text_of
from mcnet.io.nifti.files import voxel_axes, write_volume
from mcnet.io.nifti.names import is_nifti_name, nifti_stem
from mcnet.io.nifti.same_grid import copy_scan, write_map
from mcnet.io.phase_encoding import phase_encoding_of, phase_encoding_words
from mcnet.io.scans import files_of_scan, read_scan
from mcnet.io.volume import NibabelImage, Volume
from mcnet.motion.poses import Axis

if TYPE_CHECKING:
    from mcnet.io.dicom.series import DicomSeries


@dataclass(frozen=True, eq=False)
class Source:
    """A scan to correct, as it was read."""

    path: Path
    volume: Volume
    series: "DicomSeries | None"
    """The series that the volume is of; of a NIfTI file, none."""
    about: Mapping[str, Any]
    """Its metadata, by the names of BIDS and dcm2niix."""
    phase_encoding: Axis | None
    """The axis that its metadata say lines were encoded along."""
    names: tuple[str, ...]
    """File name, series description and protocol, which may name the contrast."""
    warnings: tuple[str, ...]
    """Sentences on its series and its metadata."""
    in_memory: bool = False
    """Whether it was given in memory; ``path`` is then no more than its name."""
    like: NibabelImage | None = None
    """The image that the scan was given as, if it was."""

    @property
    def inputs(self) -> Mapping[str, Path | str]:
        """Files that it was read from, or the digest of what was given, for the provenance."""
        if self.in_memory:
            return {"scan": sha256_of_arrays(self.volume.values, self.volume.affine)}
        return files_of_scan("scan", self.path)


@dataclass(frozen=True, eq=False)
class CorrectedFile:
    """A scan, what was done to it, and what its written files say of themselves."""

    source: Source
    result: CorrectedScan
    record: Mapping[str, Any]
    """Provenance, severities, model and warnings, as the JSON file has them."""


def read_source(path: Path, root: Path | None = None) -> Source:
    """A scan to correct, of a NIfTI file or of the DICOM series in a folder.

    ``root`` is as of `mcnet.io.metadata.metadata_of`.

    Raises
    ------
    McnetError
        As `mcnet.io.scans.read_scan` and `mcnet.io.metadata.metadata_of`, or it is no MR scan.
    """
    series: DicomSeries | None = None
    axes: tuple[str, ...] = ()
    names: list[str] = []
    if path.is_dir():
        from mcnet.io.dicom.series import read_series  # needs the extra dicom

        series = read_series(path)
        volume, about = series.volume, series.metadata
    else:
        volume, about = read_scan(path), metadata_of(path, root)
        axes, names = voxel_axes(path), [nifti_stem(path)]
    check_modality(path, text_of(about, "Modality"))
    check_not_ct(path, volume)
    lines = phase_encoding_of(about, volume.affine, axes)
    names += [text_of(about, name) for name in ("SeriesDescription", "ProtocolName")]
    of_series = () if series is None else series.warnings
    warnings = (*of_series, *lines.warnings)
    return Source(path, volume, series, about, lines.axis, tuple(names), warnings)


def source_in_memory(volume: Volume, like: NibabelImage | None = None) -> Source:
    """A scan to correct that no file holds, of which nothing is known but its voxels and name.

    Raises
    ------
    McnetError
        By its values it is no MR scan.
    """
    name = Path(volume.name)
    check_not_ct(name, volume)
    return Source(name, volume, None, {}, None, (volume.name,), (), in_memory=True, like=like)


def correct_source(
    source: Source,
    model: Model,
    *,
    severity_estimator: SeverityEstimator,
    options: CorrectionOptions,
    on_progress: OnProgress | None = None,
) -> CorrectedFile:
    """A scan with its correction and the record of it; nothing is written yet.

    Raises
    ------
    McnetError
        As `mcnet.correction.scan.correct_scan`.
    """
    if options.phase_encoding is None:
        options = replace(options, phase_encoding=source.phase_encoding)
    result = correct_scan(
        source.volume,
        model,
        severity_estimator=severity_estimator,
        options=options,
        on_progress=on_progress,
    )
    contrast = contrast_warnings(source.names, model.card.contrast)
    result = replace(result, warnings=(*source.warnings, *contrast, *result.warnings))
    origin = provenance(inputs=source.inputs)
    used = {"severity_estimator": dict(severity_estimator.about)}
    return CorrectedFile(source, result, {**origin, **_notes(result, options), **used})


def write_corrected(
    path: Path, corrected: CorrectedFile, notes: Mapping[str, Any] | None = None
) -> None:
    """Write the corrected scan as the source is written, and its record as JSON beside it.

    A NIfTI file keeps its grid, header, data type and intensity scale; a series becomes a derived
    series, or NIfTI where ``path`` is named so. What was left as it is keeps its stored numbers.
    ``notes`` are further entries of the JSON file.

    Raises
    ------
    McnetError
        As `mcnet.io.nifti.files.write_volume` and `mcnet.io.dicom.writing.write_series`.
    """
    source, result = corrected.source, corrected.result
    about = {**phase_encoding_words(source.about), **(notes or {}), **corrected.record}
    if source.in_memory:
        write_volume(path, result.after, like=source.like, notes=about)
    elif source.series is None:
        if result.left_because is not None:
            copy_scan(source.path, path, notes=about)
        else:
            write_volume(path, result.after, like=source.path, notes=about)
    elif is_nifti_name(path):
        write_volume(path, result.after, notes=about)
    else:
        from mcnet.io.dicom.writing import write_series

        left = result.left_because
        done = "Motion corrected" if left is None else left_sentence(left)
        write_series(path, result.after, source.series, derivation=done, notes=about)


def write_uncertainty(path: Path, corrected: CorrectedFile) -> None:
    """Write the standard deviation of the correction, voxel by voxel, as NIfTI.

    Raises
    ------
    McnetError
        None was asked for or computed, or it cannot be written.
    """
    values = corrected.result.uncertainty
    if values is None:
        raise McnetError(
            f"{path} is not written, since a scan left as it is has no uncertainty; add --force to "
            "correct it all the same."
        )
    about = {**corrected.record, "content": "standard deviation of the correction, in intensities"}
    if corrected.source.series is None and not corrected.source.in_memory:
        write_map(path, values, like=corrected.source.path, notes=about)
    else:
        write_volume(path, values, notes=about)


def _notes(result: CorrectedScan, options: CorrectionOptions) -> dict[str, Any]:
    return {
        "model": {"name": result.model["name"], "sha256": result.model["sha256"]},
        "options": asdict(options),
        "severity_before": _severity(result.assessment_before),
        "severity_after": _severity(result.assessment_after),
        "left_because": result.left_because,
        "motion_found": None if result.motion is None else result.motion.as_dict,
        "warnings": list(result.warnings),
    }


def _severity(assessment: Assessment) -> dict[str, Any]:
    return {**asdict(assessment.severity), "is_still": assessment.is_still}
