"""The trial of reconstruction from raw k-space: tables in Markdown, rows, and a picture."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mcnet.core.provenance import Inputs, provenance
from mcnet.core.records import write_record
from mcnet.core.writing import write_text, written_together
from mcnet.evaluation.comparisons import comparisons
from mcnet.evaluation.raw_trial import LABELS
from mcnet.evaluation.raw_trial_results import RawTrial
from mcnet.metrics.registry import PRIMARY, columns_in, definitions
from mcnet.report.style import save_figure, style
from mcnet.report.tables import ReportTable, comparison_tables, with_notes


def write_raw_trial(
    folder: Path, trial: RawTrial, *, model: str, inputs: Inputs, seed: int
) -> dict[str, Any]:
    """Write ``table.md``, rows and scans as CSV, a picture, and provenance; return the means."""
    means = trial.rows.pivot_table(PRIMARY, "mode", "model", sort=False).round(4)
    summary = {
        f"{mode}, {label}": float(str(means.at[mode, label]))
        for mode in means.index
        for label in means.columns
    }
    about = {"model": model, PRIMARY: summary}
    record = {**about, "provenance": provenance(inputs=inputs, seed=seed)}
    with written_together():
        for name, rows in (("rows", trial.rows), ("scans", trial.scans)):
            write_text(folder / f"{name}.csv", rows.to_csv(index=False, float_format="%.6g"))
        write_text(folder / "table.md", raw_trial_text(trial))
        with style():
            save_figure(_examples(trial), folder, "examples")
        write_record(folder / "trial.json", record)
    return summary


def raw_trial_text(trial: RawTrial) -> str:
    """Return the tables of a trial as Markdown, with the definitions of their metrics."""
    against = ("corrupted", "network")
    tests = comparisons(trial.rows, against, metric=PRIMARY, rng=np.random.default_rng(1))
    tables = [
        image_table(trial),
        scan_table(trial),
        *comparison_tables(tests[tests["model"] == "reconstructed"]),
    ]
    also = [one.name for one in columns_in(trial.rows.columns, "trial")]
    return f"{with_notes(tables)}\n{definitions([PRIMARY, *also])}\n"


def image_table(trial: RawTrial) -> ReportTable:
    """Every factor and image: SSIM inside the head, registered, mean ± SD over slices."""
    lines, also = [], columns_in(trial.rows.columns, "trial")
    for mode, of_mode in trial.rows.groupby("mode", sort=False):
        for label in ("corrupted", "smoothed", *LABELS):
            of_label = of_mode[of_mode["model"] == label]
            shown = [PRIMARY, "ssim_registered", *(one.name for one in also)]
            numbers = [f"{of_label[n].mean():.3f} ± {of_label[n].std():.3f}" for n in shown]
            lines.append([str(mode), label, *numbers])
    n_scans, subjects = len(trial.scans), sorted(trial.scans["subject"].unique())
    caption = (
        f"Every image registered to the reference: {n_scans} scans of {len(subjects)} subjects "
        f"({', '.join(subjects)}) and {trial.scans['trace'].nunique()} recorded traces, "
        f"{len(trial.rows[trial.rows['model'] == 'network'])} slices; mean ± SD over slices"
    )
    header = ("motion", "image", "SSIM in head", "SSIM, whole image", *(one.title for one in also))
    return ReportTable(caption, header, lines)


def scan_table(trial: RawTrial) -> ReportTable:
    """Every factor: scans better than the network's, accepted motions, errors of the poses."""
    means = trial.rows.pivot_table(PRIMARY, ["mode", "subject", "trace"], "model", sort=False)
    better = (means["reconstructed"] > means["network"]).rename("better").reset_index()
    scans = trial.scans.merge(better, on=["mode", "subject", "trace"])
    lines = []
    for mode, of_mode in scans.groupby("mode", sort=False):
        errors = [
            f"{of_mode[name].median():.2f} (up to {of_mode[name].max():.2f})"
            for name in ("rotation_deg", "line_axis_mm", "other_mm")
        ]
        counts = (
            f"{int(of_mode[name].sum())} of {len(of_mode)}" for name in ("better", "accepted")
        )
        lines.append([str(mode), *counts, *errors])
    return ReportTable(
        "Scans, and poses over the central half of the lines",
        (
            *("motion", "better than the network", "accepted"),
            *("rotation, degrees", "translation along lines' axis, mm", "other translation, mm"),
        ),
        lines,
        "Errors: root mean square of a scan, its median pose subtracted; median over scans "
        "(largest). Where the motion is rejected, the image is the network's.",
    )


def _examples(trial: RawTrial) -> Figure:
    titles = ("still", "corrupted", *LABELS)
    modes = sorted(trial.examples)
    figure = Figure(figsize=(2 * len(titles), 2.1 * len(modes)), layout="constrained")
    axes = figure.subplots(len(modes), len(titles), squeeze=False)
    for number, (row, mode) in enumerate(zip(axes, modes, strict=True)):
        for place, (axis, title, image) in enumerate(
            zip(row, titles, trial.examples[mode], strict=True)
        ):
            axis.imshow(image.T, origin="lower", cmap="gray", vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[])
            if number == 0:
                axis.set_title(title)
            if place == 0:
                axis.set_ylabel(mode)
    return figure
