"""Grids on which a head can lie, and those of wrong units."""

from pathlib import Path

import nibabel as nib
import pytest

from mcnet.core.errors import McnetError
from mcnet.io.head_size import check_head_size

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
