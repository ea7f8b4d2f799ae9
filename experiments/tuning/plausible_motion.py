"""How far recorded motion goes, and how many traces each limit would refuse or remark on.

Constants of `mcnet.motion.plausibility`: ``MAX_ROTATION_DEG``, ``MAX_TRANSLATION_MM``, and
``_SUSPICIOUS`` and ``_ORDINARY``, degrees of rotation for a millimetre of translation. The same
numbers in wrong units (radians for degrees, metres for millimetres) are to lie beyond them.
"""

import numpy as np
import pandas as pd
from tuning import Inputs, show, tried

from mcnet.motion.plausibility import furthest, rotation_per_translation

ROOM = "mcnet.motion.plausibility"


def table(inputs: Inputs) -> pd.DataFrame:
    """Shares of the traces, multiplied by each factor, that lie beyond each value."""
    rows = []
    traces = [
        trace.scaled(factor) for trace in inputs.traces() for factor in (1.0, *inputs.factors)
    ]
    far = np.array([furthest(trace) for trace in traces])
    for name, column, unit in (
        ("MAX_TRANSLATION_MM", 0, 1e-3),
        ("MAX_ROTATION_DEG", 1, 180 / np.pi),
    ):
        for row in tried(f"{ROOM}.{name}", (10.0, 20.0, 30.0, 50.0, 100.0)):
            beyond, wrong = (far[:, column] > row["value"], far[:, column] * max(unit, 1 / unit))
            rows.append(
                row | {"beyond": beyond.mean(), "of wrong units": (wrong > row["value"]).mean()}
            )
    ratios = np.array([rotation_per_translation(trace) for trace in traces])
    for name, others in (
        ("_SUSPICIOUS", ((0.02, 50.0), (0.1, 10.0))),
        ("_ORDINARY", ((0.05, 20.0), (0.2, 5.0))),
    ):
        for row in tried(f"{ROOM}.{name}", others):
            low, high = row["value"]
            beyond, wrong = (
                (one < low) | (one > high) for one in (ratios, ratios * (180 / np.pi) ** 2)
            )
            rows.append(row | {"beyond": beyond.mean(), "of wrong units": wrong.mean()})
    return pd.DataFrame(rows)


if __name__ == "__main__":
    show(__doc__, table)
