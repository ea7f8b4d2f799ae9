"""Labels of logarithmic axes: few, which do not touch."""

import numpy as np
from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

_MOST_TICKS = 4


def label_sparsely(axis: Axis, low: float, high: float) -> None:
    """Label a logarithmic axis in few places, which do not touch, and in more than one."""
    axis.set_major_locator(FixedLocator(_round_numbers(low, high)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def _round_numbers(low: float, high: float) -> list[float]:
    """Up to four numbers from low to high: one to three a decade, or every second to sixth power.

    Of less than an octave, which may hold none of these, two numbers of two digits.
    """
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    choices = [[digit * 10.0**power for power in powers for digit in of_decade]
               for of_decade in ((1, 2, 5), (1, 3), (1,))]  # fmt: skip
    choices += [[10.0**power for power in powers if power % every == 0] for every in (2, 3, 4, 6)]
    for numbers in choices:
        within = [number for number in numbers if low <= number <= high]
        if 2 <= len(within) <= _MOST_TICKS:
            return within
    return [float(f"{low * (high / low) ** share:.2g}") for share in (0.2, 0.8)]
