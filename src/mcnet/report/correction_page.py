"""The page of a correction: one HTML file that shows what was done to a scan."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mcnet.core.writing import write_text
from mcnet.correction.outcome import CorrectedScan
from mcnet.report.correction_pictures import legend_gradients, plane_views, scales_of
from mcnet.report.correction_words import (
    card_entries,
    facts,
    file_name,
    limits_of,
    number,
    outcome,
    severity_scale,
    warnings_of,
)
from mcnet.report.templates import page_template


def write_correction_page(
    path: Path,
    result: CorrectedScan,
    *,
    source: str,
    output: str,
    provenance: Mapping[str, Any],
) -> None:
    """Write one HTML file that holds everything it shows and asks nothing of any network.

    Parameters
    ----------
    path
        Where to; its folder is made if absent.
    result
        The scan before and after, and what is known of both.
    source
        The scan, as the user named it.
    output
        The corrected file or folder, as the user named it.
    provenance
        What `mcnet.core.provenance.provenance` returned.

    Raises
    ------
    McnetError
        The images do not share one grid, or the page cannot be written.
    """
    scales = scales_of(result)
    headline, sentences = outcome(result)
    page = page_template("correction_page.html.jinja").render(
        title=file_name(source),
        headline=headline,
        sentences=sentences,
        is_left=result.left_because is not None,
        has_uncertainty=result.uncertainty is not None,
        warnings=warnings_of(result),
        severity=severity_scale(result),
        planes=plane_views(result, scales),
        scales={name: number(value) for name, value in vars(scales).items()},
        gradients=legend_gradients(),
        facts=facts(result, scales, source=source, output=output),
        card=card_entries(result.model),
        limits=limits_of(result),
        provenance=json.dumps(provenance, indent=2, default=str, ensure_ascii=False),
        version=str(provenance.get("version", "")),
    )
    write_text(path, page)
