"""What a scanner records of a moving head, and the image that it makes of it.

The moved head's spectrum is ``exp(-2 pi i k.t) F(R^T k)`` (see `mcnet.geometry`). Each
phase-encoding line sees the pose of its own time; the scanner, which knows nothing of it, takes
the inverse Fourier transform. Two routes compute this, and agree: a 3D transform for any motion,
and one 2D transform per sagittal slice for motion within the slices, which leaves x alone.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Complex, Complex64, Float, Shaped

from mcnet.errors import McnetError
from mcnet.fourier import centred_ifft, resampling_matrix, spectrum_at
from mcnet.geometry import AXES, Axis
from mcnet.simulation.acquisition import Acquisition
from mcnet.simulation.motion import MotionTrace

_IN_PLANE = (1, 2)  # y and z: the plane of a sagittal slice


def corrupt(
    volume: Float[np.ndarray, "x y z"],
    voxel_size_mm: Sequence[float],
    motion: MotionTrace,
    acquisition: Acquisition,
) -> Complex64[np.ndarray, "n_x n_y n_z"]:
    """Complex image of a head that moves during the scan; its magnitude is what users see.

    Parameters
    ----------
    volume
        The head at rest, in RAS+ order, its origin at voxel ``n // 2`` of each axis.
    voxel_size_mm
        Voxel size of ``volume``.
    motion
        One pose for each phase-encoding line, in the order of time.
    acquisition
        What is sampled, and when.

    Raises
    ------
    McnetError
        The number of poses is not the number of phase-encoding lines.
    """
    if is_in_plane(motion) and acquisition.phase_encoding_axis != "x":
        everywhere = acquisition.axis_positions_mm("x")
        return corrupt_slices(volume, voxel_size_mm, motion, acquisition, everywhere)
    return corrupt_volume(volume, voxel_size_mm, motion, acquisition)


def is_in_plane(motion: MotionTrace) -> bool:
    """Whether the motion stays within sagittal slices: no shift along x, turns about x alone."""
    leaving = (motion.translation_mm[:, 0], motion.rotation_deg[:, 1:])
    return not any(bool(values.any()) for values in leaving)


def corrupt_volume(
    volume: Float[np.ndarray, "x y z"],
    voxel_size_mm: Sequence[float],
    motion: MotionTrace,
    acquisition: Acquisition,
) -> Complex64[np.ndarray, "n_x n_y n_z"]:
    """Complex image of a moving head by the 3D route: six degrees of freedom."""
    kspace = _moved_kspace(volume[None], voxel_size_mm, motion, acquisition, (0, 1, 2))
    image: np.ndarray = _image(kspace, voxel_size_mm, acquisition, (0, 1, 2))[0]
    return image


def corrupt_slices(
    volume: Float[np.ndarray, "x y z"],
    voxel_size_mm: Sequence[float],
    motion: MotionTrace,
    acquisition: Acquisition,
    positions_mm: Float[np.ndarray, "n_slices"],
) -> Complex64[np.ndarray, "n_slices n_y n_z"]:
    """Complex sagittal slices of a head that moves within them, at ``positions_mm`` along x.

    Exact: x is left alone by the motion, so that each slice of the 3D image depends on the slice
    of the still head at the same place, band-limited along x as the partitions are.
    """
    slices = still_slices(volume, voxel_size_mm, acquisition, positions_mm)
    return corrupt_still_slices(slices, voxel_size_mm, motion, acquisition)


def still_slices(
    volume: Float[np.ndarray, "x y z"],
    voxel_size_mm: Sequence[float],
    acquisition: Acquisition,
    positions_mm: Float[np.ndarray, "n_slices"],
) -> Complex64[np.ndarray, "n_slices y z"]:
    """Sagittal slices of the still head, imaged along x and still on the source grid in plane.

    One person's slices serve every trace: `corrupt_still_slices` does the rest.
    """
    along_x = resampling_matrix(
        volume.shape[0], voxel_size_mm[0], acquisition.axis_frequencies("x"), positions_mm
    )
    return np.tensordot(along_x, volume, axes=1).astype(np.complex64)


def corrupt_still_slices(
    slices: Complex64[np.ndarray, "n_slices y z"],
    voxel_size_mm: Sequence[float],
    motion: MotionTrace,
    acquisition: Acquisition,
) -> Complex64[np.ndarray, "n_slices n_y n_z"]:
    """Complex images of `still_slices` that move within their plane.

    Raises
    ------
    McnetError
        The motion leaves the plane, or x is the phase-encoding axis, or the number of poses is
        not the number of lines.
    """
    if not is_in_plane(motion) or acquisition.phase_encoding_axis == "x":
        raise McnetError(
            f"{motion.name} does not stay within sagittal slices acquired line by line; restrict "
            "it to a mode within the slices, encode along y or z, or use the 3D route."
        )
    kspace = _moved_kspace(slices, voxel_size_mm, motion, acquisition, _IN_PLANE)
    return _image(kspace, voxel_size_mm, acquisition, _IN_PLANE)


def image_at_rest(
    volume: Float[np.ndarray, "x y z"],
    voxel_size_mm: Sequence[float],
    acquisition: Acquisition,
    *,
    positions_mm: Float[np.ndarray, "n_slices"] | None = None,
) -> Complex64[np.ndarray, "n_x n_y n_z"]:
    """Complex image of a head that keeps still: a plain sum along each axis, no NuFFT.

    ``positions_mm`` asks for sagittal slices at those places along x instead of all of them.
    """
    image: np.ndarray = volume
    for index, axis in enumerate(AXES):
        positions = acquisition.axis_positions_mm(axis)
        if axis == "x" and positions_mm is not None:
            positions = positions_mm
        matrix = resampling_matrix(
            volume.shape[index],
            voxel_size_mm[index],
            acquisition.axis_frequencies(axis),
            positions,
        )
        image = np.moveaxis(np.tensordot(matrix, image, axes=(1, index)), 0, index)
    return image.astype(np.complex64)


def _moved_kspace(
    images: Shaped[np.ndarray, "n_images *source"],
    voxel_size_mm: Sequence[float],
    motion: MotionTrace,
    acquisition: Acquisition,
    dimensions: tuple[int, ...],
) -> Complex[np.ndarray, "n_images *sampled"]:
    """K-space in which each phase-encoding line sees the pose of its own time."""
    poses = _pose_of_each_line(motion, acquisition)
    axes: list[Axis] = [AXES[index] for index in dimensions]
    grid = np.stack(
        np.meshgrid(*(acquisition.axis_frequencies(axis) for axis in axes), indexing="ij")
    )
    # the lines last, so that one pose a line broadcasts over all other samples
    line_axis = 1 + axes.index(acquisition.phase_encoding_axis)
    k = np.moveaxis(grid, line_axis, -1)
    rotations = poses[:, :3, :3][:, dimensions][:, :, dimensions]
    translations = poses[:, :3, 3][:, dimensions]
    rotated = np.einsum("lcd,c...l->d...l", rotations, k)  # R^T k
    phase = np.exp(-2j * np.pi * np.einsum("lc,c...l->...l", translations, k))
    size = [voxel_size_mm[index] for index in dimensions]
    samples = spectrum_at(images, size, rotated.reshape(len(axes), -1))
    kspace = samples.reshape(len(images), *phase.shape) * phase.astype(np.complex64)
    return np.moveaxis(kspace, -1, line_axis)


def _pose_of_each_line(
    motion: MotionTrace, acquisition: Acquisition
) -> Float[np.ndarray, "n_lines 4 4"]:
    if motion.n_points != acquisition.n_lines:
        raise McnetError(
            f"{motion.name} has {motion.n_points} poses for {acquisition.n_lines} phase-encoding "
            "lines; take a segment of that many points or resample the trace."
        )
    poses: np.ndarray = motion.poses[acquisition.time_of_line]
    return poses


def _image(
    kspace: Complex[np.ndarray, "n_images *sampled"],
    voxel_size_mm: Sequence[float],
    acquisition: Acquisition,
    dimensions: tuple[int, ...],
) -> Complex64[np.ndarray, "n_images *sampled"]:
    """Image on the intensity scale of the source, whatever the two voxel sizes."""
    acquired = acquisition.voxel_size_mm
    scale = np.prod([voxel_size_mm[index] / acquired[index] for index in dimensions])
    axes = range(1, kspace.ndim)
    return (centred_ifft(kspace, list(axes)) * np.float32(scale)).astype(np.complex64)
