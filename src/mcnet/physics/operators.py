"""What a scan does to images that move, as an operator: forth, back, derivative by the poses.

`mcnet.physics.simulator` makes images of known heads and known motion. Whoever looks for the
motion, or for the still head, needs the adjoint and the derivative by the poses too: here are all
three, in two dimensions (`mcnet.physics.in_plane`) and in three.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex64, Float, Float32, Shaped
from scipy.spatial.transform import Rotation

from mcnet.core.engine import ONE_CORE, Engine
from mcnet.physics.broadcasting import along_axis
from mcnet.physics.line_poses import LinePoses
from mcnet.physics.nufft import PlannedTransform

ALL_LINES = slice(None)


@dataclass(frozen=True)
class ScanGrid:
    """Images as they were scanned: one pose a phase-encoding line."""

    shape: tuple[int, ...]
    """Pixels along each axis."""
    pixel_mm: tuple[float, ...]
    line_axis: int = 0
    """The axis along which lines are encoded."""

    @property
    def n_lines(self) -> int:
        """Phase-encoding lines."""
        return self.shape[self.line_axis]

    @property
    def n_rotations(self) -> int:
        """Axes about which a pose rotates: one in a plane, three in space."""
        n_axes = len(self.shape)
        return n_axes * (n_axes - 1) // 2

    @property
    def n_dof(self) -> int:
        """Degrees of freedom of a pose: rotations, in radians, then translations, in mm."""
        return self.n_rotations + len(self.shape)

    @property
    def translation_along_lines(self) -> int:
        """Which degree of freedom is the translation along the axis of the lines."""
        return self.n_rotations + self.line_axis

    def frequencies(self, axis: int) -> Float[np.ndarray, "n"]:
        """Sampled along an axis, in cycles/mm; sample ``n // 2`` is zero."""
        n = self.shape[axis]
        return (np.arange(n) - n // 2) / (n * self.pixel_mm[axis])

    def positions_mm(self, axis: int) -> Float[np.ndarray, "n"]:
        """Pixel centres along an axis; pixel ``n // 2`` is the origin."""
        n = self.shape[axis]
        return (np.arange(n) - n // 2) * self.pixel_mm[axis]

    def still_poses(self) -> LinePoses:
        """Poses of a head that keeps still."""
        return np.zeros((self.n_lines, self.n_dof))


class ScanOperator:
    """The linear operator from still images to k-space, for given poses.

    Line ``l`` of the k-space is ``exp(-2 pi i k.t) F(R^T k)`` with the pose of that line, of the
    spectrum divided by the root of the number of pixels, so that the operator of a still head is
    unitary. Frequencies that rotate out of the band are zero.

    Parameters
    ----------
    grid, n_images
        The images, and how many share the poses.
    poses
        Of each line: rotations in radians, translations in mm, as `ScanGrid.n_dof` says.
    lines
        Those that are measured; the poses are theirs, and k-space has no others.
    tolerance
        As of `mcnet.physics.nufft.PlannedTransform`.
    """

    def __init__(
        self,
        grid: ScanGrid,
        n_images: int,
        poses: LinePoses,
        engine: Engine = ONE_CORE,
        *,
        lines: slice = ALL_LINES,
        tolerance: float | None = None,
    ) -> None:
        self.grid, self._poses = grid, poses
        n_axes = len(grid.shape)
        self._k = [along_axis(grid.frequencies(axis), axis, n_axes) for axis in range(n_axes)]
        at_lines = [ALL_LINES] * n_axes
        at_lines[grid.line_axis] = lines
        self._k[grid.line_axis] = self._k[grid.line_axis][tuple(at_lines)]
        self._rotated = self._times_k(rotations(poses[:, : grid.n_rotations]))
        self._kspace_shape = self._rotated[0].shape
        self._transform = PlannedTransform(
            *(n_images, grid.shape, grid.pixel_mm),
            [along.ravel() for along in self._rotated],
            engine,
            tolerance=tolerance,
        )
        shifts = (
            self._of_lines(along) * k
            for along, k in zip(poses.T[grid.n_rotations :], self._k, strict=True)
        )
        ramp = np.exp(-2j * np.pi * sum(shifts))
        self._ramp = (ramp / np.sqrt(np.prod(grid.shape))).astype(np.complex64)

    def kspace(
        self, images: Shaped[np.ndarray, "n_images *shape"]
    ) -> Complex64[np.ndarray, "n_images *lines"]:
        """K-space of images that move."""
        spectra = self._transform.spectra(images).reshape(len(images), *self._kspace_shape)
        spectra *= self._ramp
        return spectra

    def adjoint(
        self, kspace: Complex64[np.ndarray, "n_images *lines"]
    ) -> Complex64[np.ndarray, "n_images *shape"]:
        """Exact adjoint of `kspace`: each line brought back by its pose."""
        lines = (kspace * self._ramp.conj()).reshape(len(kspace), -1)
        return self._transform.adjoint(lines)

    def derivatives(
        self, images: Float32[np.ndarray, "n_images *shape"]
    ) -> Complex64[np.ndarray, "n_dof n_images *lines"]:
        """Of the k-space of images by each line's rotations (radians) and translations (mm)."""
        plain = self.kspace(images)
        found = np.zeros((self.grid.n_dof, *plain.shape), np.complex64)
        n_axes = len(self._k)
        # by a rotation, R^T k moves by R'^T k, and dF = -2 pi i (R'^T k) . F[p f]
        moves = [
            self._times_k(by_angle)
            for by_angle in rotation_derivatives(self._poses[:, : self.grid.n_rotations])
        ]
        for axis in range(n_axes):
            place = along_axis(self.grid.positions_mm(axis).astype(np.float32), axis, n_axes)
            of_place = self.kspace(images * place)
            for derivative, move in zip(found, moves, strict=False):
                derivative += move[axis] * of_place
        for derivative, k in zip(found[self.grid.n_rotations :], self._k, strict=True):
            derivative += k * plain
        found *= np.complex64(-2j * np.pi)
        return found

    @property
    def within_band(self) -> Float32[np.ndarray, "*lines"]:
        """1 for samples that lie within the band of the images at their line's pose, 0 beyond."""
        inside = np.ones(self._kspace_shape, bool)
        for along, size in zip(self._rotated, self.grid.pixel_mm, strict=True):
            inside &= np.abs(along) <= (0.5 + 1e-9) / size
        return inside.astype(np.float32)

    def of_lines(
        self,
        one: Complex64[np.ndarray, "n_images *lines"],
        other: Complex64[np.ndarray, "n_images *lines"],
    ) -> Float[np.ndarray, "n_lines"]:
        """Real part of the inner product of two, over images and along each line."""
        products = one.real * other.real + one.imag * other.imag
        others = tuple(axis for axis in range(one.ndim) if axis != 1 + self.grid.line_axis)
        return np.asarray(products.sum(axis=others, dtype=float))

    def _times_k(
        self, matrices: Float[np.ndarray, "n_lines d d"]
    ) -> list[Float[np.ndarray, "*lines"]]:
        """``R^T k`` of every sample: one array a component."""
        components: list[np.ndarray] = []
        for column in range(len(self._k)):
            parts: Sequence[np.ndarray] = [
                self._of_lines(matrices[:, row, column]) * k for row, k in enumerate(self._k)
            ]
            components.append(np.asarray(sum(parts)))
        return components

    def _of_lines(self, values: Float[np.ndarray, "n_lines"]) -> Float[np.ndarray, "..."]:
        return np.asarray(along_axis(values, self.grid.line_axis, len(self._k)))


def rotations(
    angles: Float[np.ndarray, "n_lines n_rotations"],
) -> Float[np.ndarray, "n_lines d d"]:
    """Matrices of an angle in a plane, or ``Rz Ry Rx`` of three angles, in radians."""
    if angles.shape[1] == 1:
        return _matrices(np.cos(angles[:, 0]), np.sin(angles[:, 0]))
    return np.asarray(Rotation.from_euler("xyz", angles).as_matrix())


def rotation_derivatives(
    angles: Float[np.ndarray, "n_lines n_rotations"],
) -> Float[np.ndarray, "n_rotations n_lines d d"]:
    """Derivatives of `rotations` by each angle."""
    if angles.shape[1] == 1:
        return _matrices(-np.sin(angles[:, 0]), np.cos(angles[:, 0]))[None]
    about_x, about_y, about_z = (
        Rotation.from_euler(axis, angles[:, [index]]).as_matrix()
        for index, axis in enumerate("xyz")
    )
    generator_x, generator_y, generator_z = _GENERATORS
    by_angles = (
        about_z @ about_y @ generator_x @ about_x,
        about_z @ generator_y @ about_y @ about_x,
        generator_z @ about_z @ about_y @ about_x,
    )
    return np.stack(by_angles)


_GENERATORS = np.array(
    [
        [[0, 0, 0], [0, 0, -1], [0, 1, 0]],
        [[0, 0, 1], [0, 0, 0], [-1, 0, 0]],
        [[0, -1, 0], [1, 0, 0], [0, 0, 0]],
    ],
    dtype=float,
)
"""Of rotations about x, y and z: the derivative of a rotation is this times it."""


def _matrices(
    cos: Float[np.ndarray, "n_lines"], sin: Float[np.ndarray, "n_lines"]
) -> Float[np.ndarray, "n_lines 2 2"]:
    return np.stack([cos, -sin, sin, cos], axis=-1).reshape(-1, 2, 2)
