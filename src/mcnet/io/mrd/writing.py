"""A `RawScan` as ISMRMRD raw data."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from ismrmrd import constants
from ismrmrd.hdf5 import acquisition_dtype, acquisition_header_dtype
from jaxtyping import Complex64, Float64, Shaped

from mcnet.core.outputs import Given, check_outputs
from mcnet.core.provenance import Inputs, provenance
from mcnet.core.writing import written_whole
from mcnet.io.kspace import RawScan
from mcnet.io.mrd.geometry import LPS, flipped
from mcnet.io.mrd.header import header_xml
from mcnet.io.mrd.names import RAW
from mcnet.motion.poses import AXES


def write_raw(
    path: Path,
    scan: RawScan,
    *,
    seed: int | None = None,
    inputs: Inputs | None = None,
    notes: Mapping[str, Any] | None = None,
) -> None:
    """Write a scan as ISMRMRD in HDF5, whole or not at all; its provenance stands in the header.

    The readout is the axis that is neither that of the lines nor that of the slices. All
    partitions or slices of a line are measured at its time. ``slice_dir`` is the cross product of
    ``read_dir`` and ``phase_dir``, as ISMRMRD requires; the order of partitions may be reversed.
    Time stamps are in milliseconds, all zero where the time between lines is unknown. The
    provenance (``seed``, ``inputs``, ``notes``) is JSON in the user parameter ``mcnet``. The
    file has no data on the subject.

    Raises
    ------
    McnetError
        `mcnet.core.outputs.check_outputs` refuses the path, an input cannot be read, or the disk is
        full.
    """
    check_outputs([Given("", path, RAW)])
    record = {**provenance(seed=seed, inputs=inputs), **(notes or {})}
    kspace, affine = _stored(scan)
    n_coils, n_readout, n_lines, n_others = kspace.shape
    size = np.linalg.norm(affine[:3, :3], axis=0)
    matrix = (n_readout, n_lines, n_others if scan.is_3d else 1)
    x, y, z = (float(mm) for mm in size * matrix)
    xml = header_xml(
        matrix,
        (x, y, z),
        n_slices=1 if scan.is_3d else n_others,
        n_coils=n_coils,
        repetition_ms=None if scan.interval_s is None else scan.interval_s * 1000,
        provenance=json.dumps(record, sort_keys=True, default=str),
    )
    rows = np.empty(n_lines * n_others, dtype=acquisition_dtype)
    rows["head"] = _heads(scan, kspace, affine)
    for row, (line, other) in enumerate(_places_in_time(scan, n_others)):
        samples = np.ascontiguousarray(kspace[:, :, line, other])
        rows["data"][row] = samples.view(np.float32).ravel()
        rows["traj"][row] = np.empty(0, np.float32)
    # in memory: HDF5 aborts the process if the disk fills up while it writes
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        group = file.create_group("dataset")
        header = group.create_dataset("xml", (1,), dtype=h5py.special_dtype(vlen=bytes))
        header[0] = xml
        group.create_dataset("data", data=rows, maxshape=(None,), dtype=acquisition_dtype)
    with written_whole(path) as temporary:
        temporary.write_bytes(content.getbuffer())


def _stored(
    scan: RawScan,
) -> tuple[Complex64[np.ndarray, "n_coils n_readout n_lines n_others"], Float64[np.ndarray, "4 4"]]:
    """K-space in ISMRMRD's order of axes, and the RAS+ affine of its image."""
    line, other = AXES.index(scan.line_axis), AXES.index(scan.slice_axis)
    order = (3 - line - other, line, other)
    kspace = scan.kspace.transpose(0, *(1 + axis for axis in order))
    affine = scan.affine[:, [*order, 3]]
    if np.linalg.det(affine[:3, :3]) > 0:
        return kspace, affine
    n_others = kspace.shape[3]
    affine = affine.copy()
    affine[:3, 3] += (n_others - 1) * affine[:3, 2]
    affine[:3, 2] *= -1
    return flipped(kspace, 3, is_encoded=scan.is_3d), affine


def _places_in_time(scan: RawScan, n_others: int) -> list[tuple[int, int]]:
    """Line, and partition or slice, of each acquisition."""
    return [(int(line), other) for line in scan.line_at_time for other in range(n_others)]


def _heads(
    scan: RawScan,
    kspace: Complex64[np.ndarray, "n_coils n_readout n_lines n_others"],
    affine: Float64[np.ndarray, "4 4"],
) -> Shaped[np.ndarray, "n_acquisitions"]:
    """Headers of all acquisitions, in the order of time."""
    n_coils, n_readout, n_lines, n_others = kspace.shape
    places = np.array(_places_in_time(scan, n_others))
    time = np.repeat(np.arange(n_lines), n_others)
    heads = np.zeros(len(places), dtype=acquisition_header_dtype)
    heads["version"] = 1
    heads["scan_counter"] = np.arange(len(places))
    heads["acquisition_time_stamp"] = np.rint(time * (scan.interval_s or 0) * 1000)
    heads["number_of_samples"] = n_readout
    heads["center_sample"] = n_readout // 2
    heads["available_channels"] = heads["active_channels"] = n_coils
    for word in range(-(-n_coils // 64)):
        heads["channel_mask"][:, word] = (1 << min(64, n_coils - 64 * word)) - 1
    directions = LPS[:, None] * affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    for axis, name in enumerate(("read_dir", "phase_dir", "slice_dir")):
        heads[name] = directions[:, axis]
    centre = np.zeros((len(places), 3))
    centre[:] = (n_readout // 2, n_lines // 2, n_others // 2)
    heads["idx"]["kspace_encode_step_1"] = places[:, 0]
    if scan.is_3d:
        heads["idx"]["kspace_encode_step_2"] = places[:, 1]
    else:
        heads["idx"]["slice"] = centre[:, 2] = places[:, 1]
    heads["position"] = (centre @ affine[:3, :3].T + affine[:3, 3]) * LPS
    heads["flags"] = _flags(scan, time, places[:, 1])
    return heads


def _flags(
    scan: RawScan, time: Shaped[np.ndarray, "n"], other: Shaped[np.ndarray, "n"]
) -> Shaped[np.ndarray, "n"]:
    """First and last of a slice or slab, of a repetition, and of the whole measurement."""
    first, last = time == 0, time == time[-1]
    if scan.is_3d:
        first, last = first & (other == 0), last & (other == other[-1])
    ends = np.arange(len(time))
    flagged = {
        constants.ACQ_FIRST_IN_SLICE: first,
        constants.ACQ_LAST_IN_SLICE: last,
        constants.ACQ_FIRST_IN_REPETITION: ends == 0,
        constants.ACQ_LAST_IN_REPETITION: ends == ends[-1],
        constants.ACQ_LAST_IN_MEASUREMENT: ends == ends[-1],
    }
    flags = np.zeros(len(time), dtype=np.uint64)
    for flag, where in flagged.items():
        flags[where] |= np.uint64(1 << (flag - 1))
    return flags
