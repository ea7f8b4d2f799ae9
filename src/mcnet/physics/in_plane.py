"""Slices that move within their plane: their grid, their poses, and what a scan does to them."""

from dataclasses import dataclass

import numpy as np
import scipy.fft
from jaxtyping import Complex64, Float32, Shaped

from mcnet.core.engine import ONE_CORE, Engine
from mcnet.motion.poses import Axis
from mcnet.physics.line_poses import InPlanePoses
from mcnet.physics.operators import ScanGrid, ScanOperator


@dataclass(frozen=True)
class SliceGrid(ScanGrid):
    """Slices as they were scanned: rows along y, columns along z, one pose a line."""

    shape: tuple[int, int]
    pixel_mm: tuple[float, float]

    @property
    def axis(self) -> Axis:
        """Name of the axis along which lines are encoded."""
        return "y" if self.line_axis == 0 else "z"


class InPlaneScan(ScanOperator):
    """`ScanOperator` of slices that move within their plane."""

    def __init__(
        self,
        grid: SliceGrid,
        n_slices: int,
        poses: InPlanePoses,
        engine: Engine = ONE_CORE,
        *,
        tolerance: float | None = None,
    ) -> None:
        self.n_threads = engine.threads
        super().__init__(grid, n_slices, poses, engine, tolerance=tolerance)

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
