"""SENSE encoding operator of a moving head and its adjoint: motion, coil maps, Fourier transform.

For each line the head is moved by the line's pose, multiplied by the map of a coil, which stays in
the scanner's frame, and Fourier transformed. In the head's own frame the map moves instead, which a
low-rank expansion describes (`mcnet.reconstruction.coil_expansion`): with basis images ``u_j`` and
weights ``b_cj``, line ``l`` of coil ``c`` is
``sum over j of b_cj(l) exp(-2 pi i k.t) F[u_j f](R^T k)``. The operator thus costs one
transform per term, and its adjoint is exact. The expansion's truncation error is in ``error``.
"""

import numpy as np
from jaxtyping import Complex64, Shaped

from mcnet.core.engine import ONE_CORE, Engine
from mcnet.physics.line_poses import LinePoses
from mcnet.physics.operators import ScanGrid, ScanOperator, rotations
from mcnet.reconstruction.coil_expansion import TOLERANCE, CoilExpansion, expand_coil_maps


class SenseOperator:
    """From images of the still head to k-space of the moving head, coil by coil.

    Spectra are divided by the root of the number of samples, so that with a still head and maps
    whose root of sum of squares is 1 the operator preserves norms.

    Parameters
    ----------
    grid, poses
        As of `mcnet.physics.operators.ScanOperator`, which this equals for one coil whose map is
        1. A volume takes one 3D transform per term: seconds for a whole head.
    maps
        Coil sensitivities in the scanner's frame; the second axis counts images that share all
        poses.
    tolerance
        Relative root mean square error of the low-rank expansion of the maps.
    """

    line_axis: int
    """The axis of an image along which lines are encoded."""
    n_terms: int
    """Terms of the low-rank expansion of the maps."""
    error: float
    """Relative root mean square error of the expansion."""

    def __init__(
        self,
        grid: ScanGrid,
        maps: Complex64[np.ndarray, "n_coils n_images *shape"],
        poses: LinePoses,
        *,
        tolerance: float = TOLERANCE,
        engine: Engine = ONE_CORE,
    ) -> None:
        rotation = rotations(poses[:, : grid.n_rotations])
        translation_mm = poses[:, grid.n_rotations :]
        self.expansion = expand_coil_maps(maps, grid.pixel_mm, rotation, translation_mm, tolerance)
        self.line_axis = grid.line_axis
        self.n_terms, self.error = self.expansion.n_terms, self.expansion.error
        self._shape = (maps.shape[1], self.n_terms, *grid.shape)
        self._scan = ScanOperator(grid, self._shape[0] * self._shape[1], poses, engine)

    def kspace(
        self, images: Shaped[np.ndarray, "n_images *shape"]
    ) -> Complex64[np.ndarray, "n_coils n_images *shape"]:
        """K-space of the moving head from images of the still one."""
        seen = (self.expansion.basis * images[:, None]).reshape(-1, *self._shape[2:])
        return _combined(
            self.expansion, self._scan.kspace(seen).reshape(self._shape), self.line_axis
        )

    def adjoint(
        self, kspace: Complex64[np.ndarray, "n_coils n_images *shape"]
    ) -> Complex64[np.ndarray, "n_images *shape"]:
        """Exact adjoint of `kspace`."""
        of_terms = _combined_adjoint(self.expansion, kspace, self.line_axis)
        images = self._scan.adjoint(of_terms.reshape(-1, *self._shape[2:])).reshape(self._shape)
        return np.asarray((self.expansion.basis.conj() * images).sum(axis=1))


def _combined(
    expansion: CoilExpansion,
    spectra: Complex64[np.ndarray, "n_images n_terms *shape"],
    line_axis: int,
) -> Complex64[np.ndarray, "n_coils n_images *shape"]:
    """K-space of each coil: the terms' spectra combined by the weights of each line."""
    lines = np.moveaxis(spectra, 2 + line_axis, 2)
    shape = lines.shape[2:]
    lines = lines.reshape(*lines.shape[:3], -1)
    # one small matrix product per line and image: coils x terms, terms x samples
    weights = np.ascontiguousarray(np.transpose(expansion.weights, (0, 3, 1, 2)))
    kspace = weights @ np.ascontiguousarray(np.swapaxes(lines, 1, 2))
    kspace = np.transpose(kspace, (2, 0, 1, 3)).reshape(-1, len(spectra), *shape)
    return np.ascontiguousarray(np.moveaxis(kspace, 2, 2 + line_axis))


def _combined_adjoint(
    expansion: CoilExpansion,
    kspace: Complex64[np.ndarray, "n_coils n_images *shape"],
    line_axis: int,
) -> Complex64[np.ndarray, "n_images n_terms *shape"]:
    """Adjoint of `_combined`."""
    lines = np.moveaxis(kspace, 2 + line_axis, 2)
    shape = lines.shape[2:]
    lines = np.ascontiguousarray(np.transpose(lines.reshape(*lines.shape[:3], -1), (1, 2, 0, 3)))
    weights = np.ascontiguousarray(np.transpose(expansion.weights.conj(), (0, 3, 2, 1)))
    of_terms = np.swapaxes(weights @ lines, 1, 2)
    of_terms = of_terms.reshape(*of_terms.shape[:2], *shape)
    return np.ascontiguousarray(np.moveaxis(of_terms, 2, 2 + line_axis))
