"""The page of a reconstruction from raw k-space: one HTML file that shows what was done."""

import json
from pathlib import Path

from mcnet.core.provenance import Inputs, provenance
from mcnet.core.writing import write_text
from mcnet.reconstruction.data_consistency import REJECTED_RESIDUAL
from mcnet.reconstruction.outcome import Reconstruction
from mcnet.report.reconstruction_figures import (
    images_figure,
    is_unexplained,
    motion_figure,
    residual_figure,
)
from mcnet.report.reconstruction_words import LIMITS, facts, headline
from mcnet.report.style import as_data_uri, style
from mcnet.report.templates import page_template


def write_reconstruction_page(path: Path, result: Reconstruction, *, inputs: Inputs) -> None:
    """Write one HTML file that holds everything it shows and asks nothing of any network.

    Parameters
    ----------
    path
        Where to; its folder is made if absent.
    result
        What was reconstructed.
    inputs
        Files that it was made from, for the record.

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
        verdict=result.verdict,
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
    """The chart of what stays unexplained; nothing where nothing does."""
    return as_data_uri(residual_figure(result)) if is_unexplained(result) else ""
