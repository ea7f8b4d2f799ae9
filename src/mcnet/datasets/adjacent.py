"""Which slices lie beside one another in a scan."""

import numpy as np
import pandas as pd
from jaxtyping import Int64


def seen_together(table: pd.DataFrame, n_adjacent: int) -> Int64[np.ndarray, "n_pairs n_seen"]:
    """Rows of the slices that a network sees with each: its neighbours in the same scan, in order.

    Beyond the outermost slice of a scan stands that slice itself.

    Parameters
    ----------
    table
        Of `mcnet.datasets.pairs.pairs.ImagePairs`: subject, trace, mode and position_mm of each
        pair.
    n_adjacent
        Slices on either side.
    """
    steps = np.arange(-n_adjacent, n_adjacent + 1)
    seen = np.empty((len(table), len(steps)), dtype=np.int64)
    for of_scan in table.groupby(["subject", "trace", "mode"], sort=False).indices.values():
        rows = np.asarray(of_scan)
        in_order = rows[np.argsort(table["position_mm"].to_numpy()[rows])]
        places = np.arange(len(rows))[:, None] + steps
        seen[in_order] = in_order[places.clip(0, len(rows) - 1)]
    return seen
