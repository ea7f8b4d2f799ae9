"""The built-in head: a real brain, the MNI152 template, inside a plain skull, scalp and face.

The brain comes with nilearn (`nilearn.datasets.load_mni152_template`), so nothing is downloaded.
All around it is drawn by distance: cerebrospinal fluid, skull and scalp follow the brain's hull,
and ellipsoids stand for face, neck, eyes and airways. White matter is 0.85, air is 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Bool, Float32
from scipy import ndimage

from mcnet.io.volume import Volume, resampled_affine

TEMPLATE_VERSION = 1
"""Changes when the drawn heads change, so that what was made of older ones is made again."""

_SHAPE = (192, 240, 240)
_FIRST_VOXEL_MM = (-96.0, -132.0, -130.0)
"""Grid of 1 mm, in MNI coordinates; its middle is the middle of the head."""
_COARSE_MM = 2
_HULL_RADIUS_MM = 12.0
"""Furrows narrower than twice this are inside the brain's hull."""

# Grey values of T1-weighted scans, relative to white matter at 0.85.
_BRAIN_CONTRAST = ((0.0, 0.30, 0.62, 0.83, 1.0), (0.0, 0.12, 0.50, 0.85, 1.0))
_FLUID, _BONE, _MARROW, _SKIN, _FAT, _MUSCLE, _AIR = 0.12, 0.05, 0.28, 0.45, 0.95, 0.38, 0.0

_Triple = tuple[int, int, int]


@dataclass(frozen=True)
class _Ellipsoid:
    """A part of the head that is drawn plainly, in MNI coordinates."""

    centre_mm: _Triple
    radius_mm: _Triple
    value: float = _MUSCLE


_OUTLINE = (
    _Ellipsoid((0, 30, -60), (58, 60, 62)),  # face
    _Ellipsoid((0, -38, -68), (56, 56, 52)),  # neck
    _Ellipsoid((0, 86, -48), (12, 14, 16)),  # nose
)
_INSIDE = (
    _Ellipsoid((0, 40, -92), (42, 42, 24), 0.22),  # jaw
    _Ellipsoid((0, 34, -86), (26, 36, 22), 0.46),  # tongue
    _Ellipsoid((0, 54, -48), (13, 28, 18), _AIR),  # nasal cavity
    _Ellipsoid((0, 12, -78), (9, 6, 34), _AIR),  # throat
    _Ellipsoid((-32, 56, -36), (18, 24, 17), 0.80),  # fat of the orbits
    _Ellipsoid((32, 56, -36), (18, 24, 17), 0.80),
    _Ellipsoid((-33, 63, -36), (12, 12, 12), _FLUID),  # eyes
    _Ellipsoid((33, 63, -36), (12, 12, 12), _FLUID),
    _Ellipsoid((0, -28, -100), (22, 20, 34), 0.30),  # vertebrae
    _Ellipsoid((0, -44, -88), (12, 11, 42), _FLUID),  # spinal canal
)
_CORD = _Ellipsoid((0, -43, -84), (6, 6, 36), 0.75)


@dataclass(frozen=True)
class _Thickness:
    """Layers around the brain in mm."""

    fluid_mm: float = 3.0
    skull_mm: float = 6.5
    scalp_mm: float = 6.0


@dataclass(frozen=True, eq=False)
class _Anatomy:
    """What every drawn head shares, on the 1 mm grid."""

    brain: Float32[np.ndarray, "x y z"]
    """Grey values of the brain, 0 outside."""
    hull_distance_mm: Float32[np.ndarray, "x y z"]
    """Distance from the brain's hull, 0 inside."""
    outline_distance_mm: Float32[np.ndarray, "x y z"]
    """Signed distance from face, neck and nose together, negative inside."""
    inside: Float32[np.ndarray, "x y z"]
    """Grey values of muscle and of the parts of face and neck, wherever soft tissue may be."""


def template_head(*, resolution_mm: float = 1.0) -> Volume:
    """Head of the MNI152 template with T1-weighted contrast, cubic voxels of the given size."""
    return _at_resolution(_as_volume(_drawn(_Thickness()), "template"), resolution_mm)


def varied_head(rng: np.random.Generator, *, resolution_mm: float = 1.0) -> Volume:
    """Another subject's head: the template in another size, shape, thickness and contrast.

    Size differs by up to 5 % along each axis, smooth displacements by a few millimetres, fluid,
    skull and scalp by up to a third; the contrast's exponent by 15 %; sensitivity varies smoothly
    by about 6 %, and Rician noise is 1 to 2 % of white matter. One seed gives one subject.
    """
    thickness = _Thickness(
        fluid_mm=rng.uniform(2.2, 4.0),
        skull_mm=rng.uniform(5.0, 8.5),
        scalp_mm=rng.uniform(4.5, 8.0),
    )
    values = _warped(_drawn(thickness), rng)
    values = values ** np.float32(rng.uniform(0.85, 1.15))
    values *= np.exp(_smooth_field(values.shape, rng, standard_deviation=0.06))
    head = _at_resolution(_as_volume(values, "varied template"), resolution_mm)
    noise_level = rng.uniform(0.01, 0.02)
    noisy = _with_rician_noise(head.values, noise_level, rng)
    return Volume(noisy, head.affine, head.name)


def _as_volume(values: Float32[np.ndarray, "x y z"], name: str) -> Volume:
    affine = np.eye(4)
    affine[:3, 3] = _FIRST_VOXEL_MM
    return Volume(values, affine, name)


def _at_resolution(volume: Volume, resolution_mm: float) -> Volume:
    """Volume on cubic voxels of another size, smoothed first where they are larger."""
    if resolution_mm == 1:
        return volume
    matrix = tuple(int(np.ceil(n / resolution_mm)) for n in volume.values.shape)
    affine = resampled_affine(volume, matrix, (resolution_mm,) * 3)
    smooth = ndimage.gaussian_filter(volume.values, 0.4 * max(resolution_mm - 1, 0))
    to_old_voxels = np.linalg.inv(volume.affine) @ affine
    values = ndimage.affine_transform(smooth, to_old_voxels, output_shape=matrix, order=1)
    return Volume(values, affine, volume.name)


def _drawn(thickness: _Thickness) -> Float32[np.ndarray, "x y z"]:
    """Grey values of a head whose layers have the given thickness."""
    anatomy = _anatomy()
    distance = anatomy.hull_distance_mm
    skull_end = thickness.fluid_mm + thickness.skull_mm
    skin = _blended(distance - (skull_end + thickness.scalp_mm), anatomy.outline_distance_mm)
    depths = np.array([0, 0.01, 1.5, 2.5, thickness.scalp_mm - 1.5, thickness.scalp_mm + 0.5])
    values = np.interp(-skin, depths, [_AIR, _SKIN, _SKIN, _FAT, _FAT, _MUSCLE])
    values = np.where(-skin > thickness.scalp_mm, anatomy.inside, values)
    layers = np.array([0, 0.3, 0.42, 0.58, 0.7, 1]) * thickness.skull_mm + thickness.fluid_mm
    bone = np.interp(distance, layers, [_BONE, _BONE, _MARROW, _MARROW, _BONE, _BONE])
    opening = _mask_of(_CORD, margin_mm=2.0) & (distance > 0)  # the cord leaves the skull here
    values = np.where((distance < skull_end) & ~opening, bone, values)
    values = np.where(distance < thickness.fluid_mm, _FLUID, values)
    values = np.where(_mask_of(_CORD) & (distance > 0), _CORD.value, values)
    values = np.where(anatomy.brain > 0, np.maximum(anatomy.brain, _FLUID), values)
    # Half a voxel of blur: real voxels average over tissue borders.
    return ndimage.gaussian_filter(values.astype(np.float32), 0.6)


def _blended(
    first: Float32[np.ndarray, "x y z"], second: Float32[np.ndarray, "x y z"]
) -> Float32[np.ndarray, "x y z"]:
    """Signed distance from two shapes together, rounded within 10 mm of where they meet."""
    overlap = np.maximum(10 - np.abs(first - second), 0)
    return np.asarray(np.minimum(first, second) - overlap**2 / 40)


@cache
def _anatomy() -> _Anatomy:
    from nilearn.datasets import load_mni152_template  # takes a second, and only heads need it

    template = load_mni152_template(resolution=1)
    grey = np.interp(template.get_fdata(), *_BRAIN_CONTRAST).astype(np.float32)
    shift = np.subtract(_FIRST_VOXEL_MM, template.affine[:3, 3])
    brain = ndimage.affine_transform(grey, np.eye(3), shift, output_shape=_SHAPE, order=0)
    inside = np.full(_SHAPE, _MUSCLE, dtype=np.float32)
    for part in _INSIDE:
        inside[_mask_of(part)] = part.value
    inside *= _texture()
    outline = _distance_mm(_OUTLINE[0])
    for part in _OUTLINE[1:]:
        outline = _blended(outline, _distance_mm(part))
    return _Anatomy(brain, _hull_distance_mm(brain > 0), outline, inside)


def _hull_distance_mm(brain: Bool[np.ndarray, "x y z"]) -> Float32[np.ndarray, "x y z"]:
    """Distance from the closed brain, computed on a coarse grid and smooth like a skull."""
    step = _COARSE_MM
    radius = int(_HULL_RADIUS_MM / step)
    coarse = brain[::step, ::step, ::step]
    grown = ndimage.distance_transform_edt(~coarse) <= radius
    hull = ndimage.distance_transform_edt(grown) > radius
    distance = ndimage.gaussian_filter(ndimage.distance_transform_edt(~hull) * step, 1.0)
    fine = ndimage.affine_transform(
        distance.astype(np.float32),
        np.full(3, 1 / step),
        output_shape=_SHAPE,
        order=1,
        mode="nearest",  # the last voxels lie beyond the last coarse one
    )
    return np.where(brain, np.float32(0), fine)


def _positions_mm() -> list[Float32[np.ndarray, "..."]]:
    """MNI coordinates of the grid, one broadcastable array an axis."""
    axes = [
        np.arange(n, dtype=np.float32) + np.float32(first)
        for n, first in zip(_SHAPE, _FIRST_VOXEL_MM, strict=True)
    ]
    return list(np.meshgrid(*axes, indexing="ij", sparse=True))


def _scaled_positions(part: _Ellipsoid, margin_mm: float = 0.0) -> list[Float32[np.ndarray, "..."]]:
    """Coordinates about the ellipsoid's centre, in radii that are longer by the margin."""
    return [
        (position - np.float32(centre)) / np.float32(radius + margin_mm)
        for position, centre, radius in zip(
            _positions_mm(), part.centre_mm, part.radius_mm, strict=True
        )
    ]


def _distance_mm(part: _Ellipsoid) -> Float32[np.ndarray, "x y z"]:
    """Signed distance from an ellipsoid, to first order: exact on its surface."""
    x, y, z = _scaled_positions(part)
    length = np.sqrt(x**2 + y**2 + z**2)
    a, b, c = (np.float32(radius) for radius in part.radius_mm)
    gradient = np.sqrt((x / a) ** 2 + (y / b) ** 2 + (z / c) ** 2)
    return np.asarray(length * (length - 1) / np.maximum(gradient, np.float32(1e-3)))


def _mask_of(part: _Ellipsoid, margin_mm: float = 0.0) -> Bool[np.ndarray, "x y z"]:
    x, y, z = _scaled_positions(part, margin_mm)
    return np.asarray(x**2 + y**2 + z**2 < 1)


def _texture() -> Float32[np.ndarray, "x y z"]:
    """Mottling of soft tissue about 1, the same in every head."""
    rng = np.random.default_rng(152)
    coarse = ndimage.gaussian_filter(rng.standard_normal([n // 4 for n in _SHAPE]), 0.7)
    contrast = np.clip(1 + 0.15 * coarse / coarse.std(), 0.4, 1.6).astype(np.float32)
    return np.asarray(ndimage.zoom(contrast, 4, order=1))


def _smooth_field(
    shape: Sequence[int], rng: np.random.Generator, *, standard_deviation: float
) -> Float32[np.ndarray, "x y z"]:
    """Random sum of slow cosines, up to two periods a side, of zero mean."""
    n_waves = 5
    orders = np.arange(n_waves)
    decay = 1 / (1 + sum(np.meshgrid(*[orders**2] * 3, indexing="ij"), np.zeros((n_waves,) * 3)))
    coefficients = rng.standard_normal((n_waves,) * 3) * decay
    coefficients[0, 0, 0] = 0
    bases = [np.cos(np.pi * np.outer(np.arange(n) + 0.5, orders) / n) for n in shape]
    norm = np.prod([np.where(k > 0, 0.5, 1.0) for k in np.indices((n_waves,) * 3)], axis=0)
    coefficients *= standard_deviation / np.sqrt(np.sum(coefficients**2 * norm))
    waves = [basis.astype(np.float32) for basis in bases]
    field = np.einsum("ijk,xi,yj,zk->xyz", coefficients.astype(np.float32), *waves, optimize=True)
    return np.asarray(field, dtype=np.float32)


def _warped(
    values: Float32[np.ndarray, "x y z"], rng: np.random.Generator
) -> Float32[np.ndarray, "x y z"]:
    """Head in another size and shape, about the middle of the grid."""
    scale = rng.uniform(0.95, 1.05, size=3)
    places = np.empty((3, *values.shape), dtype=np.float32)
    for axis, n in enumerate(values.shape):
        shape = [1, 1, 1]
        shape[axis] = n
        line = (np.arange(n) - n // 2) / scale[axis] + n // 2
        shift_mm = _smooth_field(values.shape, rng, standard_deviation=2.0)
        np.add(shift_mm, line.reshape(shape), out=places[axis], casting="same_kind")
    warped = ndimage.map_coordinates(values, places, order=1)
    return np.asarray(warped, dtype=np.float32)


def _with_rician_noise(
    values: Float32[np.ndarray, "x y z"], level: float, rng: np.random.Generator
) -> Float32[np.ndarray, "x y z"]:
    """Magnitude of the values with complex Gaussian noise, each part of the given deviation."""
    real, imaginary = rng.standard_normal((2, *values.shape), dtype=np.float32) * np.float32(level)
    return np.asarray(np.hypot(values + real, imaginary))
