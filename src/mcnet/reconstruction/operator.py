"""What coils that stay in place measure of a moving head, as a linear operator and its adjoint.

Each pose's moved head is multiplied by a coil's map and transformed; a line is measured at one
pose. In the head's own frame the map moves instead, and few terms stand for all of that
(`mcnet.reconstruction.map_terms`): with ``u_j`` and ``b_cj``, line ``l`` of coil ``c`` is
``sum over j of b_cj(l) exp(-2 pi i k.t) F[u_j f](R^T k)``. So an operator costs as many transforms
as there are terms, and its adjoint is exact. What the terms miss is told as ``error``.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Complex64, Float, Shaped

from mcnet.engine import ALL_CORES, ONE_CORE, Engine
from mcnet.fourier import adjoint_spectrum_at, spectrum_at
from mcnet.reconstruction.map_terms import TOLERANCE, MapTerms, map_terms
from mcnet.simulation.in_plane import InPlaneScan, Poses, SliceGrid


@runtime_checkable
class MovingScan(Protocol):
    """The linear operator from still images to k-space, of motion that is known.

    Spectra are divided by the root of the number of samples, so that the operator of a still head
    and maps whose root of sum of squares is 1 keeps lengths.
    """

    line_axis: int
    """The axis of an image along which lines are encoded."""
    n_terms: int
    """Terms that stand for the maps."""
    error: float
    """What the terms miss of the maps: root mean square, as a share."""

    def kspace(
        self, images: Shaped[np.ndarray, "n_images *shape"]
    ) -> Complex64[np.ndarray, "n_coils n_images *shape"]:
        """K-space of heads that move."""

    def adjoint(
        self, kspace: Complex64[np.ndarray, "n_coils n_images *shape"]
    ) -> Complex64[np.ndarray, "n_images *shape"]:
        """Exact adjoint of `kspace`."""


class CoilScan:
    """Slices that move within their plane, seen by coils that stay in place.

    Parameters
    ----------
    grid, poses
        As of `mcnet.simulation.in_plane.InPlaneScan`, to which this comes down for one coil whose
        map is 1.
    maps
        Where the scanner is, not where the head is.
    tolerance
        Of the terms that stand for the maps.
    """

    def __init__(
        self,
        grid: SliceGrid,
        maps: Complex64[np.ndarray, "n_coils n_slices rows columns"],
        poses: Poses,
        *,
        tolerance: float = TOLERANCE,
        engine: Engine = ONE_CORE,
    ) -> None:
        cos, sin = np.cos(poses[:, 0]), np.sin(poses[:, 0])
        rotation = np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], axis=1)
        self.terms = map_terms(maps, grid.pixel_mm, rotation, poses[:, 1:], tolerance)
        self.line_axis = grid.line_axis
        self.n_terms, self.error = self.terms.n_terms, self.terms.error
        self._shape = (maps.shape[1], self.terms.n_terms, *grid.shape)
        self._scan = InPlaneScan(grid, self._shape[0] * self._shape[1], poses, engine)

    def kspace(
        self, images: Shaped[np.ndarray, "n_slices rows columns"]
    ) -> Complex64[np.ndarray, "n_coils n_slices rows columns"]:
        """K-space of slices that move."""
        seen = (self.terms.images * images[:, None]).reshape(-1, *self._shape[2:])
        return _mixed(self.terms, self._scan.kspace(seen).reshape(self._shape), self.line_axis)

    def adjoint(
        self, kspace: Complex64[np.ndarray, "n_coils n_slices rows columns"]
    ) -> Complex64[np.ndarray, "n_slices rows columns"]:
        """Exact adjoint of `kspace`."""
        parted = _parted(self.terms, kspace, self.line_axis).reshape(-1, *self._shape[2:])
        back = self._scan.adjoint(parted).reshape(self._shape)
        return np.asarray((self.terms.images.conj() * back).sum(axis=1))


class VolumeScan:
    """Volumes that move with six degrees of freedom, seen by coils that stay in place.

    One 3D transform for each term and volume: seconds for a whole head.

    Parameters
    ----------
    voxel_size_mm
        Along x, y and z.
    maps
        Where the scanner is; their second axis counts volumes that share all poses.
    poses
        As matrices, one a line by its place in k-space.
    line_axis
        0 for x, 1 for y, 2 for z.
    """

    def __init__(
        self,
        voxel_size_mm: Sequence[float],
        maps: Complex64[np.ndarray, "n_coils n_volumes x y z"],
        poses: Float[np.ndarray, "n_lines 4 4"],
        line_axis: int,
        *,
        tolerance: float = TOLERANCE,
        engine: Engine = ALL_CORES,
    ) -> None:
        rotation, translation = poses[:, :3, :3], poses[:, :3, 3]
        self.terms = map_terms(maps, voxel_size_mm, rotation, translation, tolerance)
        self.line_axis = line_axis
        self.n_terms, self.error = self.terms.n_terms, self.terms.error
        self._size, self._engine = tuple(voxel_size_mm), engine
        self._shape = (maps.shape[1], self.terms.n_terms, *maps.shape[2:])
        shape = maps.shape[2:]
        along = np.meshgrid(
            *(
                (np.arange(n) - n // 2) / (n * size)
                for n, size in zip(shape, voxel_size_mm, strict=True)
            ),
            indexing="ij",
        )
        k = np.moveaxis(np.stack(along), 1 + line_axis, 1).reshape(3, len(poses), -1)
        turned = np.einsum("lcd,clk->dlk", rotation, k)  # R^T k
        ramp = np.exp(-2j * np.pi * np.einsum("lc,clk->lk", translation, k))
        # shape of arrays whose first axis are the lines
        self._lines_first: tuple[int, ...] = np.moveaxis(np.empty(shape), line_axis, 0).shape
        self._points = turned.reshape(3, -1)
        self._ramp = (ramp.ravel() / np.sqrt(ramp.size)).astype(np.complex64)

    def kspace(
        self, images: Shaped[np.ndarray, "n_volumes x y z"]
    ) -> Complex64[np.ndarray, "n_coils n_volumes x y z"]:
        """K-space of volumes that move."""
        seen = (self.terms.images * images[:, None]).reshape(-1, *self._shape[2:])
        spectra = spectrum_at(seen, self._size, self._points, self._engine) * self._ramp
        spectra = spectra.reshape(*self._shape[:2], *self._lines_first)
        return _mixed(self.terms, np.moveaxis(spectra, 2, 2 + self.line_axis), self.line_axis)

    def adjoint(
        self, kspace: Complex64[np.ndarray, "n_coils n_volumes x y z"]
    ) -> Complex64[np.ndarray, "n_volumes x y z"]:
        """Exact adjoint of `kspace`."""
        parted = np.moveaxis(_parted(self.terms, kspace, self.line_axis), 2 + self.line_axis, 2)
        lines = parted.reshape(-1, self._ramp.size) * self._ramp.conj()
        back = adjoint_spectrum_at(lines, self._size, self._points, self._shape[2:])
        return np.asarray((self.terms.images.conj() * back.reshape(self._shape)).sum(axis=1))


def along_lines(
    values: Shaped[np.ndarray, "*lines n_lines"], line_axis: int, n_axes: int
) -> Shaped[np.ndarray, "..."]:
    """A value for each line, in an array that broadcasts over images of ``n_axes`` dimensions."""
    places = [1] * n_axes
    places[line_axis] = values.shape[-1]
    return values.reshape(*values.shape[:-1], *places)


def _mixed(
    terms: MapTerms, spectra: Complex64[np.ndarray, "n_images n_terms *shape"], line_axis: int
) -> Complex64[np.ndarray, "n_coils n_images *shape"]:
    """What each coil measures: the terms' spectra, each line by its weights."""
    lines = np.moveaxis(spectra, 2 + line_axis, 2)
    shape = lines.shape[2:]
    lines = lines.reshape(*lines.shape[:3], -1)
    # one small product of matrices a line and image: coils x terms, terms x samples
    weights = np.ascontiguousarray(np.transpose(terms.weights, (0, 3, 1, 2)))
    mixed = weights @ np.ascontiguousarray(np.swapaxes(lines, 1, 2))
    mixed = np.transpose(mixed, (2, 0, 1, 3)).reshape(-1, len(spectra), *shape)
    return np.ascontiguousarray(np.moveaxis(mixed, 2, 2 + line_axis))


def _parted(
    terms: MapTerms, kspace: Complex64[np.ndarray, "n_coils n_images *shape"], line_axis: int
) -> Complex64[np.ndarray, "n_images n_terms *shape"]:
    """Adjoint of `_mixed`."""
    lines = np.moveaxis(kspace, 2 + line_axis, 2)
    shape = lines.shape[2:]
    lines = np.ascontiguousarray(np.transpose(lines.reshape(*lines.shape[:3], -1), (1, 2, 0, 3)))
    weights = np.ascontiguousarray(np.transpose(terms.weights.conj(), (0, 3, 2, 1)))
    parted = np.swapaxes(weights @ lines, 1, 2)
    parted = parted.reshape(*parted.shape[:2], *shape)
    return np.ascontiguousarray(np.moveaxis(parted, 2, 2 + line_axis))
