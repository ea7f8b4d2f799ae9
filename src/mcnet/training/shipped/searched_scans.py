"""What a search for the motion leaves of simulated scans: what the network after it learns from.

A search takes many seconds. So some scans are searched, and what was found is undone in many
others that move alike: of the same subject and of everybody, with other slices, contrast and noise.
Each search and its scans are a file, so that an interrupted preparation goes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]
import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float32
from threadpoolctl import threadpool_limits

from mcnet.core.engine import n_cores
from mcnet.core.errors import McnetError
from mcnet.core.progress import OnProgress
from mcnet.core.provenance import sha256_of_json
from mcnet.core.writing import written_whole
from mcnet.correction.magnitude_motion import N_SEARCHED, FoundMotion, accepted, find_motion
from mcnet.correction.network_pass import lines_along_rows
from mcnet.correction.scan import SeverityEstimator
from mcnet.datasets.pairs.pairs import ImagePairs
from mcnet.datasets.varied.scan import VariedScan
from mcnet.datasets.varied.scans import VariedScans
from mcnet.io.volume import Volume
from mcnet.physics.in_plane import SliceGrid

_EVERY = 8
"""One of so many scans is left as it is."""
_IMAGES = ("corrupted", "undone", "references", "heads")
_ALIKE = 1_000_000
"""Epochs from here on are of scans that move like a searched one."""


@dataclass(frozen=True)
class Searches:
    """How many scans are searched, and what is made of each search."""

    n_train: int = 0
    """Searched scans of training subjects; none, if the network is to see scans as they are."""
    n_validation: int = 0
    """The same of validation subjects."""
    scans_each: int = 40
    """Scans in which the motion found by one search is undone; half are of the same subject. Every
    eighth is left as it is, for scans that are not searched."""
    validation_scans_each: int = 8
    """The same of validation subjects."""

    def __post_init__(self) -> None:
        """Refuse what gives no pairs."""
        n_scans_each = min(self.scans_each, self.validation_scans_each)
        if self.n_train < 0 or n_scans_each < 2 or (self.n_train > 0) != (self.n_validation > 0):
            raise McnetError(
                f"{self.n_train} searches to train with, {self.n_validation} to validate with and "
                f"{n_scans_each} scans each are impossible; give 1 search or more to "
                "both and 2 scans or more each, or no search."
            )


def search_scans(
    scans: VariedScans,
    n_searches: int,
    scans_each: int,
    folder: Path,
    *,
    severity_estimator: SeverityEstimator,
    n_jobs: int | None = None,
    on_progress: OnProgress | None = None,
) -> list[Path]:
    """Search scans, undo what was found, and return the files that hold what is left, for `load`.

    Parameters
    ----------
    scans
        Who is scanned, and how.
    n_searches, scans_each
        As in `Searches`.
    folder
        Where a file for each search is written, and found again by a later call.
    severity_estimator
        What sees the severity before the search.
    n_jobs
        Processes that search; by default, one a core. The files do not depend on it.
    on_progress
        Told of the searches.

    Raises
    ------
    McnetError
        A scan cannot be read, or the folder cannot be written.
    """
    key = sha256_of_json([scans.sha256, scans_each])[:16]
    files = [folder / f"{key}-{number:04d}.npz" for number in range(n_searches)]
    missing = [number for number, file in enumerate(files) if not file.exists()]
    jobs = (
        joblib.delayed(_make)(scans, number, scans_each, files[number], severity_estimator)
        for number in missing
    )
    pool = joblib.Parallel(n_jobs or n_cores(), return_as="generator_unordered")
    for done, _ in enumerate(pool(jobs)):
        if on_progress:
            on_progress(n_searches - len(missing) + done + 1, n_searches)
    return files


def _make(
    scans: VariedScans,
    number: int,
    scans_each: int,
    file: Path,
    severity_estimator: SeverityEstimator,
) -> None:
    """Search one scan, undo what was found in others that move alike, and write these."""
    torch.set_num_threads(1)
    with threadpool_limits(limits=1):
        arrays = _after_search(scans, number, scans_each, severity_estimator)
    with written_whole(file) as path:
        np.savez(path, allow_pickle=False, **arrays)


def _after_search(
    scans: VariedScans, number: int, scans_each: int, severity_estimator: SeverityEstimator
) -> dict[str, np.ndarray]:
    epoch, index = divmod(number, scans.n_scans)
    searched = scans.scan(epoch, index, n_spread=N_SEARCHED)
    seen_mm = severity_estimator.assess(_volume(searched)).severity.mm
    found = accepted(find_motion(searched.corrupted, _grid(searched), seen_mm=seen_mm))
    of_same = scans.subject_of(epoch, index)
    parts: dict[str, list[Any]] = {name: [] for name in _IMAGES}
    scales: list[float] = []
    for place in range(scans_each):
        subject = of_same if place % 2 == 0 else None
        scan = scans.scan(_ALIKE + number, place, like=searched, subject=subject)
        after = _undone(None if place % _EVERY == 0 else found, scan)
        images = after, scan.corrupted - after, scan.references, scan.heads
        for name, one in zip(_IMAGES, images, strict=True):
            parts[name].append(lines_along_rows(one, _grid(scan).line_axis))
        scales += [scan.input_scale] * len(scan.corrupted)
    of_search = {
        "severity_mm": searched.severity_mm,
        "found_mm": found.rms_mm if found else 0.0,
        "seen_mm": seen_mm,
    }
    return {
        **{name: np.concatenate(parts[name]).astype(np.float16) for name in _IMAGES[:3]},
        "heads": np.packbits(np.concatenate(parts["heads"]), axis=-1),
        "input_scale": np.array(scales, np.float32),
        **{name: np.array(value) for name, value in of_search.items()},
    }


def _undone(found: FoundMotion | None, scan: VariedScan) -> Float32[np.ndarray, "n rows columns"]:
    return replace(found, grid=_grid(scan)).undone(scan.corrupted) if found else scan.corrupted


def _grid(scan: VariedScan) -> SliceGrid:
    acquisition = scan.acquisition
    _, rows, columns = acquisition.matrix
    line_axis = 0 if acquisition.phase_encoding_axis == "y" else 1
    return SliceGrid((rows, columns), scan.pixel_mm, line_axis)


def _volume(scan: VariedScan) -> Volume:
    return Volume(scan.corrupted, np.diag([1.0, *scan.pixel_mm, 1.0]), "scan")


def load(files: Sequence[Path]) -> ImagePairs:
    """Pairs of slices after a search and references; ``table`` tells ``found_mm`` and ``seen_mm``.

    Lines lie along the rows of all of them.
    """
    columns = ("severity_mm", "found_mm", "seen_mm")
    tables, filled = [], 0
    images: dict[str, np.ndarray] = {}
    for file in files:
        with np.load(file, allow_pickle=False) as part:
            n, *shape = part["corrupted"].shape
            if not images:
                whole = (len(files) * n, *shape)
                images = {name: np.empty(whole, np.float32) for name in _IMAGES[:3]}
                images["heads"] = np.empty(whole, bool)
                images["input_scale"] = np.empty(whole[0], np.float32)
            rows = slice(filled, filled + n)
            for name in (*_IMAGES[:3], "input_scale"):
                images[name][rows] = part[name]
            images["heads"][rows] = _unpacked(part["heads"], shape[-1])
            tables.append(pd.DataFrame({name: np.full(n, part[name]) for name in columns}))
            filled += n
    return ImagePairs(
        **images,
        reference_index=np.arange(filled, dtype=np.int64),
        table=pd.concat(tables, ignore_index=True),
    )


def _unpacked(packed: np.ndarray, n_columns: int) -> Bool[np.ndarray, "n rows columns"]:
    return np.unpackbits(packed, axis=-1, count=n_columns).astype(bool)
