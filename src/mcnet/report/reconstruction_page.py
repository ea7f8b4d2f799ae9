"""The page of a reconstruction from raw k-space: one HTML file that shows what was done."""

import json
from collections.abc import Mapping
from pathlib import Path

from mcnet.provenance import provenance, write_text
from mcnet.reconstruction.outcome import Reconstruction
from mcnet.report.reconstruction_figures import images_figure, motion_figure, residual_figure
from mcnet.report.style import as_data_uri, style
from mcnet.report.templates import page_template

_LIMITS = (
    "The head is taken to be rigid, with one pose for each phase-encoding line; effects of spin "
    "history and of a field that moves with the head are not modelled.",
    "Motion is looked for within the slices of a 2D scan, in space of a 3D scan. Of one coil, "
    "motion that is alike for line k and line −k shows in the sharpness of the image alone, so "
    "that errors of some tenths of a millimetre may stay unnoticed.",
    "The image lies where the head lay in the pose of rest of the motion: register it before "
    "you compare it with another.",
)


def write_reconstruction_page(
    path: Path, result: Reconstruction, *, inputs: Mapping[str, Path]
) -> None:
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
            "residual": as_data_uri(residual_figure(result)),
        }
    page = page_template("reconstruction_page.html.jinja").render(
        title=result.image.name,
        headline=_headline(result),
        verdict=result.verdict,
        trusted=result.trusted,
        known=result.motion_known,
        facts=_facts(result),
        limits=_LIMITS,
        provenance=json.dumps(record, indent=2, default=str, ensure_ascii=False),
        version=str(record.get("version", "")),
        **pictures,
    )
    write_text(path, page)


def _headline(result: Reconstruction) -> str:
    if result.motion_known:
        return "Reconstructed with the motion that was given"
    if result.trusted:
        return "Motion found in the k-space, and undone"
    shown = "the scan as it is" if result.network is None else "the network’s image"
    return f"No motion found that explains the k-space: {shown}"


def _facts(result: Reconstruction) -> list[tuple[str, str]]:
    motion = result.motion
    told = {
        "lines": motion.n_points,
        "motion (standard deviation, mm and degrees)": f"{motion.magnitude:.2f}",
        **{name.replace("_", " "): value for name, value in result.notes.items()},
    }
    return [(name, str(value)) for name, value in told.items()]
