import numpy as np
import pandas as pd

from mcnet.datasets.adjacent import seen_together


def test_neighbours_are_of_the_same_scan_and_in_order_of_their_places():
    table = pd.DataFrame(
        {
            "subject": ["a", "a", "a", "b", "b", "a"],
            "trace": ["t", "t", "t", "t", "t", "u"],
            "mode": "rotation",
            "position_mm": [5.0, -5.0, 0.0, 0.0, 5.0, 0.0],
        }
    )
    assert seen_together(table, 1).tolist() == [
        [2, 0, 0],
        [1, 1, 2],
        [1, 2, 0],
        [3, 3, 4],
        [3, 4, 4],
        [5, 5, 5],
    ]
    assert np.array_equal(seen_together(table, 0)[:, 0], np.arange(6))
