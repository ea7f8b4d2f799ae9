"""ISMRMRD raw data as a `RawScan`: fully sampled, Cartesian, line by line."""

from pathlib import Path

import numpy as np
from ismrmrd.constants import ACQ_IS_NOISE_MEASUREMENT
from jaxtyping import Complex64, Shaped

from mcnet.core.errors import BadFileError
from mcnet.io.kspace import RawScan
from mcnet.io.mrd.completeness import check_complete, missing_lines
from mcnet.io.mrd.files import RawFile, read_file
from mcnet.io.mrd.geometry import (
    directions_of,
    grid_affine,
    in_ras_order,
    mirrored_place,
    slices_by_position,
)
from mcnet.io.mrd.header import Encoding, read_encoding
from mcnet.io.mrd.noise import whitening
from mcnet.io.mrd.order import Lines, interval_s, is_flagged, lines_in_time, slow_axis
from mcnet.io.ras_order import RasOrder
from mcnet.motion.poses import AXES
from mcnet.physics.fourier import centred_fft, centred_ifft

_FILLED = 1 / 16
"""Largest share of a readout's samples that may be zeros; a single sample always may."""


def read_raw(path: Path) -> RawScan:
    """K-space of an ISMRMRD file, its axes those of the image nearest to RAS+.

    2D slices and 3D scans of one coil or many are read, fully sampled. Oversampling of the readout
    is removed; that of lines and partitions stays, as does the measured resolution where the
    scanner would have interpolated. Calibration, navigators, phase correction, dummies and feedback
    are left out. Noise scans, where there are any, prewhiten the coils. Of a flipped axis of an
    even number of samples, the sample at the edge of k-space stands for the opposite edge, as the
    discrete Fourier transform has it.

    Raises
    ------
    McnetError
        The file cannot be read, or has other content.
    """
    file = read_file(path)
    encoding = read_encoding(path, file.xml)
    lines = lines_in_time(file, encoding)
    heads = file.heads[lines.numbers]
    slow, steps_in_time = slow_axis(file, encoding, lines)
    slices = np.zeros_like(lines.other) if encoding.is_3d else lines.other
    directions = directions_of(path, heads)
    ordered, centres = slices_by_position(path, heads, slices, directions[:, 2])
    assembled = _assembled(file, encoding, lines)
    if not encoding.is_3d:
        assembled = assembled[..., ordered]
    missing = missing_lines(assembled, is_3d=encoding.is_3d)
    check_complete(path, missing, is_3d=encoding.is_3d, how=", which are filled with zeros")
    stored = _whitened(file, _without_oversampling(encoding, assembled))
    _, n_readout, n_lines, n_others = stored.shape
    size = [mm / n for mm, n in zip(encoding.fov_mm, encoding.matrix, strict=True)]
    affine = grid_affine(
        directions,
        (size[0], size[1], size[2]),
        (n_readout, n_lines, n_others),
        centres,
        is_3d=encoding.is_3d,
    )
    order = RasOrder(affine)
    kspace = in_ras_order(stored, order, (True, True, encoding.is_3d))
    world = order.order.index(slow)
    if world in order.flips:
        steps_in_time = mirrored_place(steps_in_time, stored.shape[1 + slow])
    return RawScan(
        kspace=np.ascontiguousarray(kspace, dtype=np.complex64),
        affine=order.ras_affine(affine, stored.shape[1:]),
        line_axis=AXES[world],
        slice_axis=AXES[order.order.index(3 - slow)],
        is_3d=encoding.is_3d,
        line_at_time=steps_in_time,
        interval_s=interval_s(heads, encoding, len(steps_in_time)),
        name=path.stem,
    )


def _assembled(
    file: RawFile, encoding: Encoding, lines: Lines
) -> Complex64[np.ndarray, "n_coils n_readout n_lines n_others"]:
    """K-space with every line at its place."""
    heads = file.heads[lines.numbers]
    _check_equal_coils(file, heads)
    _check_readouts(file, encoding, heads)
    n_coils, n_readout = int(heads["active_channels"][0]), encoding.matrix[0]
    shape = (encoding.matrix[1], int(lines.other.max()) + 1, n_coils, n_readout)
    kspace = np.empty(shape, np.complex64)
    first = heads["discard_pre"].astype(int)
    for number, line, other, start in zip(
        lines.numbers, lines.line, lines.other, first, strict=True
    ):
        kspace[line, other] = file.samples(int(number))[:, start : start + n_readout]
    if not np.all(np.isfinite(kspace.view(np.float32))):
        raise BadFileError(
            f"{file.path} has samples of NaN or infinite value; every sample needs a finite "
            "number: convert the raw data again."
        )
    if not kspace.any():
        raise BadFileError(f"{file.path} holds nothing but zeros; check how the file was made.")
    _check_no_filled_readouts(file, kspace)
    return kspace.transpose(2, 3, 0, 1)


def _check_no_filled_readouts(
    file: RawFile, kspace: Complex64[np.ndarray, "n_lines n_others n_coils n_readout"]
) -> None:
    """Check that no line begins or ends with zeros in all coils, which were not measured.

    Lines of zeros alone are counted as missing lines elsewhere.
    """
    is_measured = np.any(kspace, axis=2)
    lines = is_measured[is_measured.any(axis=-1)]
    n_samples = lines.shape[-1]
    n_filled = lines.argmax(axis=-1) + lines[:, ::-1].argmax(axis=-1)
    filled = np.flatnonzero(n_filled > max(1, _FILLED * n_samples))
    if filled.size:
        raise BadFileError(
            f"{file.path} has {filled.size} lines that begin or end with samples filled with "
            f"zeros, such as {n_filled[filled[0]]} of {n_samples}; whole readouts are needed: "
            "partial echoes are not read."
        )


def _without_oversampling(
    encoding: Encoding, kspace: Complex64[np.ndarray, "n_coils n_readout n_lines n_others"]
) -> Complex64[np.ndarray, "n_coils n_kept n_lines n_others"]:
    """K-space of the central part of the readout's field of view; its voxels do not change."""
    n_encoded = encoding.matrix[0]
    n_kept = round(n_encoded * encoding.readout_mm / encoding.fov_mm[0])
    if n_kept == n_encoded:
        return kspace
    start = n_encoded // 2 - n_kept // 2
    image = centred_ifft(kspace, (1,))[:, start : start + n_kept]
    return centred_fft(image, (1,)).astype(np.complex64, copy=False)


def _whitened(
    file: RawFile, kspace: Complex64[np.ndarray, "n_coils i j k"]
) -> Complex64[np.ndarray, "n_coils i j k"]:
    numbers = np.flatnonzero(is_flagged(file.heads, ACQ_IS_NOISE_MEASUREMENT))
    if numbers.size == 0:
        return kspace
    samples = [file.samples(int(number)) for number in numbers]
    counts = sorted({len(one) for one in samples} | {len(kspace)})
    if len(counts) > 1:
        raise BadFileError(
            f"{file.path} has noise scans and lines of {counts[0]} and {counts[-1]} coils; all "
            "need the same coils: leave the noise scans out of the file."
        )
    matrix = whitening(file.path, np.concatenate(samples, axis=1))
    return np.tensordot(matrix.astype(np.complex64), kspace, axes=1)


def _check_equal_coils(file: RawFile, heads: Shaped[np.ndarray, "n"]) -> None:
    counts = np.unique(heads["active_channels"])
    if counts.size > 1 or counts[0] == 0:
        raise BadFileError(
            f"{file.path} has lines of {counts[0]} and of {counts[-1]} coils; all lines need the "
            "same coils, one or more: convert the raw data again."
        )


def _check_readouts(file: RawFile, encoding: Encoding, heads: Shaped[np.ndarray, "n"]) -> None:
    names = ("number_of_samples", "discard_pre", "discard_post", "center_sample")
    total, before, after, centre = (heads[name].astype(int) for name in names)
    n_samples, expected = total - before - after, encoding.matrix[0]
    wrong = np.flatnonzero(n_samples != expected)
    asymmetric = np.flatnonzero(centre - before != expected // 2)
    if wrong.size:
        raise BadFileError(
            f"{file.path} has {wrong.size} lines of another number of samples than the "
            f"{expected} of its header, such as {n_samples[wrong[0]]}; whole readouts are needed: "
            "partial echoes are not read."
        )
    if asymmetric.size:
        raise BadFileError(
            f"{file.path} has {asymmetric.size} lines whose echo lies at sample "
            f"{centre[asymmetric[0]]} instead of {before[asymmetric[0]] + expected // 2}, the "
            "middle; asymmetric echoes (partial Fourier) are not read."
        )
