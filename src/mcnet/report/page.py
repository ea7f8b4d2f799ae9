"""The report of a run: figures, tables, and one HTML page that holds everything."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mcnet.core.writing import write_text
from mcnet.evaluation.answers import answers
from mcnet.evaluation.comparisons import comparisons
from mcnet.evaluation.question import Question
from mcnet.evaluation.statistics import by_severity, ordered_modes, summary
from mcnet.metrics.registry import PRIMARY, column, definitions
from mcnet.report.answers import answer_tables, answers_figure
from mcnet.report.conclusions import conclusions
from mcnet.report.examples import Example, example_figure
from mcnet.report.figures import (
    curves_figure,
    proposed_model,
    severity_figure,
    table_figure,
)
from mcnet.report.style import save_figure
from mcnet.report.tables import comparison_tables, severity_tables, summary_tables
from mcnet.report.templates import page_template

COMPARED_METRICS = ("ssim", PRIMARY)
_EXAMPLE_NAMES = {"rotation": "figure-2", "rotation+translation": "figure-3"}
_LIMITS = (
    "The motion is simulated: rigid, one pose per phase-encoding line, without the effects of "
    "motion on spin history, coil sensitivities or the field.",
    "The reference has one pose and the corrupted image is a mixture of many; scores of images as "
    "they are reward alignment with the reference, and those after registration do not.",
    "Much of a whole-image gain can come from ghosts removed from the air around the head; read "
    "the scores in the head, registered, first.",
    "SSIM scores of other papers, by other definitions, do not compare with these.",
)


def run_text(table: pd.DataFrame, answered: pd.DataFrame) -> str:
    """Return the tables of a run as Markdown, from its summary and the answers to its questions."""
    tables = [*summary_tables(table), *answer_tables(answered)]
    return "\n".join(one.markdown() for one in tables)


@dataclass(frozen=True)
class _Picture:
    """A figure on the page."""

    name: str
    title: str
    caption: str
    source: str


def write_report(
    folder: Path,
    *,
    title: str,
    rows: pd.DataFrame,
    examples: Sequence[Example],
    settings: Mapping[str, Any],
    provenance: Mapping[str, Any],
    curves: Mapping[str, pd.DataFrame] | None = None,
    questions: Sequence[Question] = (),
) -> None:
    """Write figures (PNG, SVG), tables (CSV, table.md), and report.html, which holds all of them.

    Parameters
    ----------
    folder
        Where to; made if absent.
    title
        The page's heading.
    rows
        What `mcnet.evaluation.rows.evaluate` returned; every mode and model in it is shown.
    examples
        Slices for Figures 2 ("rotation"), 3 ("rotation+translation") and example-six-dof.
    settings
        Names and values of the experiment, as the page lists them.
    provenance
        What `mcnet.core.provenance.provenance` returned; its seed also draws the bootstrap.
    curves
        Model labels and training logs with a column ``epoch``.
    questions
        What comparisons of two models each are to answer.

    Raises
    ------
    McnetError
        The rows are none, examples of a mode differ in their images, or the folder is not writable.
    """
    table, severity = summary(rows), by_severity(rows)
    rng = np.random.default_rng(provenance.get("seed") or 0)
    compared = pd.concat(
        [comparisons(rows, metric=metric, rng=rng) for metric in COMPARED_METRICS],
        ignore_index=True,
    )
    answered = answers(rows, questions, rng=rng)
    figures = _figures(rows, table, examples, curves or {})
    drawn = answers_figure(answered)
    if drawn is not None:
        figures.insert(0, ("answers", "Answers", _ANSWERS_CAPTION, drawn))
    pictures = [_write_picture(folder, *entry) for entry in figures]
    for name, frame in (("table", table), ("comparisons", compared), ("severity", severity)):
        _write_csv(folder / f"{name}.csv", frame)
    tables, of_answers = summary_tables(table), answer_tables(answered)
    if of_answers:
        _write_csv(folder / "answers.csv", answered)
    write_text(folder / "table.md", run_text(table, answered))
    page = page_template("page.html.jinja").render(
        title=title,
        conclusions=conclusions(table, proposed_model(rows)),
        definitions=definitions(rows.columns),
        summary_tables=tables,
        answer_tables=of_answers,
        comparison_tables=comparison_tables(compared),
        severity_tables=severity_tables(severity),
        pictures=pictures,
        settings=[(str(name), _plain(value)) for name, value in settings.items()],
        provenance=json.dumps(provenance, indent=2, default=str),
        version=str(provenance.get("version", "")),
        limits=_LIMITS,
    )
    write_text(folder / "report.html", page)


def _figures(
    rows: pd.DataFrame,
    table: pd.DataFrame,
    examples: Sequence[Example],
    curves: Mapping[str, pd.DataFrame],
) -> list[tuple[str, str, str, Figure]]:
    """Name, title, caption and figure of everything that is drawn."""
    figures = _example_figures(examples)
    figures.append(
        ("figure-4", "Figure 4: SSIM of every image", _TABLE_CAPTION, table_figure(table))
    )
    model = proposed_model(rows)
    for letter, name, metric in (
        ("a", "figure-5", "ssim"),
        ("b", "figure-5-head-registered", PRIMARY),
    ):
        heading = f"Figure 5{letter}: SSIM against motion magnitude, {column(metric).place}"
        caption = (
            f"Points are slices, before (corrupted) and after ({model}); lines are means of bins "
            "of equal count with their standard deviation. Magnitude is the root of the summed "
            "variances of all moving degrees of freedom over the lines; 1 deg counts as 1 mm."
        )
        figures.append((name, heading, caption, severity_figure(rows, metric=metric)))
    training = curves_figure(curves)
    if training is not None:
        caption = "Mean of each epoch, as logged while training."
        figures.append(("training", "Training curves", caption, training))
    return figures


_ANSWERS_CAPTION = (
    "Mean difference of SSIM between two models, with the 95 % interval of a bootstrap that "
    "redraws subjects and traces. Dark: of all slices; pale, downwards: quarters of them by motion "
    "magnitude, from mild to severe."
)
_TABLE_CAPTION = (
    "Mean and standard deviation over slices; the best of each line in bold. Registered: brought "
    "onto the reference by a rigid registration before the comparison."
)


def _example_figures(examples: Sequence[Example]) -> list[tuple[str, str, str, Figure]]:
    """Figures 2 and 3, and one of any other mode, where there are examples."""
    figures = []
    present = pd.DataFrame({"mode": [example.mode for example in examples]}, dtype=object)
    for mode in ordered_modes(present):
        name = _EXAMPLE_NAMES.get(mode, f"example-{mode}")
        heading = f"{name.replace('-', ' ').capitalize()}: examples, {mode}"
        caption = (
            "Upper row: images with SSIM of the whole image | inside the head. Lower row: the "
            "motion, and residuals (image − reference) on one scale. Sagittal slices, anterior "
            "to the right, superior up; white is the reference's 99th percentile in the head."
        )
        chosen = [example for example in examples if example.mode == mode]
        figures.append((name, heading, caption, example_figure(chosen)))
    return figures


def _write_picture(folder: Path, name: str, title: str, caption: str, figure: Figure) -> _Picture:
    """Write a figure's files and return it as the page inlines it."""
    png, _ = save_figure(figure, folder, name)
    encoded = base64.b64encode(png.read_bytes()).decode("ascii")
    return _Picture(name, title, caption, f"data:image/png;base64,{encoded}")


def _write_csv(path: Path, table: pd.DataFrame) -> None:
    write_text(path, table.to_csv(index=False, lineterminator="\n"))


def _plain(value: object) -> str:
    """Return a setting as text: lists and mappings as JSON."""
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, default=str, ensure_ascii=False)
    return str(value)
