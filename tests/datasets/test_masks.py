"""The head mask holds the head and leaves out the air."""

from pathlib import Path

import numpy as np
import pytest

from mcnet.core.errors import McnetError
from mcnet.datasets.masks import head_mask
from mcnet.datasets.template import template_head
from mcnet.io.nifti.files import read_volume


def ball(shape: tuple[int, int, int], radius: float) -> np.ndarray:
    middle = [n // 2 for n in shape]
    distance = np.sqrt(sum((np.indices(shape)[i] - middle[i]) ** 2 for i in range(3)))
    return np.asarray(distance < radius)


@pytest.mark.slow
def test_template_head_is_inside_and_the_air_outside() -> None:
    values = template_head(resolution_mm=3.0).values
    mask = head_mask(values)
    assert mask[values > 0.2].mean() > 0.99
    assert mask[values < 0.001].mean() < 0.05  # airways inside the head alone
    assert 0.3 < mask.mean() < 0.5
    assert not mask[0].any()
    assert not mask[:, 0].any()


@pytest.mark.parametrize("name", ["sub-01", "sub-12"])
def test_real_head_is_inside_and_the_corners_outside(shared_data: Path, name: str) -> None:
    scan = read_volume(shared_data / "heads" / name / "anat" / f"{name}_T1w.nii.gz")
    values = scan.values[::2, ::2, ::2].copy()
    mask = head_mask(values)
    bright = values > np.percentile(values, 80)
    assert mask[bright].mean() > 0.99
    assert 0.25 < mask.mean() < 0.5
    assert not mask[:6, :6, -6:].any()
    assert not mask[-6:, -6:, -6:].any()


def test_a_dark_hollow_inside_counts_as_head(rng: np.random.Generator) -> None:
    shape = (41, 47, 37)
    values = (ball(shape, 16) & ~ball(shape, 9)) + 0.02 * np.abs(rng.standard_normal(shape))
    mask = head_mask(values)
    assert mask[ball(shape, 14)].all()
    assert not mask[~ball(shape, 19)].any()


def test_a_tunnel_across_is_filled_in_its_sagittal_slices() -> None:
    shape = (41, 47, 37)
    values = ball(shape, 16).astype(float)
    values[:, 19:28, 14:23] = 0  # open to both sides, so it is no hole of the volume
    mask = head_mask(values, closing_voxels=1)
    assert mask[20, 23, 18]


def test_bright_specks_in_the_air_are_left_out(rng: np.random.Generator) -> None:
    shape = (41, 47, 37)
    values = ball(shape, 13) + 0.05 * np.abs(rng.standard_normal(shape))
    values[2:4, 2:4, 2:4] = 3
    mask = head_mask(values)
    assert mask[20, 23, 18]
    assert not mask[:6, :6, :6].any()


def test_a_head_cut_by_the_field_of_view_is_not_eaten_at_the_border() -> None:
    values = ball((41, 47, 37), 16)[:, :, 18:].astype(float)
    assert head_mask(values)[20, 23, 0]


@pytest.mark.slow
def test_mask_does_not_change_with_the_scale_of_intensities() -> None:
    values = template_head(resolution_mm=4.0).values
    np.testing.assert_array_equal(head_mask(values), head_mask(values * np.float32(4096)))


def test_constant_volume_is_refused() -> None:
    with pytest.raises(McnetError, match="the volume is constant; a head mask needs tissue"):
        head_mask(np.ones((9, 11, 7)))
