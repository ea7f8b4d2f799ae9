import numpy as np
import pytest

from mcnet.core.errors import McnetError
from mcnet.io.field_of_view import check_head_sized, check_no_aliasing
from mcnet.io.volume import Volume
from mcnet.physics.acquisition import Acquisition

SIZE = (2.0, 3.0, 4.0)


def head(shape=(30, 20, 15)):
    """A bright box of 40 x 36 x 28 mm in the dark."""
    values = np.full(shape, 0.01, dtype=np.float32)
    values[5:25, 4:16, 3:10] = 1
    return Volume(values, np.diag([*SIZE, 1.0]), "box")


def test_a_head_that_fits_is_no_matter_how_large_its_dark_border_is():
    assert check_no_aliasing(head(), Acquisition((20, 18, 14), (40.0, 36.0, 28.0))) is None


@pytest.mark.parametrize(("axis", "index"), [("x", 0), ("y", 1), ("z", 2)])
def test_a_head_longer_than_the_field_of_view_is_refused(axis, index):
    fov = [60.0, 60.0, 60.0]
    fov[index] = 20.0
    with pytest.raises(McnetError, match=f"long along {axis} and folds over"):
        check_no_aliasing(head(), Acquisition((20, 20, 20), tuple(fov)))


def test_a_scan_without_bright_voxels_is_refused():
    dark = Volume(-head().values, head().affine, "negative")
    with pytest.raises(McnetError, match="is dark"):
        check_no_aliasing(dark, Acquisition())


@pytest.mark.parametrize("length_mm", [601.0, 1800.0, 1e308])
def test_a_field_of_view_beyond_any_bore_is_refused(length_mm):
    with pytest.raises(
        McnetError, match="field of view along y of .* 50 to 600 mm long; give a sm"
    ):
        check_no_aliasing(head(), Acquisition((20, 20, 20), (256.0, length_mm, 256.0)))


@pytest.mark.parametrize("length_mm", [50.0, 256.0, 600.0])
def test_lengths_of_a_head_pass(length_mm):
    assert check_head_sized("scan has a length", length_mm, "stop") is None


@pytest.mark.parametrize(
    ("length_mm", "told"),
    [
        (0.256, r"of 0.256 mm \(metres\? 256 mm would be a head\), but"),
        (18.0, "of 18 mm, but"),
        (1800.0, "of 1800 mm, but"),
        (float("nan"), "of nan mm, but"),
    ],
)
def test_lengths_of_no_head_are_refused(length_mm, told):
    with pytest.raises(McnetError, match=f"scan has a length {told} .* 50 to 600 mm long; stop."):
        check_head_sized("scan has a length", length_mm, "stop")
