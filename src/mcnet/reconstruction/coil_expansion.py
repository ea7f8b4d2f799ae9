"""Low-rank expansion of coil sensitivities in the frame of a moving head.

Coils stay in place while the head moves. In the head's own frame line ``l`` sees coil ``c`` through
the map ``c(R p + t)`` of its pose. Maps are smooth, so all coils and lines together have low rank:

    c(R_l p + t_l) ~ sum over j of b_cj(l) u_j(p)

The maps are sampled over all poses at points some 8 mm apart and fitted by Chebyshev polynomials;
the singular value decomposition of the coefficients is truncated at the tolerance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from jaxtyping import Complex64, Complex128, Float, Float64, Int
from numpy.polynomial import chebyshev
from scipy import sparse

TOLERANCE = 1e-3
"""Relative root mean square error of the expansion over coils, lines and places."""
_N_PLACES = {2: 33, 3: 13}
"""Places along an axis at which maps are sampled, by the number of dimensions."""
_DEGREE = {2: 12, 3: 7}
"""Total degree of the polynomials, by the number of dimensions."""
_BEYOND = 1 / 8
"""Of the field of view: how far beyond its edge a map is extrapolated linearly."""


@dataclass(frozen=True, eq=False)
class CoilExpansion:
    """Coil maps in the head's frame, of images (slices, or one volume) that share their poses."""

    weights: Complex64[np.ndarray, "n_images n_coils n_terms n_lines"]
    """``b_cj(l)`` of each image."""
    basis: Complex64[np.ndarray, "n_images n_terms *shape"]
    """``u_j(p)`` of each image."""
    error: float
    """Relative root mean square error."""

    @property
    def n_terms(self) -> int:
        """Rank: basis images that describe all coils and lines."""
        return int(self.basis.shape[1])


def expand_coil_maps(
    maps: Complex64[np.ndarray, "n_coils n_images *shape"],
    pixel_mm: Sequence[float],
    rotation: Float[np.ndarray, "n_lines d d"],
    translation_mm: Float[np.ndarray, "n_lines d"],
    tolerance: float = TOLERANCE,
) -> CoilExpansion:
    """Expansion of coil maps for the poses ``R p + t`` of all lines, in 2 or 3 dimensions.

    Its ``error`` is below ``tolerance`` unless the maps are too rough for the polynomials.
    """
    n_coils, n_images, *shape = maps.shape
    n_lines, dimensions = translation_mm.shape
    n_places = [min(n, _N_PLACES[dimensions]) for n in shape]
    # least squares on equally spaced points is stable up to about this degree
    degree = min(_DEGREE[dimensions], *(int(2 * np.sqrt(n)) for n in n_places))
    coarse = polynomials([np.linspace(-1, 1, n) for n in n_places], degree)
    basis, triangle = np.linalg.qr(coarse)
    axes = [np.linspace(-1, 1, n) for n in shape]

    places = _spread_places(shape, pixel_mm, n_places)
    moved = places @ np.swapaxes(rotation, 1, 2) + translation_mm[:, None]
    interpolation = _interpolation(moved.reshape(-1, dimensions), shape, pixel_mm)

    fitted = np.empty((n_images, n_coils * n_lines, basis.shape[1]), dtype=complex)
    missed = total = 0.0
    for image in range(n_images):
        seen = interpolation @ maps[:, image].reshape(n_coils, -1).T.astype(complex)
        seen = np.moveaxis(seen.reshape(n_lines, -1, n_coils), 2, 0).reshape(-1, len(places))
        fitted[image] = seen @ basis
        total += float(np.linalg.norm(seen) ** 2)
        missed += float(np.linalg.norm(seen) ** 2 - np.linalg.norm(fitted[image]) ** 2)
    left, singular, right = np.linalg.svd(fitted, full_matrices=False)
    tail = np.cumsum((singular**2).sum(axis=0)[::-1])[::-1]  # squared error of ending before each
    allowed = max(tolerance**2 * total - missed, tolerance**2 * total / 4)
    n_terms = max(1, int(np.count_nonzero(tail > allowed)))
    lost = tail[n_terms] if n_terms < len(tail) else 0.0
    weights = (left * singular[:, None])[..., :n_terms].reshape(n_images, n_coils, n_lines, n_terms)
    basis_images = np.stack(
        [on_grid(axes, degree, np.linalg.solve(triangle, one[:n_terms].T)) for one in right]
    )
    scale = np.sqrt(np.mean(np.abs(basis_images) ** 2)) or 1.0
    return CoilExpansion(
        np.ascontiguousarray(np.swapaxes(weights * scale, 2, 3)).astype(np.complex64),
        (basis_images / scale).astype(np.complex64),
        float(np.sqrt(max(missed + float(lost), 0.0) / (total or 1.0))),
    )


def _spread_places(
    shape: Sequence[int], pixel_mm: Sequence[float], n_places: Sequence[int]
) -> Float64[np.ndarray, "n_places dimensions"]:
    """Equally spaced places from edge to edge of a grid, in mm from its origin."""
    along = []
    for n, size, n_along in zip(shape, pixel_mm, n_places, strict=True):
        middle = ((n - 1) / 2 - n // 2) * size  # of the grid, from the origin
        along.append(np.linspace(-1, 1, n_along) * (n - 1) / 2 * size + middle)
    return np.stack(np.meshgrid(*along, indexing="ij"), axis=-1).reshape(-1, len(along))


def polynomials(
    axes: Sequence[Float[np.ndarray, "_"]], degree: int
) -> Float64[np.ndarray, "n_places n_polynomials"]:
    """Products of Chebyshev polynomials whose total degree is ``degree`` at most.

    ``axes`` are places along each axis, from -1 to 1.
    """
    along = [chebyshev.chebvander(axis, degree) for axis in axes]
    columns = [
        reduce(np.multiply.outer, [one[:, k] for one, k in zip(along, each, strict=True)]).ravel()
        for each in _degrees(len(axes), degree).T
    ]
    return np.stack(columns, axis=1)


def on_grid(
    axes: Sequence[Float[np.ndarray, "_"]],
    degree: int,
    coefficients: Complex128[np.ndarray, "n_polynomials n"],
) -> Complex128[np.ndarray, "n *shape"]:
    """Sums of `polynomials` on a grid, axis by axis: no array is larger than the result."""
    sums = np.zeros((*[degree + 1] * len(axes), coefficients.shape[1]), complex)
    sums[tuple(_degrees(len(axes), degree))] = coefficients
    for axis in axes:
        sums = np.tensordot(sums, chebyshev.chebvander(axis, degree), axes=(0, 1))
    return sums


def _degrees(n_axes: int, degree: int) -> Int[np.ndarray, "n_axes n_polynomials"]:
    """Degree of each polynomial along each axis."""
    degrees = np.indices([degree + 1] * n_axes).reshape(n_axes, -1)
    return degrees[:, degrees.sum(axis=0) <= degree]


def _interpolation(
    positions_mm: Float[np.ndarray, "n_places d"], shape: Sequence[int], pixel_mm: Sequence[float]
) -> sparse.csr_array:
    """Matrix of linear interpolation in flattened images; past the edge it extrapolates linearly.

    The error of linear interpolation is an eighth of the second derivative times the squared pixel
    size: 2e-4 for a map with a standard deviation of 50 mm and pixels of 2 mm.
    """
    n_places = len(positions_mm)
    index = np.zeros((n_places, 1), dtype=np.int64)
    weight = np.ones((n_places, 1))
    for axis, (n, size) in enumerate(zip(shape, pixel_mm, strict=True)):
        at = positions_mm[:, axis] / size + n // 2
        at = np.clip(at, -n * _BEYOND, n - 1 + n * _BEYOND)
        first: Int[np.ndarray, "n_places"] = np.clip(np.floor(at), 0, n - 2).astype(np.int64)
        share = at - first
        index = (n * index)[:, :, None] + np.stack([first, first + 1], axis=1)[:, None]
        weight = weight[:, :, None] * np.stack([1 - share, share], axis=1)[:, None]
        index, weight = index.reshape(n_places, -1), weight.reshape(n_places, -1)
    rows = np.repeat(np.arange(n_places), index.shape[1])
    matrix: sparse.csr_array = sparse.csr_array(
        (weight.ravel(), (rows, index.ravel())), shape=(n_places, int(np.prod(shape)))
    )
    return matrix
