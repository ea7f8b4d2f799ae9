"""An experiment from heads and motion to a report; what is there already is not done again.

`mcnet.experiments.folder` says what stands where, and how what is there already is known.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float32

from mcnet import __version__
from mcnet.core.cache import check_own, clear, is_done, mark_done
from mcnet.core.progress import Announce, silently
from mcnet.core.provenance import provenance, sha256_of_file, sha256_of_json
from mcnet.core.writing import write_text, written_whole
from mcnet.correction.slices import correct_pairs
from mcnet.datasets.pairs.loading import count_pairs, load_pairs
from mcnet.datasets.pairs.pairs import ImagePairs
from mcnet.datasets.pairs.plan import PairsPlan
from mcnet.evaluation.rows import evaluate
from mcnet.experiments.config import Experiment
from mcnet.experiments.folder import Run, Weights, prepare
from mcnet.experiments.train import train_models
from mcnet.motion.trace import Mode
from mcnet.networks.weights import load_network
from mcnet.report.examples import Example, scored_example
from mcnet.report.page import write_report

Images = Float32[np.ndarray, "n rows columns"]


def reproduce(
    experiment: Experiment, folder: Path, *, announce: Announce = silently, quiet: bool = True
) -> Path:
    """Run an experiment, or what is missing of it, and return the path of its page.

    Parameters
    ----------
    experiment
        What to run.
    folder
        Where the results go; an interrupted run of the same experiment goes on there.
    announce
        Told what is being done, and how far.
    quiet
        Whether training shows no progress bars of its own.

    Raises
    ------
    McnetError
        The data do not serve, or the folder cannot be written.
    KeyboardInterrupt
        As the user pressed it; the next call goes on where this one stopped.
    """
    run = Run(experiment, folder)
    plan = prepare(run, announce)
    weights = {
        mode: train_models(run, plan, mode, announce, quiet=quiet)
        for mode in experiment.pairs.modes
    }
    hashes = [
        [mode, label, sha256_of_file(path)]
        for mode, of_mode in weights.items()
        for label, path in of_mode.items()
    ]
    inputs = plan.inputs | {f"{mode}/{label}": sha256 for mode, label, sha256 in hashes}
    evaluation_key = sha256_of_json([__version__, plan.key, hashes])
    if not is_done(run.evaluation, evaluation_key):
        clear(run.evaluation)
        _write_rows(run, weights, announce)
        mark_done(run.evaluation, evaluation_key, seed=experiment.seed, inputs=inputs)
    report_key = sha256_of_json([evaluation_key, experiment.as_dict()])
    if not is_done(run.report, report_key):
        check_own(run.report)
        with announce("Drawing figures and the page"), written_whole(run.report) as report:
            _write_page(run, weights, plan, report, inputs)
        mark_done(run.report, report_key, seed=experiment.seed, inputs=inputs)
    return run.report / "report.html"


def _write_rows(run: Run, weights: Mapping[Mode, Weights], announce: Announce) -> None:
    tables = []
    for mode, of_mode in weights.items():
        pairs = load_pairs(run.pairs, "test", mode)
        with announce(f"Evaluating {mode}") as on_progress:
            tables.append(evaluate(pairs, _corrected(of_mode, pairs), progress=on_progress))
    rows = pd.concat(tables, ignore_index=True)
    write_text(run.evaluation / "rows.csv", rows.to_csv(index=False, float_format="%.6g"))


def _corrected(weights: Weights, pairs: ImagePairs) -> dict[str, Images]:
    return {label: correct_pairs(load_network(path), pairs) for label, path in weights.items()}


def _write_page(
    run: Run,
    weights: Mapping[Mode, Weights],
    plan: PairsPlan,
    folder: Path,
    inputs: Mapping[str, str],
) -> None:
    curves = {
        f"{mode}: {planned.name}": pd.read_csv(run.stage(mode, planned.name) / "curve.csv")
        for mode in weights
        for planned in run.experiment.stages.stages
    }
    write_report(
        folder,
        title=run.experiment.title,
        rows=pd.read_csv(run.evaluation / "rows.csv", dtype={"subject": str, "trace": str}),
        examples=[
            example
            for mode, of_mode in weights.items()
            for example in _examples(run, plan, mode, of_mode)
        ],
        settings={"slices of each mode": count_pairs(run.pairs)} | run.experiment.as_dict(),
        provenance=provenance(seed=run.experiment.seed, inputs=inputs),
        curves=curves,
        questions=run.experiment.questions,
    )


def _examples(run: Run, plan: PairsPlan, mode: Mode, weights: Weights) -> list[Example]:
    """Test slices from mild to severe motion: the middle slices of scans at equal steps of it."""
    pairs = load_pairs(run.pairs, "test", mode)
    scans = pairs.table.groupby(["subject", "trace"], sort=False)
    middles = [rows_of_scan[len(rows_of_scan) // 2] for rows_of_scan in scans.indices.values()]
    by_magnitude = pairs.table.loc[middles].sort_values("magnitude").index.to_numpy()
    steps = (np.arange(run.experiment.n_examples) + 0.5) / run.experiment.n_examples
    pairs = pairs.chosen(by_magnitude[(steps * len(by_magnitude)).astype(int)])
    images = {"corrupted": pairs.corrupted} | _corrected(weights, pairs)
    motion_of = {trace.name: trace.restricted_to(mode) for trace in plan.traces}
    return [
        scored_example(
            mode=mode,
            title=f"{about['subject']}, {about['trace']}, magnitude {about['magnitude']:.1f}",
            reference=pairs.references[pairs.reference_index[row]],
            images={label: stack[row] for label, stack in images.items()},
            head=pairs.heads[pairs.reference_index[row]],
            motion=motion_of[about["trace"]],
        )
        for row, about in enumerate(pairs.table.to_dict("records"))
    ]
