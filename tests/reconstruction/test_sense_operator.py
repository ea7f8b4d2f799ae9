"""The SENSE operator of a moving head: one image per pose, adjoint, linear, low rank."""

import numpy as np
import pytest
from properties import ellipsoid, plain_spectrum, relative_error

from mcnet.motion.poses import pose_matrix
from mcnet.physics.in_plane import InPlaneScan, SliceGrid
from mcnet.physics.line_poses import poses_of
from mcnet.physics.operators import ScanGrid
from mcnet.reconstruction.coil_expansion import expand_coil_maps
from mcnet.reconstruction.sense_operator import SenseOperator

SHAPE, SIZE = (31, 26), (6.0, 7.0)
VOLUME, VOXEL = (11, 16, 13), (14.0, 11.0, 12.0)


def places(shape, size):
    axes = [(np.arange(n) - n // 2) * s for n, s in zip(shape, size, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


def map_at(points, coil):
    """A smooth complex map, known everywhere: each coil brighter on a side of its own."""
    d = points.shape[-1]
    centre = 110 * np.array([np.cos(1.3 + 2.1 * coil), np.sin(1.3 + 2.1 * coil), 0.4])[:d]
    bright = np.exp(-((points - centre) ** 2).sum(-1) / (2 * 120.0**2))
    return bright * np.exp(1j * (0.004 * points[..., 0] - 0.006 * points[..., -1] + coil))


def head(shape, size, scale=1.0):
    middle = np.zeros(len(shape))
    inside = middle + 15
    radii = scale * np.array([62.0, 50.0, 55.0])[-len(shape) :]
    return ellipsoid(shape, size, centre_mm=middle, radii_mm=radii) + 0.6 * ellipsoid(
        shape, size, centre_mm=inside, radii_mm=radii / 3
    )


def in_plane(n_lines, rng):
    return np.column_stack(
        [
            np.radians(8) * np.sin(np.arange(n_lines) / 5),
            6 * rng.standard_normal((n_lines, 2)).cumsum(0) / np.sqrt(n_lines),
        ]
    )


def one_image_a_pose(image, size, rotation, translation, line_axis, n_coils):
    """Plain sums: each pose's head, where its tissue has moved, through the map that is there."""
    points = places(image.shape, size).reshape(-1, image.ndim)
    n = image.shape
    k = np.stack(
        np.meshgrid(
            *((np.arange(m) - m // 2) / (m * s) for m, s in zip(n, size, strict=True)),
            indexing="ij",
        )
    )
    kspace = np.zeros((n_coils, *n), complex)
    for line in range(n[line_axis]):
        where = (slice(None), *(slice(None) if a != line_axis else line for a in range(len(n))))
        moved = points @ rotation[line].T + translation[line]
        waves = np.exp(-2j * np.pi * (moved @ k[where].reshape(len(n), -1)))
        # beyond the band of the grid a head is taken to have nothing
        back = rotation[line].T @ k[where].reshape(len(n), -1)
        within = np.all(np.abs(back) <= 0.5 / np.asarray(size)[:, None] * (1 + 1e-9), axis=0)
        for coil in range(n_coils):
            line_of = (image.reshape(-1) * map_at(moved, coil)) @ waves * within
            kspace[coil][where[1:]] = line_of.reshape(kspace[coil][where[1:]].shape)
    return kspace / np.sqrt(image.size)


def rotations(turns):
    return np.stack([[[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]] for a in turns])


@pytest.mark.parametrize("line_axis", [0, 1])
def test_it_is_one_image_a_pose_through_maps_that_stay(line_axis, rng):
    grid = SliceGrid(SHAPE, SIZE, line_axis)
    poses = in_plane(grid.n_lines, rng)
    slices = np.stack([head(SHAPE, SIZE), head(SHAPE, SIZE, 0.7)])
    maps = np.stack([map_at(places(SHAPE, SIZE), c) for c in range(3)])
    maps = np.repeat(maps[:, None], 2, axis=1).astype(np.complex64)
    scan = SenseOperator(grid, maps, poses)
    found = scan.kspace(slices)
    turned = rotations(poses[:, 0])
    expected = np.stack(
        [one_image_a_pose(one, SIZE, turned, poses[:, 1:], line_axis, 3) for one in slices], axis=1
    )
    assert relative_error(found, expected) < 3e-3
    assert scan.error < 1e-3
    assert scan.n_terms < 20
    still = SenseOperator(grid, maps, 0 * poses)
    assert relative_error(still.kspace(slices), expected) > 0.1
    # maps that moved with the head would give something else
    stuck = np.stack([InPlaneScan(grid, 2, poses).kspace(m * slices) for m in maps])
    assert relative_error(stuck, expected) > 0.01


def test_volumes_of_six_degrees_of_freedom_are_one_image_a_pose(rng):
    n_lines = VOLUME[1]
    poses = pose_matrix(
        6 * rng.standard_normal((n_lines, 3)), 5 * rng.standard_normal((n_lines, 3))
    )
    volume = head(VOLUME, VOXEL)
    maps = np.stack([map_at(places(VOLUME, VOXEL), c) for c in range(2)])[:, None]
    scan = SenseOperator(ScanGrid(VOLUME, VOXEL, 1), maps.astype(np.complex64), poses_of(poses))
    expected = one_image_a_pose(volume, VOXEL, poses[:, :3, :3], poses[:, :3, 3], 1, 2)
    assert relative_error(scan.kspace(volume[None])[:, 0], expected) < 6e-3
    assert relative_error(scan.kspace(volume[None])[::-1, 0], expected) > 0.1


@pytest.mark.parametrize("line_axis", [0, 1, 2])
def test_a_volume_without_coils_obeys_the_law_of_motion(line_axis, rng):
    n_lines = VOLUME[line_axis]
    poses = pose_matrix(
        6 * rng.standard_normal((n_lines, 3)), 4 * rng.standard_normal((n_lines, 3))
    )
    volume = head(VOLUME, VOXEL)
    found = SenseOperator(
        ScanGrid(VOLUME, VOXEL, line_axis), np.ones((1, 1, *VOLUME), np.complex64), poses_of(poses)
    )
    found = np.moveaxis(found.kspace(volume[None])[0, 0], line_axis, 0)
    axes = [(np.arange(n) - n // 2) / (n * s) for n, s in zip(VOLUME, VOXEL, strict=True)]
    k = np.moveaxis(np.stack(np.meshgrid(*axes, indexing="ij")), 1 + line_axis, 1)
    for line in (1, n_lines // 2, n_lines - 3):
        one = k[:, line].reshape(3, -1)
        law = np.exp(-2j * np.pi * poses[line, :3, 3] @ one)
        turned = poses[line, :3, :3].T @ one
        inside = np.all(np.abs(turned) < 0.5 / np.asarray(VOXEL)[:, None], axis=0)
        expected = law * plain_spectrum(volume, VOXEL, turned) / np.sqrt(volume.size)
        assert relative_error(found[line].ravel()[inside], expected[inside]) < 1e-3


def test_one_coil_of_a_constant_map_is_the_operator_without_coils(rng):
    grid = SliceGrid(SHAPE, SIZE, 1)
    poses = in_plane(grid.n_lines, rng)
    slices = rng.standard_normal((2, *SHAPE)).astype(np.float32)
    scan = SenseOperator(grid, np.ones((1, 2, *SHAPE), np.complex64), poses)
    plain = InPlaneScan(grid, 2, poses)
    assert scan.n_terms == 1
    assert relative_error(scan.kspace(slices)[0], plain.kspace(slices)) < 1e-5
    assert (
        relative_error(
            scan.adjoint(plain.kspace(slices)[None]), plain.adjoint(plain.kspace(slices))
        )
        < 1e-5
    )


def scans(rng):
    grid = SliceGrid(SHAPE, SIZE, 1)
    maps = np.stack([map_at(places(SHAPE, SIZE), c) for c in range(3)])
    maps = np.repeat(maps[:, None], 2, axis=1).astype(np.complex64)
    yield SenseOperator(grid, maps, in_plane(grid.n_lines, rng)), (2, *SHAPE), 3
    volumes = np.stack([map_at(places(VOLUME, VOXEL), c) for c in range(2)])[:, None]
    n = VOLUME[2]
    poses = pose_matrix(6 * rng.standard_normal((n, 3)), 5 * rng.standard_normal((n, 3)))
    yield (
        SenseOperator(ScanGrid(VOLUME, VOXEL, 2), volumes.astype(np.complex64), poses_of(poses)),
        (1, *VOLUME),
        2,
    )


def complex_noise(rng, shape):
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)


def test_the_adjoint_is_one_and_the_operator_linear(rng):
    for scan, shape, n_coils in scans(rng):
        one, other = complex_noise(rng, shape), complex_noise(rng, shape)
        kspace = complex_noise(rng, (n_coils, *shape))
        seen = scan.kspace(one)
        there, back = np.vdot(seen, kspace), np.vdot(one, scan.adjoint(kspace))
        assert abs(there - back) < 1e-3 * np.linalg.norm(seen) * np.linalg.norm(kspace) / 10
        both = scan.kspace(2 * one - 3j * other)
        assert relative_error(both, 2 * seen - 3j * scan.kspace(other)) < 1e-4


def test_fewer_terms_are_kept_where_less_is_asked_and_what_is_missed_is_told(rng):
    maps = np.stack([map_at(places(SHAPE, SIZE), c) for c in range(3)])[:, None]
    poses = in_plane(SHAPE[0], rng)
    given = (maps.astype(np.complex64), SIZE, rotations(poses[:, 0]), poses[:, 1:])
    coarse, fine = (
        expand_coil_maps(*given, tolerance=0.03),
        expand_coil_maps(*given, tolerance=1e-3),
    )
    assert coarse.n_terms < fine.n_terms
    assert 1e-3 < coarse.error <= 0.03
    assert fine.error <= 1e-3
    # the terms are the maps as a line's head sees them
    line = 4
    moved = places(SHAPE, SIZE) @ rotations(poses[:, 0])[line].T + poses[line, 1:]
    seen = np.einsum("ct,trk->crk", fine.weights[0, :, :, line], fine.basis[0])
    expected = np.stack([map_at(moved, c) for c in range(3)])
    assert relative_error(seen, expected) < 5e-3
