"""What a scan does to slices that move within their plane, as an operator: forth, back, derivative.

`mcnet.simulation.corruption` makes images of known heads and known motion. Whoever looks for the
motion, or for the still head, needs the adjoint and the derivative by the poses too: here are all
three, for slices on the scan's own grid.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft
from jaxtyping import Complex64, Float, Float32, Shaped

from mcnet.engine import ONE_CORE, Engine
from mcnet.fourier import PlanarTransform
from mcnet.geometry import Axis
from mcnet.simulation.motion import MotionTrace

N_FREEDOMS = 3
"""Of a pose within the plane: turn in radians, shift along rows and along columns in mm."""


@dataclass(frozen=True)
class SliceGrid:
    """Slices as they were scanned: one pose a phase-encoding line."""

    shape: tuple[int, int]
    """Rows (along y) and columns (along z)."""
    pixel_mm: tuple[float, float]
    line_axis: int = 0
    """The axis along which lines are encoded: 0 for y, 1 for z."""

    @property
    def n_lines(self) -> int:
        """Phase-encoding lines."""
        return self.shape[self.line_axis]

    @property
    def axis(self) -> Axis:
        """Name of the axis along which lines are encoded."""
        return "y" if self.line_axis == 0 else "z"

    def frequencies(self, axis: int) -> Float[np.ndarray, "n"]:
        """Sampled along an axis, in cycles/mm; sample ``n // 2`` is zero."""
        n = self.shape[axis]
        return (np.arange(n) - n // 2) / (n * self.pixel_mm[axis])

    def positions_mm(self, axis: int) -> Float[np.ndarray, "n"]:
        """Pixel centres along an axis; pixel ``n // 2`` is the origin."""
        n = self.shape[axis]
        return (np.arange(n) - n // 2) * self.pixel_mm[axis]


Poses = Float[np.ndarray, "n_lines 3"]
"""A pose for each line, by its place in k-space: turn about x in radians, shifts along y and z in
mm, as `mcnet.geometry` has them."""


def poses_in_plane(motion: MotionTrace, time_of_line: Shaped[np.ndarray, "n_lines"]) -> Poses:
    """Poses of a trace that stays within sagittal slices, in the order of the lines."""
    of_time = np.column_stack([np.radians(motion.rotation_deg[:, 0]), motion.translation_mm[:, 1:]])
    return np.asarray(of_time[time_of_line])


class InPlaneScan:
    """The linear operator from still slices to k-space, for given poses.

    Line ``l`` of the k-space is ``exp(-2 pi i k.t) F(R^T k)`` with the pose of that line, of the
    spectrum divided by the root of the number of pixels, so that the operator of a still head is
    unitary. Frequencies that turn out of the band are zero.
    """

    def __init__(
        self,
        grid: SliceGrid,
        n_slices: int,
        poses: Poses,
        engine: Engine = ONE_CORE,
        *,
        tolerance: float | None = None,
    ) -> None:
        self.grid = grid
        self.n_threads = engine.n_threads or -1
        along_lines = [1, 1]
        along_lines[grid.line_axis] = -1
        turn, *shifts = (poses[:, f].reshape(along_lines) for f in range(N_FREEDOMS))
        y, z = grid.frequencies(0)[:, None], grid.frequencies(1)[None, :]
        self._k = np.broadcast_to(y, grid.shape), np.broadcast_to(z, grid.shape)
        self._turned = (
            np.cos(turn) * y + np.sin(turn) * z,
            np.cos(turn) * z - np.sin(turn) * y,
        )
        points = [along.ravel() for along in self._turned]
        self._transform = PlanarTransform(
            n_slices, grid.shape, grid.pixel_mm, points, engine, tolerance=tolerance
        )
        ramp = np.exp(-2j * np.pi * (y * shifts[0] + z * shifts[1]))
        self._ramp = (ramp / np.sqrt(y.size * z.size)).astype(np.complex64)

    def kspace(
        self, slices: Shaped[np.ndarray, "n_slices rows columns"]
    ) -> Complex64[np.ndarray, "n_slices rows columns"]:
        """K-space of slices that move."""
        spectra = self._transform.spectra(slices).reshape(slices.shape)
        spectra *= self._ramp
        return spectra

    def adjoint(
        self, kspace: Complex64[np.ndarray, "n_slices rows columns"]
    ) -> Complex64[np.ndarray, "n_slices rows columns"]:
        """Exact adjoint of `kspace`: each line brought back by its pose."""
        lines = (kspace * self._ramp.conj()).reshape(len(kspace), -1)
        return self._transform.adjoint(lines)

    def derivatives(
        self, slices: Float32[np.ndarray, "n_slices rows columns"]
    ) -> Complex64[np.ndarray, "3 n_slices rows columns"]:
        """Of the k-space of slices by each line's turn, in radians, and its shifts, in mm."""
        y, z = (self.grid.positions_mm(axis).astype(np.float32) for axis in (0, 1))
        plain = self.kspace(slices)
        # by a turn, R^T k moves by (k_z', -k_y'): dF = -2 pi i (k_z' F[y f] - k_y' F[z f])
        of_turn = self._turned[1] * self.kspace(slices * y[:, None])
        of_turn -= self._turned[0] * self.kspace(slices * z[None, :])
        derivatives = [of_turn, self._k[0] * plain, self._k[1] * plain]
        return np.asarray(-2j * np.pi * np.stack(derivatives), np.complex64)

    @property
    def within_band(self) -> Float32[np.ndarray, "rows columns"]:
        """1 for samples that lie within the band of the slices at their line's pose, 0 beyond."""
        edges = [(0.5 + 1e-9) / size for size in self.grid.pixel_mm]
        inside = [np.abs(k) <= edge for k, edge in zip(self._turned, edges, strict=True)]
        return np.asarray(inside[0] & inside[1], np.float32)

    def of_lines(
        self,
        one: Complex64[np.ndarray, "n rows columns"],
        other: Complex64[np.ndarray, "n rows columns"],
    ) -> Float[np.ndarray, "n_lines"]:
        """Real part of the inner product of two, over slices and along each line."""
        products = one.real * other.real + one.imag * other.imag
        return np.asarray(products.sum(axis=(0, 2 - self.grid.line_axis), dtype=float))

    def fft(
        self, images: Shaped[np.ndarray, "n_slices rows columns"]
    ) -> Complex64[np.ndarray, "n_slices rows columns"]:
        """Unitary spectrum of images as the scanner has them."""
        shifted = scipy.fft.ifftshift(images, axes=(1, 2)).astype(np.complex64, copy=False)
        spectra = scipy.fft.fft2(shifted, norm="ortho", workers=self.n_threads, overwrite_x=True)
        return np.asarray(scipy.fft.fftshift(spectra, axes=(1, 2)))

    def ifft(
        self, kspace: Complex64[np.ndarray, "n_slices rows columns"]
    ) -> Complex64[np.ndarray, "n_slices rows columns"]:
        """Images that the scanner makes of k-space: the inverse of `fft`."""
        shifted = scipy.fft.ifftshift(kspace, axes=(1, 2))
        images = scipy.fft.ifft2(shifted, norm="ortho", workers=self.n_threads, overwrite_x=True)
        return np.asarray(scipy.fft.fftshift(images, axes=(1, 2)))


def still_images(
    magnitudes: Float32[np.ndarray, "n_slices rows columns"],
    scan: InPlaneScan,
    *,
    n_steps: int,
    start: Float32[np.ndarray, "n_slices rows columns"] | None = None,
) -> Float32[np.ndarray, "n_slices rows columns"]:
    """The still head that a scan with these poses shows as these magnitudes.

    Steps of projected gradient descent on ``|| |scan(f)| - magnitudes ||^2`` over images ``f`` of
    no negative value; the phase that a magnitude has lost is that of the head as found so far
    (Gerchberg and Saxton, Optik 35:237, 1972). Few steps keep noise low where motion has nearly
    wiped out a frequency.
    """
    images = magnitudes if start is None else start
    for _ in range(n_steps):
        kspace = scan.kspace(images)
        seen = scan.ifft(kspace.copy())
        phased = magnitudes * _phase(seen)
        images = np.maximum(images - scan.adjoint(kspace - scan.fft(phased)).real, 0)
    return np.asarray(images, dtype=np.float32)


def _phase(
    image: Complex64[np.ndarray, "n rows columns"],
) -> Complex64[np.ndarray, "n rows columns"]:
    """``image / |image|``; 1 where the image is zero."""
    size = np.abs(image)
    return np.where(size > 0, image / np.maximum(size, np.float32(1e-30)), np.complex64(1))


def zero_poses(grid: SliceGrid) -> Poses:
    """Poses of a head that keeps still."""
    return np.zeros((grid.n_lines, N_FREEDOMS))


def centred_poses(poses: Poses, weights: Sequence[float] | Float[np.ndarray, "n_lines"]) -> Poses:
    """Poses measured from their weighted mean, so that the head found lies where the image does."""
    share = np.asarray(weights) / np.sum(weights)
    return np.asarray(poses - share @ poses)
