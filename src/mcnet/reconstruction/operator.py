"""What coils that stay in place measure of a moving head, as a linear operator and its adjoint.

Each pose's moved head is multiplied by a coil's map and transformed; a line is measured at one
pose. In the head's own frame the map moves instead, and few terms stand for all of that
(`mcnet.reconstruction.map_terms`): with ``u_j`` and ``b_cj``, line ``l`` of coil ``c`` is
``sum over j of b_cj(l) exp(-2 pi i k.t) F[u_j f](R^T k)``. So an operator costs as many transforms
as there are terms, and its adjoint is exact. What the terms miss is told as ``error``.
"""

import numpy as np
from jaxtyping import Complex64, Shaped

from mcnet.core.engine import ONE_CORE, Engine
from mcnet.physics.operators import LinePoses, ScanGrid, ScanOperator, rotations
from mcnet.reconstruction.map_terms import TOLERANCE, MapTerms, map_terms


class CoilScan:
    """Slices or volumes that move, seen by coils that stay in place, as a linear operator.

    Spectra are divided by the root of the number of samples, so that the operator of a still head
    and maps whose root of sum of squares is 1 keeps lengths.

    Parameters
    ----------
    grid, poses
        As of `mcnet.physics.operators.ScanOperator`, to which this comes down for one coil
        whose map is 1. A volume takes one 3D transform a term: seconds for a whole head.
    maps
        Where the scanner is, not where the head is; their second axis counts images that share
        all poses.
    tolerance
        Of the terms that stand for the maps.
    """

    line_axis: int
    """The axis of an image along which lines are encoded."""
    n_terms: int
    """Terms that stand for the maps."""
    error: float
    """What the terms miss of the maps: root mean square, as a share."""

    def __init__(
        self,
        grid: ScanGrid,
        maps: Complex64[np.ndarray, "n_coils n_images *shape"],
        poses: LinePoses,
        *,
        tolerance: float = TOLERANCE,
        engine: Engine = ONE_CORE,
    ) -> None:
        rotation, translation_mm = (
            rotations(poses[:, : grid.n_rotations]),
            poses[:, grid.n_rotations :],
        )
        self.terms = map_terms(maps, grid.pixel_mm, rotation, translation_mm, tolerance)
        self.line_axis = grid.line_axis
        self.n_terms, self.error = self.terms.n_terms, self.terms.error
        self._shape = (maps.shape[1], self.terms.n_terms, *grid.shape)
        self._scan = ScanOperator(grid, self._shape[0] * self._shape[1], poses, engine)

    def kspace(
        self, images: Shaped[np.ndarray, "n_images *shape"]
    ) -> Complex64[np.ndarray, "n_coils n_images *shape"]:
        """K-space of images that move."""
        seen = (self.terms.images * images[:, None]).reshape(-1, *self._shape[2:])
        return _mixed(self.terms, self._scan.kspace(seen).reshape(self._shape), self.line_axis)

    def adjoint(
        self, kspace: Complex64[np.ndarray, "n_coils n_images *shape"]
    ) -> Complex64[np.ndarray, "n_images *shape"]:
        """Exact adjoint of `kspace`."""
        parted = _parted(self.terms, kspace, self.line_axis).reshape(-1, *self._shape[2:])
        back = self._scan.adjoint(parted).reshape(self._shape)
        return np.asarray((self.terms.images.conj() * back).sum(axis=1))


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
