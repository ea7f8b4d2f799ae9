"""The page of a reconstruction from raw k-space, as one HTML file."""

import json
from pathlib import Path

from mcnet.core.provenance import Inputs, provenance
from mcnet.core.writing import write_text
from mcnet.reconstruction.data_consistency import REJECTED_RESIDUAL
from mcnet.reconstruction.outcome import Reconstruction
from mcnet.report.reconstruction_figures import (
    has_residual,
    images_figure,
    motion_figure,
    residual_figure,
)
from mcnet.report.reconstruction_words import LIMITS, facts, headline
from mcnet.report.style import as_data_uri, style
from mcnet.report.templates import page_template


def write_reconstruction_page(path: Path, result: Reconstruction, *, inputs: Inputs) -> None:
    """Write one HTML file that contains everything it shows and loads nothing.

    Parameters
    ----------
    path
        The HTML file; its folder is made if absent.
    result
        The reconstruction.
    inputs
        Files that it was made from, for the provenance.

    Raises
    ------
    McnetError
        The page cannot be written.
    """
    record = provenance(inputs=dict(inputs))
    with style():
        pictures = {
            "images": as_data_uri(images_figure(result)),
            "motion": as_data_uri(motion_figure(result)),
            "residual": _residual(result),
        }
    page = page_template("reconstruction_page.html.jinja").render(
        title=result.image.name,
        headline=headline(result),
        data_consistency=result.data_consistency,
        accepted=result.accepted,
        known=result.motion_known,
        rejected=f"{100 * REJECTED_RESIDUAL:g}",
        facts=facts(result),
        limits=LIMITS,
        provenance=json.dumps(record, indent=2, default=str, ensure_ascii=False),
        version=str(record.get("version", "")),
        **pictures,
    )
    write_text(path, page)


def _residual(result: Reconstruction) -> str:
    """Chart of the residual as a data URI; empty where there is no residual."""
    return as_data_uri(residual_figure(result)) if has_residual(result) else ""
