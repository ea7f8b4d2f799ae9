"""Pictures of two images for a notebook: a slice of each plane, and their difference."""

from html import escape

import numpy as np

from mcnet.correction.outcome import CorrectedScan, left_sentence
from mcnet.io.volume import Volume
from mcnet.report.correction_pictures import DIFFERENCE_COLOURS, Scales, scales_between
from mcnet.report.planes import PLANES, Colours, coarse, coarse_head, picture, slices_through

_HEIGHT_PX = 220


def correction_html(result: CorrectedScan) -> str:
    """HTML of a correction: before, after and difference in each plane, and what was estimated."""
    after = result.after if result.left_because is None else None
    return comparison_html(_sentence(result), result.before, after)


def comparison_html(
    sentence: str,
    first: Volume,
    second: Volume | None,
    names: tuple[str, str] = ("before", "after"),
) -> str:
    """HTML of two images on one grid and their difference, a row a plane; or of one image.

    Parameters
    ----------
    sentence
        What is told above the pictures.
    first, second
        The images; the second may be missing.
    names
        What the pictures of both are called.
    """
    scales = scales_between(first, first if second is None else second)
    head = coarse_head(coarse(first.values))
    rows = []
    for plane in PLANES:
        (index,) = slices_through(head, first, plane.axis, 1)
        size_mm = plane.size_mm(first)
        ends = (scales.black, scales.white)
        image = plane.slice_of(first.values, index)
        cells = [_image(image, names[0], size_mm, ends)]
        if second is not None:
            other = plane.slice_of(second.values, index)
            cells.append(_image(other, names[1], size_mm, ends))
            cells.append(_difference(other - image, size_mm, scales))
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f"<div><p>{escape(sentence)}</p><table>{''.join(rows)}</table></div>"


def _sentence(result: CorrectedScan) -> str:
    before, after = result.assessment_before.severity.mm, result.assessment_after.severity.mm
    if result.left_because is not None:
        return f"{left_sentence(result.left_because)} Estimated motion: {before:.1f} mm."
    return f"Corrected. Estimated motion: {before:.1f} mm before, {after:.1f} mm after."


def _difference(image: np.ndarray, size_mm: tuple[float, float], scales: Scales) -> str:
    end = scales.difference or 1.0  # where nothing changed, any end shows nothing
    return _image(image, "difference", size_mm, (-end, end), DIFFERENCE_COLOURS)


def _image(
    image: np.ndarray,
    what: str,
    size_mm: tuple[float, float],
    ends: tuple[float, float],
    colours: Colours = (),
) -> str:
    width = round(_HEIGHT_PX * size_mm[0] / size_mm[1])
    source = picture(image, *ends, colours)
    return (
        f'<td><img src="{source}" width="{width}" height="{_HEIGHT_PX}" alt="{what}"><br>'
        f"<small>{what}</small></td>"
    )
