"""What is timed: still images, the points at which motion samples their spectra, and the truth.

Everything here is written apart from `mcnet.physics.simulator`, in double precision and
plainly, so that agreement with it means something.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import finufft
import numpy as np
from jaxtyping import Complex64, Complex128, Float32, Float64, Shaped

from mcnet.datasets.template import template_head
from mcnet.motion.generators import generate_motion
from mcnet.motion.poses import AXES
from mcnet.motion.trace import Mode, MotionTrace
from mcnet.physics.acquisition import Acquisition
from mcnet.physics.fourier import centred_ifft
from mcnet.physics.simulator import still_slices

SEED = 1
SCALE = 8.0
"""The paper's factor for motion of fMRI."""


@dataclass(frozen=True, eq=False)
class Scan:
    """Images of a head at rest that one trace moves, sampled by one acquisition."""

    images: Shaped[np.ndarray, "n_images *source"]
    voxel_size_mm: tuple[float, float, float]
    motion: MotionTrace
    acquisition: Acquisition

    @property
    def axes(self) -> tuple[int, ...]:
        """Axes of the head that an image has: y and z of a slice, or all."""
        return (1, 2) if self.images.ndim == 3 else (0, 1, 2)

    @property
    def sampled_shape(self) -> tuple[int, ...]:
        """Samples along each axis of an image."""
        return tuple(self.acquisition.matrix[axis] for axis in self.axes)

    @cached_property
    def points(self) -> Float64[np.ndarray, "dimensions n_points"]:
        """Where the still head is sampled, ``R^T k``, in radians per voxel."""
        rotations = self._pose_of_each_point[:, self.axes][:, :, self.axes]
        rotated = np.einsum("ncd,cn->dn", rotations, self._frequencies)
        sizes = np.array([self.voxel_size_mm[axis] for axis in self.axes])
        return np.asarray(2 * np.pi * sizes[:, None] * rotated)

    @cached_property
    def points_single(self) -> list[Float32[np.ndarray, "n_points"]]:
        """The points as single-precision transforms take them, one array an axis."""
        return [np.ascontiguousarray(along, dtype=np.float32) for along in self.points]

    @cached_property
    def factor(self) -> Complex128[np.ndarray, "*sampled"]:
        """What the spectra are multiplied with: ``exp(-2 pi i k.t)`` times the voxels' ratio."""
        shifts = self._pose_of_each_point[:, self.axes, 3]
        phase = np.exp(-2j * np.pi * np.einsum("nc,cn->n", shifts, self._frequencies))
        ratio = [
            self.voxel_size_mm[axis] / self.acquisition.voxel_size_mm[axis] for axis in self.axes
        ]
        return np.asarray(phase * np.prod(ratio)).reshape(self.sampled_shape)

    @property
    def _frequencies(self) -> Float64[np.ndarray, "dimensions n_points"]:
        along = [self.acquisition.axis_frequencies(AXES[axis]) for axis in self.axes]
        return np.stack(np.meshgrid(*along, indexing="ij")).reshape(len(self.axes), -1)

    @property
    def _pose_of_each_point(self) -> Float64[np.ndarray, "n_points 4 4"]:
        line_axis = self.axes.index(AXES.index(self.acquisition.phase_encoding_axis))
        line = np.indices(self.sampled_shape)[line_axis].ravel()
        return np.asarray(self.motion.poses[self.acquisition.time_of_line[line]])


def exact_spectra(scan: Scan) -> Complex128[np.ndarray, "n_images n_points"]:
    """Spectra at the scan's points in double precision, to twelve digits."""
    transform = {2: finufft.nufft2d2, 3: finufft.nufft3d2}[len(scan.axes)]
    images = scan.images.astype(np.complex128)
    spectra = transform(*scan.points, images, eps=1e-12, isign=-1, upsampfac=2.0)
    return np.asarray(spectra).reshape(len(images), -1)


def images_of(
    spectra: Shaped[np.ndarray, "n_images n_points"], scan: Scan
) -> Shaped[np.ndarray, "n_images *sampled"]:
    """Images of spectra at the scan's points: phase and inverse transform, not timed."""
    kspace = np.reshape(spectra, (len(scan.images), *scan.sampled_shape)) * scan.factor
    return centred_ifft(kspace, range(1, kspace.ndim))


def plain_sum_error(
    spectra: Complex128[np.ndarray, "n_images n_points"], scan: Scan, n_checked: int = 12
) -> float:
    """Largest difference from a plain sum over all voxels, as a share of the mean size."""
    rng = np.random.default_rng(SEED)
    errors = []
    for point in rng.choice(scan.points.shape[1], n_checked, replace=False):
        total = scan.images.astype(np.complex128)
        for omega in scan.points[::-1, point]:  # the last axis first, each summed away
            n = total.shape[-1]
            total = total @ np.exp(-1j * omega * (np.arange(n) - n // 2))
        errors.append(np.abs(spectra[:, point] - total).max())
    return float(max(errors) / np.sqrt(np.mean(np.abs(spectra) ** 2)))


def relative_error(
    images: Shaped[np.ndarray, "*shape"], exact: Complex128[np.ndarray, "*shape"]
) -> float:
    """Root mean square difference of complex images as a share of the true ones."""
    return float(np.linalg.norm(images - exact) / np.linalg.norm(exact))


def trace(n_lines: int, mode: Mode) -> MotionTrace:
    """Generated motion at the paper's scale."""
    rng = np.random.default_rng(SEED)
    return generate_motion(n_lines, rng).scaled(SCALE).restricted_to(mode)


def slices_scan(n_source: int = 256, n_sampled: int = 128, n_slices: int = 10) -> Scan:
    """Ten sagittal slices, 5 mm apart, that move within their plane."""
    acquisition = Acquisition(matrix=(n_sampled,) * 3)
    voxel_mm = 256 / n_source
    positions = (np.arange(n_slices) - (n_slices - 1) / 2) * 5.0
    volume = head((n_source,) * 3, voxel_mm)
    slices: Complex64[np.ndarray, "n y z"] = still_slices(
        volume, (voxel_mm,) * 3, acquisition, positions
    )
    return Scan(slices, (voxel_mm,) * 3, trace(n_sampled, "rotation+translation"), acquisition)


def volume_scan(source: tuple[int, int, int], voxel_mm: float, n_sampled: int = 128) -> Scan:
    """A volume that moves in all six degrees of freedom."""
    acquisition = Acquisition(matrix=(n_sampled,) * 3)
    volume = head(source, voxel_mm)
    return Scan(volume[None], (voxel_mm,) * 3, trace(n_sampled, "six-dof"), acquisition)


@cache
def head(shape: tuple[int, int, int], voxel_mm: float) -> Float32[np.ndarray, "x y z"]:
    """The built-in head on a grid of that shape, its middle in the middle."""
    return fitted(template_head(resolution_mm=voxel_mm).values, shape)


def fitted(volume: Float32[np.ndarray, "..."], shape: Sequence[int]) -> Float32[np.ndarray, "..."]:
    """Volume cut or filled with zeros to a shape; voxel ``n // 2`` stays at ``n // 2``."""
    for axis, n in enumerate(shape):
        start = volume.shape[axis] // 2 - n // 2
        widths = [(0, 0)] * volume.ndim
        widths[axis] = (max(-start, 0), max(start + n - volume.shape[axis], 0))
        kept = np.arange(n) + start + widths[axis][0]
        volume = np.take(np.pad(volume, widths), kept, axis=axis)
    return np.ascontiguousarray(volume)
