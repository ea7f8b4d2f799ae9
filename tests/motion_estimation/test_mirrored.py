"""Two slices in one transform give what `InPlaneScan` gives of each, where k and -k move alike."""

import numpy as np
import pytest
from properties import ellipsoid, relative_error

from mcnet.motion_estimation.mirrored import MirroredScan, alike, mirrored_indices
from mcnet.physics.in_plane import InPlaneScan, SliceGrid

SHAPES = [(26, 31), (31, 26), (26, 30), (27, 31)]


def slices_of(n_slices, shape):
    """Slices of detail off the centre, each another."""
    outer = ellipsoid((n_slices, *shape), (9, 6, 5), centre_mm=(0, 3, 4), radii_mm=(60, 55, 50))
    inner = ellipsoid((n_slices, *shape), (9, 6, 5), centre_mm=(5, 15, 9), radii_mm=(40, 20, 14))
    slices = (0.6 * outer + 0.4 * inner).astype(np.float32)
    return slices + np.linspace(0, 1, n_slices, dtype=np.float32)[:, None, None] * inner


def poses_of(grid, seed=1):
    steps = np.random.default_rng(seed).normal(size=(grid.n_lines, 3)) * (0.004, 0.3, 0.3)
    return alike(steps.cumsum(axis=0))


@pytest.mark.parametrize("line_axis", [0, 1])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n_slices", [1, 4, 5])
def test_it_is_the_same_scan_where_samples_have_a_mirror_image(n_slices, shape, line_axis):
    grid = SliceGrid(shape, (6.0, 5.0), line_axis)
    slices, poses = slices_of(n_slices, shape), poses_of(grid)
    plain, mirrored = (kind(grid, n_slices, poses) for kind in (InPlaneScan, MirroredScan))
    kept = mirrored.within_band > 0
    expected = plain.kspace(slices)
    assert relative_error(mirrored.kspace(slices)[:, kept], expected[:, kept]) < 1e-3
    lost = ~kept & (plain.within_band > 0)
    assert lost.sum() <= sum(shape)
    assert not mirrored.kspace(slices)[:, lost].any()
    # of even numbers the first line and the first column have none
    assert [bool(kept[0].any()), bool(kept[:, 0].any())] == [n % 2 == 1 for n in shape]


@pytest.mark.parametrize("line_axis", [0, 1])
@pytest.mark.parametrize("n_slices", [4, 5])
def test_the_adjoint_is_one(n_slices, line_axis):
    grid = SliceGrid((26, 31), (6.0, 5.0), line_axis)
    scan = MirroredScan(grid, n_slices, poses_of(grid))
    slices = slices_of(n_slices, grid.shape)
    # samples as those of other real slices at other poses: conjugate at k and -k
    samples = MirroredScan(grid, n_slices, poses_of(grid, 2)).kspace(slices[::-1] ** 2)
    one = np.vdot(samples, scan.kspace(slices)).real
    other = float((scan.adjoint(samples).real * slices).sum(dtype=float))
    assert other == pytest.approx(one, rel=1e-3)
    by_line = scan.of_lines(samples, scan.kspace(slices))
    assert by_line.sum() == pytest.approx(one, rel=1e-3)


def test_derivatives_are_those_of_both_lines():
    grid = SliceGrid((26, 31), (6.0, 5.0), 0)
    slices, poses = slices_of(3, grid.shape), poses_of(grid)
    scan, step = MirroredScan(grid, 3, poses), 1e-3
    for freedom in range(3):
        moved = np.zeros_like(poses)
        moved[[9, 17], freedom] = step  # lines -4 and 4
        there, back = (
            MirroredScan(grid, 3, poses + sign * moved).kspace(slices) for sign in (1, -1)
        )
        expected = ((there - back) / (2 * step) * scan.within_band)[:, [9, 17]]
        found = (scan.derivatives(slices)[freedom] * scan.within_band)[:, [9, 17]]
        assert relative_error(found, expected) < 0.02


@pytest.mark.parametrize("n", [6, 7])
def test_the_mirror_image_of_a_frequency_is_its_negative(n):
    k = np.arange(n) - n // 2
    of_mirror = k[mirrored_indices(n)]
    has_one = np.abs(k) < n / 2
    assert np.array_equal(of_mirror[has_one], -k[has_one])
    assert np.array_equal(of_mirror[~has_one], k[~has_one])
