"""The page of a reader study, which holds everything that is on it."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from mcnet.core.writing import write_text
from mcnet.report.style import save_figure
from mcnet.report.tables import ReportTable
from mcnet.report.templates import page_template


@dataclass(frozen=True)
class ReadingSection:
    """A part of the page."""

    title: str
    text: str
    tables: Sequence[ReportTable]
    figure: tuple[str, Figure] | None = None
    """Name of its files, and the figure."""


def write_reading_page(
    folder: Path,
    *,
    title: str,
    findings: Sequence[str],
    sections: Sequence[ReadingSection],
    provenance: Mapping[str, Any],
) -> Path:
    """Write report.html, and every figure as PNG and SVG beside it; return the page's path."""
    shown = [
        {
            "title": section.title,
            "text": section.text,
            "tables": section.tables,
            "source": _source(folder, section.figure),
        }
        for section in sections
    ]
    page = page_template("reading_page.html.jinja").render(
        title=title,
        findings=findings,
        sections=shown,
        provenance=json.dumps(provenance, indent=2, default=str),
        version=str(provenance.get("version", "")),
    )
    write_text(folder / "report.html", page)
    return folder / "report.html"


def _source(folder: Path, figure: tuple[str, Figure] | None) -> str:
    """The figure's files are written; what comes back is the figure as the page holds it."""
    if figure is None:
        return ""
    png, _ = save_figure(figure[1], folder, figure[0])
    return f"data:image/png;base64,{base64.b64encode(png.read_bytes()).decode('ascii')}"
