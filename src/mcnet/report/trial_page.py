"""The trial of a corrector: tables in Markdown, pictures, and numbers for its model card."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mcnet.core.provenance import Inputs, provenance
from mcnet.core.records import write_record
from mcnet.core.writing import write_json, write_text, written_together
from mcnet.evaluation.comparisons import comparisons
from mcnet.evaluation.statistics import summary
from mcnet.evaluation.trial import Trial
from mcnet.metrics.registry import PRIMARY, columns_in, definitions
from mcnet.report.style import BLUE, GREY, VERMILION, save_figure, style
from mcnet.report.tables import ReportTable, comparison_tables, mean_and_sd, with_notes


def write_trial(
    folder: Path,
    trial: Trial,
    *,
    model: str,
    fingerprint: str,
    inputs: Inputs,
    seed: int,
) -> dict[str, Any]:
    """Write ``table.md``, the rows as CSV, ``summary.json`` and pictures; return the summary."""
    numbers = trial_summary(trial, model)
    about = {"model": model, "training_fingerprint": fingerprint, **numbers}
    record = {"summary": about, "provenance": provenance(seed=seed, inputs=inputs)}
    written = {"rows": trial.rows, "severity": trial.severities, "still": trial.still}
    with written_together():
        for name, table in written.items():
            write_text(folder / f"{name}.csv", table.to_csv(index=False, float_format="%.6g"))
        write_text(folder / "table.md", trial_text(trial, model))
        with style():
            save_figure(example_figure(trial), folder, "examples")
            save_figure(severity_figure(trial), folder, "severity")
        write_json(folder / "summary.json", numbers)
        write_record(folder / "trial.json", record)
    return numbers


def trial_text(trial: Trial, model: str) -> str:
    """Return the tables of a trial as Markdown, with the definitions of their metrics."""
    tests = comparisons(trial.rows, ("corrupted",), metric=PRIMARY, rng=np.random.default_rng(1))
    tables = [
        factor_table(trial, model),
        subject_table(trial, model),
        *comparison_tables(tests[tests["model"] == model]),
        severity_estimator_table(trial),
    ]
    also = [one.name for one in columns_in(trial.rows.columns, "trial")]
    return f"{with_notes(tables)}\n{definitions([PRIMARY, *also])}\n"


def trial_summary(trial: Trial, model: str) -> dict[str, Any]:
    """Numbers for the model card: by factor, SSIM in the head before and after, both registered."""
    of_factor = {}
    for factor, paired in _paired(trial):
        before, after = paired["corrupted"], paired[model]
        of_factor[factor] = {
            f"{PRIMARY}_before": round(float(before.mean()), 4),
            f"{PRIMARY}_after": round(float(after.mean()), 4),
            "share_of_ssim_deficit_recovered": round(_recovered(before, after), 4),
            "share_of_slices_worse": round(float((after < before).mean()), 4),
        }
    return {
        **of_factor,
        "still_by_force_ssim_head": round(float(trial.still["ssim_head"].mean()), 4),
        "subjects": sorted(trial.rows["subject"].unique()),
        "n_traces": int(trial.rows["trace"].nunique()),
    }


def factor_table(trial: Trial, model: str) -> ReportTable:
    """Every factor: baselines and model, mean ± SD, SSIM deficit recovered, slices made worse."""
    rows, also = trial.rows, columns_in(trial.rows.columns, "trial")
    lines = []
    for record in summary(rows).to_dict("records"):
        label = str(record["model"])
        if label == "registered":  # every row is registered here
            continue
        paired = dict(_paired(trial))[str(record["mode"])]
        worse = float((paired[label] < paired["corrupted"]).mean())
        mean, deviation = float(record[f"{PRIMARY}_mean"]), float(record[f"{PRIMARY}_sd"])
        is_baseline = label == "corrupted"
        lines.append(
            [
                str(record["mode"]),
                label,
                f"{mean:.3f} ± {deviation:.3f}",
                "–" if is_baseline else f"{100 * float(record[f'{PRIMARY}_recovered']):+.1f} %",
                "–" if is_baseline else f"{100 * worse:.1f} %",
                f"{float(record['ssim_mean']):.3f}",
                *(mean_and_sd(record, one) for one in also),
            ]
        )
    n = len(rows[rows["model"] == model])
    subjects, traces = sorted(rows["subject"].unique()), rows["trace"].nunique()
    return ReportTable(
        f"Inside the head, every image registered to the reference: {n} slices of {len(subjects)} "
        f"subjects ({', '.join(subjects)}) and {traces} recorded traces; mean ± SD over slices",
        (
            *("motion", "image", "SSIM in head", "SSIM deficit recovered", "slices worse"),
            "SSIM, whole image, not registered",
            *(one.title for one in also),
        ),
        lines,
        "Scans that were estimated still, without motion to undo or of pixels too coarse were "
        "left as they are, as users get them. Slices worse: than the corrupted image, by however "
        "little.",
    )


def subject_table(trial: Trial, model: str) -> ReportTable:
    """Share of the SSIM deficit recovered for every subject and factor."""
    factors = [factor for factor, _ in _paired(trial)]
    lines = []
    for subject in sorted(trial.rows["subject"].unique()):
        cells = [subject]
        for _, paired in _paired(trial):
            mine = paired[paired.index.get_level_values("subject") == subject]
            before, after = mine["corrupted"], mine[model]
            recovered = f"{100 * _recovered(before, after):+.1f} %"
            cells.append(f"{before.mean():.3f} → {after.mean():.3f} ({recovered})")
        still = trial.still[trial.still["subject"] == subject]
        is_still = bool(still["estimated_still"].iloc[0])
        estimated = "estimated still" if is_still else "not estimated still"
        least, mean = still["ssim_head"].min(), still["ssim_head"].mean()
        cells.append(f"{mean:.4f}, least {least:.4f}; {estimated}")
        lines.append(cells)
    header = ("subject", *factors, "still scan, corrected by force, against itself")
    return ReportTable("By subject: SSIM in head, registered, before → after", header, lines)


def severity_estimator_table(trial: Trial) -> ReportTable:
    """The severity estimator's estimates of the scans, by factor."""
    lines = []
    for factor, scans in trial.severities.groupby("mode", sort=False):
        inside = scans["severity_mm"].between(scans["before_low_mm"], scans["before_high_mm"])
        error = (scans["before_mm"] - scans["severity_mm"]).abs()
        lines.append(
            [
                str(factor),
                f"{scans['severity_mm'].mean():.2f} ± {scans['severity_mm'].std():.2f}",
                f"{scans['before_mm'].mean():.2f} ± {scans['before_mm'].std():.2f}",
                f"{error.mean():.2f}",
                f"{100 * inside.mean():.0f} %",
                f"{scans['after_mm'].mean():.2f} ± {scans['after_mm'].std():.2f}",
                f"{int(scans['before_estimated_still'].sum())} of {len(scans)}",
                f"{int(scans['before_warned'].sum())} of {len(scans)}",
            ]
        )
    header = (
        *("motion", "true severity (mm)", "estimate before (mm)", "mean absolute error"),
        *("truth within bounds", "estimate after (mm)", "estimated still", "out of distribution"),
    )
    return ReportTable("The severity estimator's estimates, of whole scans", header, lines)


def example_figure(trial: Trial) -> Figure:
    """Reference, corrupted and corrected slice at every factor, in one grey window."""
    n = len(trial.examples)
    figure = Figure(figsize=(7.5, 2.6 * n), layout="constrained")
    axes = figure.subplots(n, 3, squeeze=False)
    for of_factor, (factor, images) in zip(axes, sorted(trial.examples.items()), strict=True):
        titles = ("reference", f"corrupted, factor {factor:g}", "corrected")
        for axis, image, title in zip(of_factor, images, titles, strict=True):
            axis.imshow(image.T, origin="lower", cmap="gray", vmin=0, vmax=0.8)
            axis.set_title(title)
            axis.set_axis_off()
    return figure


def severity_figure(trial: Trial) -> Figure:
    """True severity against the estimate, one point a scan, with its bounds."""
    figure = Figure(figsize=(4.5, 4.0), layout="constrained")
    axis = figure.subplots()
    scans = trial.severities
    truth, found = scans["severity_mm"], scans["before_mm"]
    below = (found - scans["before_low_mm"]).clip(lower=0)
    above = (scans["before_high_mm"] - found).clip(lower=0)
    axis.errorbar(
        truth, found, yerr=[below, above], fmt="o", ms=3, lw=0.6, color=BLUE, label="before"
    )
    axis.plot(truth, scans["after_mm"], ".", ms=4, color=VERMILION, label="after correction")
    ends = [0.1, float(max(truth.max(), found.max())) * 1.2]
    axis.plot(ends, ends, lw=0.8, color=GREY)
    axis.set(xscale="log", yscale="log", xlabel="true severity (mm)", ylabel="estimate (mm)")
    axis.set_ylim(bottom=0.05)
    axis.legend()
    return figure


def _paired(trial: Trial) -> list[tuple[str, pd.DataFrame]]:
    """For every factor, one row a slice and one column an image."""
    found = []
    for factor in trial.rows["mode"].unique():
        of_factor = trial.rows[trial.rows["mode"] == factor]
        keys = ["subject", "trace", "position_mm"]
        found.append((str(factor), of_factor.pivot(index=keys, columns="model", values=PRIMARY)))
    return found


def _recovered(before: "pd.Series[float]", after: "pd.Series[float]") -> float:
    return float((after.mean() - before.mean()) / (1 - before.mean()))
