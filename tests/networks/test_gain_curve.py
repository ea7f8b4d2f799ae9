"""A gain curve: straight between its points, level beyond them."""

import pytest

from mcnet.core.errors import McnetError
from mcnet.networks.gain_curve import GainCurve


def test_a_curve_is_straight_between_points_and_level_beyond() -> None:
    curve = GainCurve((1.0, 3.0), (0.4, 1.2))
    assert [curve.at(mm) for mm in (0.0, 1.0, 2.0, 3.0, 9.0)] == pytest.approx(
        [0.4, 0.4, 0.8, 1.2, 1.2]
    )
    assert curve.as_dict == {"severity_mm": [1.0, 3.0], "gain": [0.4, 1.2]}


def test_all_is_applied_where_nothing_is_said() -> None:
    assert GainCurve().at(2.0) == 1


@pytest.mark.parametrize(
    ("severity_mm", "gain"),
    [((), ()), ((1.0, 2.0), (1.0,)), ((2.0, 1.0), (1.0, 1.0)), ((0.5,), (2.1,)), ((-1.0,), (1.0,))],
)
def test_what_is_no_curve_is_refused(
    severity_mm: tuple[float, ...], gain: tuple[float, ...]
) -> None:
    with pytest.raises(McnetError, match="are no curve"):
        GainCurve(severity_mm, gain)
