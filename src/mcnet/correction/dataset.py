"""A BIDS data set corrected scan by scan into a derivative data set; what is done is skipped."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from mcnet import __version__
from mcnet.core.errors import McnetError
from mcnet.core.outputs import PAGE, Given, check_outputs
from mcnet.core.progress import Announce, silently
from mcnet.core.provenance import sha256_of_file, sha256_of_json
from mcnet.core.writing import cannot_read, read_json, written_together
from mcnet.correction.files import CorrectedFile, correct_source, read_source, write_corrected
from mcnet.correction.models import Model
from mcnet.correction.options import CorrectionOptions
from mcnet.correction.outcome import LeftBecause, left_sentence
from mcnet.correction.scan import SeverityEstimator
from mcnet.io.bids import (
    BidsScan,
    check_derivative_output,
    derivative_folder,
    find_t1w,
    write_derivative_description,
)
from mcnet.io.metadata import is_true
from mcnet.io.nifti.names import NIFTI, check_fetched, sidecar

DESCRIPTION = "moco"
"""Of the derivatives' ``desc`` entity."""
_NAME = "Scans with head motion corrected by mcnet"

WritePage = Callable[[Path, CorrectedFile, Path], None]
"""Writes the page of a correction: to a path, of the correction, whose scan goes to another."""


@dataclass(frozen=True)
class ScanOutcome:
    """How the correction of one scan of a data set ended."""

    scan: BidsScan
    ended: Literal["corrected", "left", "done before", "failed"]
    sentence: str = ""
    """Why it failed."""


@dataclass(frozen=True)
class _Derivative:
    """Where the files of a corrected scan go."""

    image: Path
    page: Path

    @property
    def outputs(self) -> list[Given]:
        return [Given("", self.image, NIFTI), Given("", self.page, PAGE)]

    @property
    def files(self) -> tuple[Path, ...]:
        return self.image, sidecar(self.image), self.page


def correct_dataset(
    root: Path,
    output: Path,
    labels: Sequence[str],
    model: Model,
    *,
    severity_estimator: SeverityEstimator,
    options: CorrectionOptions,
    write_page: WritePage,
    announce: Announce = silently,
) -> list[ScanOutcome]:
    """How each T1-weighted scan ended; one that cannot be corrected does not stop the others.

    Parameters
    ----------
    root, labels
        The data set and its participants; all of them where none are named.
    output
        Folder of the derivative data set. What was made there of the same scan with the same
        model, options and version of mcnet is not made again.
    model, severity_estimator, options
        As of `mcnet.correction.scan.correct_scan`.
    write_page
        Called for every scan; the page comes to its place together with the scan.
    announce
        Told of every scan, and of the progress within it.

    Raises
    ------
    McnetError
        The data set, its participants or the output cannot be used at all.
    """
    scans = find_t1w(root, labels)
    check_derivative_output(root, output)

    def corrected(scan: BidsScan) -> ScanOutcome:
        derivative = _derivative(scan, output)
        try:
            check_outputs(derivative.outputs, [Given("", scan.path, NIFTI)])
            _check_names_differ(scan, scans)
            key = _key(scan, model, severity_estimator, options)
            if _is_done(derivative, key):
                return ScanOutcome(scan, "done before")
            with announce(f"Correcting {scan.name}") as on_progress:
                source = read_source(scan.path, scan.root)
                found = correct_source(
                    source,
                    model,
                    severity_estimator=severity_estimator,
                    options=options,
                    on_progress=on_progress,
                )
            notes = {**_metadata(scan, found.result.left_because), "key": key}
            with written_together():
                write_derivative_description(root, output, _NAME)
                write_page(derivative.page, found, derivative.image)
                write_corrected(derivative.image, found, notes)
        except McnetError as error:
            return ScanOutcome(scan, "failed", str(error))
        except OSError as error:
            return ScanOutcome(scan, "failed", str(cannot_read(scan.path, error)))
        return ScanOutcome(scan, "left" if found.result.left_because is not None else "corrected")

    return [corrected(scan) for scan in scans]


def _derivative(scan: BidsScan, output: Path) -> _Derivative:
    name = scan.derivative_name(DESCRIPTION)
    folder = derivative_folder(scan, output)
    return _Derivative(folder / f"{name}.nii.gz", output / f"{name}.html")


def _check_names_differ(scan: BidsScan, scans: Sequence[BidsScan]) -> None:
    """Refuse a scan whose files another scan's would overwrite."""
    name = scan.derivative_name(DESCRIPTION)
    for other in scans:
        if other != scan and other.derivative_name(DESCRIPTION) == name:
            raise McnetError(
                f"{scan.path} and {other.path} would both be written as {name}; give every scan "
                "all entities of its folder, each once: rename one."
            )


def _key(
    scan: BidsScan, model: Model, severity_estimator: SeverityEstimator, options: CorrectionOptions
) -> str:
    """Digest of all that a corrected scan and its files follow from."""
    check_fetched(scan.path)
    return sha256_of_json(
        {
            "scan": sha256_of_file(scan.path),
            "metadata": scan.metadata(),
            "model": model.sha256,
            "severity_estimator": dict(severity_estimator.about),
            "options": asdict(options),
            "version": __version__,
        }
    )


def _is_done(derivative: _Derivative, key: str) -> bool:
    there = all(path.is_file() for path in derivative.files)
    return there and read_json(sidecar(derivative.image)).get("key") == key


def _metadata(scan: BidsScan, left: LeftBecause | None) -> dict[str, Any]:
    """What BIDS says of a derivative: all that was said of its source, and what it is made of."""
    inherited = scan.metadata()
    return {
        **inherited,
        "Description": "Head motion corrected by mcnet; an estimate from the image alone"
        if left is None
        else left_sentence(left),
        "Sources": [scan.uri],
        # raw scans of a head are whole unless they say otherwise
        "SkullStripped": is_true(inherited, "SkullStripped"),
    }
