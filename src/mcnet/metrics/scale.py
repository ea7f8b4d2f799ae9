"""The scale of an image's intensities."""

import numpy as np

from mcnet.core.errors import McnetError
from mcnet.metrics.checks import Image


def intensity_scale(values: Image, percentile: float = 99.9) -> float:
    """Intensity to divide by, so that the given percentile of ``values`` becomes 1.

    Raises
    ------
    McnetError
        The values are none, not finite, or so dark that this percentile is not positive.
    """
    if values.size == 0 or not np.all(np.isfinite(values)):
        raise McnetError(
            "The image is empty or holds NaN or infinite values; its intensity scale needs finite "
            "numbers: repair the image."
        )
    scale = float(np.percentile(values, percentile))
    if scale <= 0:
        raise McnetError(
            f"The {percentile:g}th percentile of the image is {scale:g}; a scale has to be "
            "positive: give a magnitude image that is not empty."
        )
    return scale
