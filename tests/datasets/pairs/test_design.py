import numpy as np
import pytest

from mcnet.core.errors import McnetError
from mcnet.datasets.pairs.design import PairsDesign
from mcnet.physics.acquisition import Acquisition


def test_ten_slices_five_millimetres_apart_lie_around_the_middle_of_the_head():
    scan = Acquisition()
    head = np.zeros((128, 9, 9), dtype=bool)
    head[30:91] = True  # from -68 mm to +52 mm
    places = PairsDesign().positions_mm(head, scan)
    assert len(places) == 10
    np.testing.assert_allclose(np.diff(places), 5)
    assert places.mean() == pytest.approx(-8)


def test_a_slice_with_little_head_in_it_is_a_boundary_slice():
    heads = np.zeros((3, 4, 5), dtype=bool)
    heads[0, :, :2], heads[1, :, :4], heads[2, 0, :3] = True, True, True  # 8, 16 and 3 pixels
    np.testing.assert_array_equal(PairsDesign(n_slices=3).kept(heads), [True, True, False])


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"n_slices": 0}, "at least 1 slice"),
        ({"spacing_mm": 0.0}, "positive distance"),
        ({"spacing_mm": float("nan")}, "positive distance"),
        ({"min_head_share": 1.5}, "share from 0 to 1"),
        ({"modes": ()}, "cannot be simulated slice by slice"),
        ({"modes": ("six-dof",)}, "cannot be simulated slice by slice"),
    ],
)
def test_impossible_designs_are_refused(settings, sentence):
    with pytest.raises(McnetError, match=sentence):
        PairsDesign(**settings)
