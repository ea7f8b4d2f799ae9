"""Cases from a run of `mcnet reproduce`: test slices, corrected anew by the run's own models."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float32

from mcnet.core.errors import McnetError
from mcnet.core.renamed import new_names
from mcnet.correction.slices import correct_pairs
from mcnet.datasets.pairs.pairs import ImagePairs
from mcnet.datasets.pairs.store import load_pairs
from mcnet.evaluation.baselines import register_all, smooth_lightly
from mcnet.evaluation.question import BASELINES
from mcnet.evaluation.statistics import check_rows, ordered_models
from mcnet.experiments.config import read_experiment
from mcnet.experiments.folder import SETTINGS, WEIGHTS, Run
from mcnet.metrics.registry import columns_in
from mcnet.motion.trace import Mode
from mcnet.networks.weights import load_network
from mcnet.reader_study.cases import CORRUPTED, REFERENCE, Case, CaseImages, chosen_versions
from mcnet.report.planes import PLANES

_DEFAULT_LEFT_OUT = "smoothed"
"""Of the run's rows, the version that nobody would propose."""

Images = Float32[np.ndarray, "n rows columns"]


@dataclass(frozen=True, eq=False)
class RunSource:
    """The test slices of a finished run."""

    run: Run
    versions: tuple[str, ...]
    pairs: Mapping[Mode, ImagePairs]
    """By mode: the test slices."""
    rows: Mapping[Mode, pd.DataFrame]
    """By mode: the scores of every version, in the order of the pairs within a version."""

    @property
    def cases(self) -> tuple[Case, ...]:
        """One case a test slice: a place in a subject, moved by a trace in a mode."""
        return tuple(
            Case(
                f"{about['subject']}, {about['trace']}, {mode}, {about['position_mm']:.1f} mm",
                str(about["subject"]),
                float(about["magnitude"]),
            )
            for mode, pairs in self.pairs.items()
            for about in pairs.table.to_dict("records")
        )

    @property
    def inputs(self) -> dict[str, Path]:
        """Settings, rows and weights; the settings and the seed make the pairs."""
        folder = self.run.folder
        files = [folder / SETTINGS, self.run.evaluation / "rows.csv"]
        files += [
            self._weights(mode, version)
            for mode in self.pairs
            for version in self.versions
            if version not in (*BASELINES, REFERENCE)
        ]
        return {str(path.relative_to(folder)): path for path in files}

    def images(self, chosen: Sequence[int]) -> Iterator[CaseImages]:
        """The images of some cases; models correct those of one mode together."""
        first, made = 0, {}
        for mode, pairs in self.pairs.items():
            within = [index - first for index in chosen if first <= index < first + len(pairs)]
            for index, images in zip(within, self._of_mode(mode, within), strict=True):
                made[first + index] = images
            first += len(pairs)
        yield from (made[index] for index in chosen)

    def _of_mode(self, mode: Mode, within: Sequence[int]) -> Iterator[CaseImages]:
        if not within:
            return
        pairs = self.pairs[mode].chosen(within)
        stacks = {version: self._stack(mode, version, pairs) for version in self.versions}
        acquisition = self.run.experiment.acquisition
        _, pixel_y, pixel_z = (
            fov / n for fov, n in zip(acquisition.fov_mm, acquisition.matrix, strict=True)
        )
        for k, index in enumerate(within):
            frames = {
                version: PLANES[0].slice_of(stack[k][None], 0)[None]
                for version, stack in stacks.items()
            }
            yield CaseImages(frames, (pixel_z, pixel_y), self._metrics(mode, index))

    def _stack(self, mode: Mode, version: str, pairs: ImagePairs) -> Images:
        """One image a pair, of one version."""
        references = pairs.references[pairs.reference_index]
        if version == REFERENCE:
            return np.asarray(references)
        if version == CORRUPTED:
            return pairs.corrupted
        if version == "registered":
            return register_all(references, pairs.corrupted)
        if version == "smoothed":
            return smooth_lightly(pairs.corrupted)
        network = load_network(self._weights(mode, version))
        return correct_pairs(network, pairs)

    def _weights(self, mode: Mode, version: str) -> Path:
        stage = self.run.experiment.stages.final_stage[version]
        return self.run.stage(mode, stage) / WEIGHTS

    def _metrics(self, mode: Mode, index: int) -> dict[str, dict[str, float]]:
        rows, n_pairs = self.rows[mode], len(self.pairs[mode])
        measured = [one.name for one in columns_in(rows.columns)]
        return {
            str(row["model"]): {name: float(row[name]) for name in measured}
            for row in rows.iloc[index::n_pairs].to_dict("records")
        }


def run_source(folder: Path, versions: Sequence[str] = ()) -> RunSource:
    """The cases of a finished run.

    Parameters
    ----------
    folder
        What `mcnet reproduce` or `mcnet demo` wrote.
    versions
        Which versions are read; by default corrupted, registered, every model, and reference.

    Raises
    ------
    McnetError
        The folder holds no finished run, or no such version.
    """
    table = folder / "evaluation" / "rows.csv"
    if not (folder / SETTINGS).is_file() or not table.is_file():
        raise McnetError(
            f"{folder} holds no finished run; name a folder that mcnet reproduce or mcnet demo "
            "wrote to its end, or give folders of scans by --images."
        )
    run = Run(read_experiment(folder / SETTINGS), folder)
    rows = _scores(table)
    known = [*ordered_models(rows), REFERENCE]
    usual = [version for version in known if version != _DEFAULT_LEFT_OUT]
    pairs = {mode: load_pairs(run.pairs, "test", mode) for mode in run.experiment.pairs.modes}
    rows_of_mode = {mode: rows[rows["mode"] == mode] for mode in pairs}
    for mode in pairs:
        _check_same_rows(table, rows_of_mode[mode], pairs[mode])
    return RunSource(run, chosen_versions(known, versions or usual), pairs, rows_of_mode)


def _scores(path: Path) -> pd.DataFrame:
    """Table of the scores of a run."""
    try:
        rows = pd.read_csv(path)
        rows = rows.rename(columns=new_names(rows.columns))
        check_rows(rows)
        measured = [one.name for one in columns_in(rows.columns)]
        rows[measured] = rows[measured].astype(float)
        return rows.astype(dict.fromkeys(("subject", "trace", "mode", "model"), str))
    except (OSError, ValueError, KeyError) as error:  # pandas' own errors are of these kinds
        raise McnetError(
            f"{path} is damaged; give mcnet reproduce again, which makes it anew."
        ) from error


def _check_same_rows(path: Path, rows: pd.DataFrame, pairs: ImagePairs) -> None:
    """Refuse scores of other slices than the store holds."""
    keys = ["subject", "trace"]
    expected = [tuple(pair) for pair in pairs.table[keys].astype(str).to_numpy()]
    found = [tuple(pair) for pair in rows[keys].astype(str).to_numpy()]
    n_models = rows["model"].nunique()
    if found != expected * n_models:
        raise McnetError(
            f"{path} has scores of other slices than the run's store of pairs; give mcnet "
            "reproduce again, which makes anew what does not fit."
        )
