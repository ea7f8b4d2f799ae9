"""Volumes and the grids laid over them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcnet.io.volume import Volume, resampled_affine
from mcnet.motion.poses import rotation_matrix

ODD_SHAPE = (9, 12, 7)


def oblique_volume() -> Volume:
    affine = np.eye(4)
    affine[:3, :3] = rotation_matrix(np.array([8.0, -5.0, 12.0])) @ np.diag([1.0, 1.2, 3.5])
    affine[:3, 3] = (-31.0, 7.5, 88.0)
    return Volume(np.zeros(ODD_SHAPE, dtype=np.float32), affine, "oblique")


def test_voxel_size_is_the_length_of_the_columns_of_an_oblique_affine() -> None:
    assert oblique_volume().voxel_size_mm == pytest.approx((1.0, 1.2, 3.5))


@settings(deadline=None, max_examples=25)
@given(
    matrix=st.tuples(*[st.integers(2, 40)] * 3),
    voxel_size_mm=st.tuples(*[st.floats(0.3, 6.0)] * 3),
)
def test_middle_voxel_of_any_other_grid_lies_where_the_middle_voxel_of_the_volume_lies(
    matrix: tuple[int, int, int], voxel_size_mm: tuple[float, float, float]
) -> None:
    volume = oblique_volume()
    affine = resampled_affine(volume, matrix, voxel_size_mm)
    old_middle = volume.affine @ [4, 6, 3, 1]
    new_middle = affine @ [*(n // 2 for n in matrix), 1]
    np.testing.assert_allclose(new_middle, old_middle, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(affine[:3, :3], axis=0), voxel_size_mm)


def test_other_grid_keeps_the_directions_of_the_axes() -> None:
    volume = oblique_volume()
    affine = resampled_affine(volume, (5, 5, 5), (2.0, 3.0, 4.0))
    np.testing.assert_allclose(
        affine[:3, :3] / [2.0, 3.0, 4.0], volume.affine[:3, :3] / [1.0, 1.2, 3.5]
    )


def test_own_grid_gives_the_own_affine() -> None:
    volume = oblique_volume()
    own = resampled_affine(volume, ODD_SHAPE, volume.voxel_size_mm)
    np.testing.assert_allclose(own, volume.affine, atol=1e-12)
