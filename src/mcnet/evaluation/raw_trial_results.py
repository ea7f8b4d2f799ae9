"""Results of a trial of reconstruction, scan by scan: those that are done are kept on disk.

A trial takes hours. One that was interrupted finds its scans again by a key, the digest of
everything that determines a result.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from mcnet.core.cache import clear, is_done, mark_done
from mcnet.core.writing import write_text, written_whole


@dataclass(frozen=True, eq=False)
class RawTrial:
    """Results of a trial."""

    rows: pd.DataFrame
    """One row a slice, factor and image, as `mcnet.evaluation.rows.evaluate` gives them."""
    scans: pd.DataFrame
    """One row a scan: subject, trace, mode; error of the poses over the central half of the lines
    (`pose_error`); whether the motion is ``accepted``."""
    examples: dict[str, tuple[np.ndarray, ...]] = field(default_factory=dict)
    """For each mode a slice of the first scan: reference, corrupted, and what is compared."""


def joined(trials: Sequence[RawTrial]) -> RawTrial:
    """Results of several scans together, in their order."""
    examples: dict[str, tuple[np.ndarray, ...]] = {}
    for trial in trials:
        examples = {**trial.examples, **examples}
    rows, scans = (
        pd.concat(frames, ignore_index=True)
        for frames in ([one.rows for one in trials], [one.scans for one in trials])
    )
    return RawTrial(rows, scans, examples)


def kept(folder: Path | None, key: str, seed: int, make: Callable[[], RawTrial]) -> RawTrial:
    """The result that ``make`` gives, or gave before, if it is in the folder with this key."""
    if folder is None:
        return make()
    place = folder / key[:16]
    if not is_done(place, key):
        clear(place)
        _write(place, make())
        mark_done(place, key, seed=seed)
    return _read(place)


def _write(place: Path, trial: RawTrial) -> None:
    write_text(place / "rows.csv", trial.rows.to_csv(index=False))
    write_text(place / "scans.csv", trial.scans.to_csv(index=False))
    ((mode, images),) = trial.examples.items()
    with written_whole(place / "example.npz") as path, path.open("wb") as file:
        np.savez(file, np.stack(images), mode=mode)


def _read(place: Path) -> RawTrial:
    rows, scans = (pd.read_csv(place / f"{name}.csv") for name in ("rows", "scans"))
    with np.load(place / "example.npz", allow_pickle=False) as example:
        examples = {str(example["mode"]): tuple(example["arr_0"])}
    return RawTrial(rows, scans, examples)
