"""Whether motion is searched for in a scan: on which grid, or why not."""

from mcnet.correction.options import CorrectionOptions
from mcnet.correction.sampling import SliceSampling
from mcnet.physics.in_plane import SliceGrid

LEAST_SIDE: int = 32
"""Slices with fewer rows or columns tell too little of the motion."""
# set by what was observed; other values: experiments/tuning/certain_motion.py
COARSEST_MM: float = 1.5
"""In larger pixels a search finds motion where there was none: docs/results/correction.md."""


def searched_grid(sampling: SliceSampling, options: CorrectionOptions) -> SliceGrid | None:
    """Slices and lines as they are searched for motion; none if that is not wanted or in vain."""
    if not options.search or unsearched_warnings(sampling, options):
        return None
    return SliceGrid(sampling.seen, sampling.seen_mm, 1 if options.phase_encoding == "z" else 0)


def unsearched_warnings(sampling: SliceSampling, options: CorrectionOptions) -> tuple[str, ...]:
    """Why a search that is wanted would be in vain, in a sentence; empty where it would not.

    Both the scan's own pixels count, since resampling adds no detail, and those of the search.
    """
    if not options.search:
        return ()
    if options.phase_encoding == "x":
        return (_unsearched("lines were encoded along x, across the sagittal slices"),)
    for shape, size_mm, whose in (
        (sampling.native, sampling.native_mm, "the scan's sagittal pixels"),
        (sampling.seen, sampling.seen_mm, "the pixels that the model sees"),
    ):
        # a header holds 1.5 mm in single precision, a little above or below
        if round(max(size_mm), 4) > COARSEST_MM:
            rows, columns = size_mm
            return (
                _unsearched(
                    f"{whose} measure {rows:.2f} x {columns:.2f} mm, and in pixels above "
                    f"{COARSEST_MM:g} mm a search finds motion where there was none"
                ),
            )
        if min(shape) < LEAST_SIDE:
            return (
                _unsearched(
                    f"{whose} are {shape[0]} x {shape[1]}, and fewer than {LEAST_SIDE} rows or "
                    "columns tell too little of the motion"
                ),
            )
    return ()


def _unsearched(why: str) -> str:
    return f"No motion was searched for, because {why}."
