import numpy as np
import pytest

from mcnet.core.errors import McnetError
from mcnet.physics.acquisition import ORDERS, Acquisition


def test_the_default_is_the_papers():
    scan = Acquisition()
    assert (scan.matrix, scan.n_lines) == ((128, 128, 128), 128)
    assert scan.voxel_size_mm == (2.0, 2.0, 2.0)
    assert scan.centre_time == 64


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("n_lines", [9, 12])
def test_every_order_acquires_every_line_once(order, n_lines):
    scan = Acquisition(matrix=(7, n_lines, 11), order=order, n_shots=3)
    assert sorted(scan.line_at_time) == list(range(n_lines))
    assert scan.line_at_time[scan.centre_time] == n_lines // 2
    np.testing.assert_array_equal(scan.line_at_time[scan.time_of_line], np.arange(n_lines))


def test_orders_worked_by_hand():
    def lines(order):
        return list(Acquisition(matrix=(3, 7, 3), order=order, n_shots=3).line_at_time)

    assert lines("sequential") == [0, 1, 2, 3, 4, 5, 6]
    assert lines("centric") == [3, 2, 4, 1, 5, 0, 6]
    assert lines("interleaved") == [0, 3, 6, 1, 4, 2, 5]


def test_the_phase_encoding_axis_gives_the_number_of_lines():
    for axis, n_lines in zip("xyz", (7, 9, 11), strict=True):
        scan = Acquisition(matrix=(7, 9, 11), phase_encoding_axis=axis)
        assert scan.n_lines == n_lines


def test_voxel_and_sample_n_half_are_the_origin():
    scan = Acquisition(matrix=(8, 9, 10), fov_mm=(16.0, 27.0, 40.0))
    assert scan.axis_positions_mm("x")[4] == 0
    assert scan.axis_positions_mm("y")[4] == 0
    assert scan.axis_positions_mm("z")[6] == 4.0
    assert scan.axis_frequencies("y")[5] == pytest.approx(1 / 27)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"matrix": (1, 9, 9)}, "too small"),
        ({"fov_mm": (0.0, 9.0, 9.0)}, "positive lengths"),
        ({"fov_mm": (9.0, float("nan"), 9.0)}, "positive lengths"),
        ({"order": "interleaved", "n_shots": 0}, "shots"),
        ({"order": "interleaved", "n_shots": 129}, "shots"),
    ],
)
def test_impossible_scans_are_refused(settings, sentence):
    with pytest.raises(McnetError, match=sentence):
        Acquisition(**settings)


def test_shots_bind_interleaved_scans_alone():
    assert Acquisition(matrix=(3, 3, 3)).n_lines == 3
    assert Acquisition(matrix=(3, 3, 3), order="centric").n_lines == 3
    with pytest.raises(McnetError, match="4 shots do not fit 3 lines"):
        Acquisition(matrix=(3, 3, 3), order="interleaved")
