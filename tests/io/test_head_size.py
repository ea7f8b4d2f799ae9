"""Grids and fields of view that a head fits, and those of wrong units."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from mcnet.core.errors import McnetError
from mcnet.io.head_size import check_field_of_view, check_head_size, check_no_aliasing
from mcnet.io.volume import Volume
from mcnet.physics.acquisition import Acquisition

SCAN = Path("scan.nii")


@pytest.mark.parametrize(
    ("shape", "steps_mm"),
    [
        ((176, 220, 220), (1.0, 1.0, 1.0)),
        ((8, 256, 256), (1.0, 1.0, 1.0)),  # a slab
        ((640, 640, 400), (0.25, 0.25, 0.4)),
        ((9, 12, 10), (1.5, 2.0, 3.0)),  # a small part of a head
        ((30, 30, 30), (1.0, 1.0, 1.0)),
        ((256, 256, 300), (1.0, 1.0, 3.0)),  # head to pelvis
    ],
)
def test_heads_slabs_and_parts_of_heads_pass(
    shape: tuple[int, ...], steps_mm: tuple[float, ...]
) -> None:
    check_head_size(SCAN, shape, steps_mm, "check it")


@pytest.mark.parametrize("factor", [1e-6, 1e-3, 0.1, 10, 1e3, 1e6])
@pytest.mark.parametrize("steps_mm", [(1.0, 1.0, 1.0), (5.0, 0.9, 0.9), (3.0, 3.0, 3.0)])
def test_a_head_in_another_unit_is_refused(
    factor: float, steps_mm: tuple[float, float, float]
) -> None:
    shape = tuple(round(180 / step) for step in steps_mm)
    check_head_size(SCAN, shape, steps_mm, "check it")
    with pytest.raises(McnetError, match=r"^scan.nii measures .* mm \(voxels of .* mm\), which no"):
        check_head_size(SCAN, shape, [factor * step for step in steps_mm], "check it")


def test_a_single_axis_that_is_too_long_is_refused() -> None:
    with pytest.raises(McnetError, match=r"measures 180 x 240 x 1.8e\+03 mm"):
        check_head_size(SCAN, (180, 240, 180), (1.0, 1.0, 10.0), "check it")


def test_every_real_scan_passes(shared_data: Path) -> None:
    paths = sorted(shared_data.rglob("*.nii.gz"))
    assert paths
    for path in paths:
        image = nib.load(path)
        check_head_size(
            path,
            image.shape[:3],
            [float(step) for step in image.header.get_zooms()[:3]],
            "check it",
        )


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
    assert check_field_of_view("scan has a length", length_mm, "stop") is None


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
        check_field_of_view("scan has a length", length_mm, "stop")
