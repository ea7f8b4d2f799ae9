"""What a search in magnitudes finds in still heads and in moving ones, by the size of pixels.

Constants: ``_SPURIOUS_PIXELS``, ``_CERTAIN_PIXELS`` and ``_SAVED`` of
`mcnet.correction.magnitude_motion`, and ``COARSEST_MM`` of `mcnet.correction.searchable`. They
part still scans (factor 0) from moving ones: by the size of the poses that are found, in pixels,
and by the share of the objective that poses save. Above ``COARSEST_MM`` they overlap.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
from tuning import Inputs, show

from mcnet.correction.magnitude_motion import SEARCH, accepted, find_motion

PIXELS_MM = (1.0, 1.25, 1.5, 2.0)


def table(inputs: Inputs) -> pd.DataFrame:
    """One row a scan and pixel size."""
    settings = replace(SEARCH, n_steps=(2, 1, 1)) if inputs.quick else SEARCH
    rows = []
    for pixel_mm in PIXELS_MM[:1] if inputs.quick else PIXELS_MM:
        asked = replace(inputs, pixel_mm=pixel_mm)
        for one in asked.scanned(factors=(0.0, 2.0) if inputs.quick else (0.0, 0.5, 1.0, 2.0)):
            found = find_motion(one.magnitudes, one.raw.grid, settings=settings)
            kept = accepted(found)
            rows.append(
                {
                    "scan": one.name,
                    "pixel_mm": float(np.mean(one.raw.grid.pixel_mm)),
                    "true_mm": one.motion.rms_displacement_mm(),
                    "found_pixels": found.rms_mm / float(np.mean(one.raw.grid.pixel_mm)),
                    "saved": found.saved,
                    "share kept": kept.share if kept else 0.0,
                    "certain": bool(kept and kept.is_certain),
                }
            )
    return pd.DataFrame(rows)


if __name__ == "__main__":
    show(__doc__, table)
