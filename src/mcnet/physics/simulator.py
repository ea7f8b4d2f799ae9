"""What a scanner records of a moving head, and the image that it makes of it.

The moved head's spectrum is ``exp(-2 pi i k.t) F(R^T k)`` (see `mcnet.motion.poses`). Each
phase-encoding line sees the pose of its own time; the scanner, which knows nothing of it, takes
the inverse Fourier transform. Two routes compute this, and agree: a 3D transform for any motion,
and one 2D transform per sagittal slice for motion within the slices, which leaves x alone. All of
it is in single precision, poses and frequencies apart; `mcnet.physics.nufft` states the error.
"""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np
from jaxtyping import Complex64, Float

from mcnet.core.engine import ALL_CORES, Engine
from mcnet.core.errors import McnetError
from mcnet.motion.formats.line_motion import check_one_pose_a_line
from mcnet.motion.poses import AXES, Axis
from mcnet.motion.trace import MotionTrace
from mcnet.physics.acquisition import Acquisition
from mcnet.physics.broadcasting import along_axis
from mcnet.physics.fourier import centred_image, resampling_matrix
from mcnet.physics.nufft import SpectrumReader, spectrum_at

_IN_PLANE = (1, 2)  # y and z: the plane of a sagittal slice


def corrupt(
    volume: Float[np.ndarray, "x y z"],
    voxel_size_mm: Sequence[float],
    motion: MotionTrace,
    acquisition: Acquisition,
    engine: Engine = ALL_CORES,
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
    engine
        What computes, here and in the functions below.

    Raises
    ------
    McnetError
        The number of poses is not the number of phase-encoding lines, or the engine is missing.
    """
    if is_in_plane(motion) and acquisition.phase_encoding_axis != "x":
        everywhere = acquisition.axis_positions_mm("x")
        return corrupt_slices(volume, voxel_size_mm, motion, acquisition, everywhere, engine)
    return corrupt_volume(volume, voxel_size_mm, motion, acquisition, engine)


def is_in_plane(motion: MotionTrace) -> bool:
    """Whether the motion stays in sagittal slices: no translation along x, rotation about x."""
    leaving = (motion.translation_mm[:, 0], motion.rotation_deg[:, 1:])
    return not any(bool(values.any()) for values in leaving)


def corrupt_volume(
    volume: Float[np.ndarray, "x y z"],
    voxel_size_mm: Sequence[float],
    motion: MotionTrace,
    acquisition: Acquisition,
    engine: Engine = ALL_CORES,
) -> Complex64[np.ndarray, "n_x n_y n_z"]:
    """Complex image of a moving head by the 3D route: six degrees of freedom."""
    source = engine.array(volume[None])
    image: np.ndarray = _moved_image(
        lambda frequencies: spectrum_at(source, voxel_size_mm, frequencies, engine),
        *(voxel_size_mm, motion, acquisition, (0, 1, 2), engine),
    )[0]
    return image


def corrupt_slices(
    volume: Float[np.ndarray, "x y z"],
    voxel_size_mm: Sequence[float],
    motion: MotionTrace,
    acquisition: Acquisition,
    positions_mm: Float[np.ndarray, "n_slices"],
    engine: Engine = ALL_CORES,
) -> Complex64[np.ndarray, "n_slices n_y n_z"]:
    """Complex sagittal slices of a head that moves within them, at ``positions_mm`` along x.

    Exact: x is left alone by the motion, so that each slice of the 3D image depends on the slice
    of the still head at the same place, band-limited along x as the partitions are.
    """
    _check_stays_inside(motion, acquisition)
    slices = engine.array(still_slices(volume, voxel_size_mm, acquisition, positions_mm))
    size = [voxel_size_mm[index] for index in _IN_PLANE]
    return _moved_image(
        lambda frequencies: spectrum_at(slices, size, frequencies, engine),
        *(size, motion, acquisition, _IN_PLANE, engine),
    )


def still_slices(
    volume: Float[np.ndarray, "x y z"],
    voxel_size_mm: Sequence[float],
    acquisition: Acquisition,
    positions_mm: Float[np.ndarray, "n_slices"],
) -> Complex64[np.ndarray, "n_slices y z"]:
    """Sagittal slices of the still head, imaged along x and still on the source grid in plane.

    One subject's slices serve every trace: `slices_to_corrupt` and `corrupt_still_slices` do the
    rest.
    """
    along_x = resampling_matrix(
        volume.shape[0], voxel_size_mm[0], acquisition.axis_frequencies("x"), positions_mm
    )
    return np.tensordot(along_x, volume, axes=1).astype(np.complex64)


def slices_to_corrupt(
    slices: Complex64[np.ndarray, "n_slices y z"],
    voxel_size_mm: Sequence[float],
    engine: Engine = ALL_CORES,
) -> SpectrumReader:
    """`still_slices` made ready to be moved by many traces: `corrupt_still_slices` does the rest.

    ``voxel_size_mm`` is the scan's, along x, y and z.
    """
    return SpectrumReader(slices, [voxel_size_mm[index] for index in _IN_PLANE], engine)


def corrupt_still_slices(
    slices: SpectrumReader, motion: MotionTrace, acquisition: Acquisition
) -> Complex64[np.ndarray, "n_slices n_y n_z"]:
    """Complex images of `still_slices` that move within their plane.

    Raises
    ------
    McnetError
        The motion leaves the plane, or x is the phase-encoding axis, or the number of poses is
        not the number of lines.
    """
    _check_stays_inside(motion, acquisition)
    return _moved_image(
        slices.at, slices.voxel_size_mm, motion, acquisition, _IN_PLANE, slices.engine
    )


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


def slices_at_rest(
    slices: Complex64[np.ndarray, "n_slices y z"],
    voxel_size_mm: Sequence[float],
    acquisition: Acquisition,
) -> Complex64[np.ndarray, "n_slices n_y n_z"]:
    """Complex images of `still_slices` that keep still: a plain sum along y and z."""
    along_y, along_z = (
        resampling_matrix(
            slices.shape[index],
            voxel_size_mm[index],
            acquisition.axis_frequencies(AXES[index]),
            acquisition.axis_positions_mm(AXES[index]),
        ).astype(np.complex64)
        for index in _IN_PLANE
    )
    return np.asarray(along_y @ slices @ along_z.T)


def _moved_image(
    spectra_at: Callable[[Any], Any],
    voxel_size_mm: Sequence[float],
    motion: MotionTrace,
    acquisition: Acquisition,
    dimensions: tuple[int, ...],
    engine: Engine,
) -> Complex64[np.ndarray, "n_images *sampled"]:
    """Image of k-space in which each phase-encoding line sees the pose of its own time.

    It is on the intensity scale of the source, whatever the two voxel sizes.
    """
    # k-space in the order of FFTs from the start, the origin first, saves a copy of all of it
    poses = np.fft.ifftshift(_pose_of_each_line(motion, acquisition), axes=0)
    axes: list[Axis] = [AXES[index] for index in dimensions]
    rotations = poses[:, :3, :3][:, dimensions][:, :, dimensions]
    translations = poses[:, :3, 3][:, dimensions]
    sampled_size = [acquisition.voxel_size_mm[index] for index in dimensions]
    scale = np.prod(np.divide(voxel_size_mm, sampled_size))

    # k along each axis of the acquisition, shaped to broadcast over the grid; the pose of a line
    # goes along with its phase encoding, so all that costs a function call has two axes at most
    line_axis = axes.index(acquisition.phase_encoding_axis)
    k = [
        along_axis(
            engine.array(np.fft.ifftshift(acquisition.axis_frequencies(axis))), place, len(axes)
        )
        for place, axis in enumerate(axes)
    ]

    def of_line(values: Float[np.ndarray, "n_lines"]) -> Any:
        return along_axis(engine.array(values), line_axis, len(axes))

    rotated = [  # R^T k
        _total([of_line(rotations[:, c, d]) * k[c] for c in range(len(axes))]).ravel()
        for d in range(len(axes))
    ]
    kspace = spectra_at(rotated)
    kspace = kspace.reshape(-1, *(values.size for values in k))
    ramps = [
        engine.xp.exp(-2j * np.pi * of_line(translations[:, c]) * along)
        for c, along in enumerate(k)
    ]
    factor = ramps.pop(line_axis) * scale
    for ramp in ramps:
        kspace *= (ramp * factor).astype(np.complex64)
        factor = 1
    return engine.on_host(centred_image(kspace, tuple(range(1, kspace.ndim)), engine))


def _total(arrays: Sequence[Any]) -> Any:
    """Sum of arrays that broadcast, the smaller ones first."""
    return reduce(lambda total, array: total + array, sorted(arrays, key=lambda one: one.size))


def _check_stays_inside(motion: MotionTrace, acquisition: Acquisition) -> None:
    if not is_in_plane(motion) or acquisition.phase_encoding_axis == "x":
        raise McnetError(
            f"{motion.name} does not stay within sagittal slices acquired line by line; restrict "
            "it to a mode within the slices, encode along y or z, or use the 3D route."
        )


def _pose_of_each_line(
    motion: MotionTrace, acquisition: Acquisition
) -> Float[np.ndarray, "n_lines 4 4"]:
    check_one_pose_a_line(motion, acquisition.n_lines)
    poses: np.ndarray = motion.poses[acquisition.time_of_line]
    return poses
