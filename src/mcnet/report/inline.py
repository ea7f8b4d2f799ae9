"""Pictures of a correction for a notebook: a slice of each plane before and after."""

from html import escape

import numpy as np

from mcnet.correction.outcome import CorrectedScan, left_sentence
from mcnet.report.correction_pictures import DIFFERENCE_COLOURS, Scales, scales_of
from mcnet.report.planes import PLANES, Colours, coarse, coarse_head, picture, slices_through

_HEIGHT_PX = 220


def correction_html(result: CorrectedScan) -> str:
    """HTML of a correction: a row of pictures for each plane, and what was estimated.

    Raises
    ------
    McnetError
        The images do not share one grid.
    """
    scales = scales_of(result)
    head = coarse_head(coarse(result.before.values))
    rows = []
    for plane in PLANES:
        (index,) = slices_through(head, result.before, plane.axis, 1)
        width_mm, height_mm = plane.size_mm(result.before)
        before, after = (plane.slice_of(one.values, index) for one in (result.before, result.after))
        shape = (width_mm, height_mm)
        cells = [_image(before, "before", shape, (scales.black, scales.white))]
        if result.left_because is None:
            cells += [
                _image(after, "after", shape, (scales.black, scales.white)),
                _difference(after - before, shape, scales),
            ]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f"<div><p>{escape(_sentence(result))}</p><table>{''.join(rows)}</table></div>"


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
