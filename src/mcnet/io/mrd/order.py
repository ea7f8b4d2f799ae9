"""Acquisitions of the image: their places in k-space, and their order in time."""

from dataclasses import dataclass

import numpy as np
from ismrmrd import constants
from jaxtyping import Bool, Int, Shaped

from mcnet.core.errors import BadFileError
from mcnet.io.mrd.completeness import check_complete
from mcnet.io.mrd.files import RawFile
from mcnet.io.mrd.header import UNLIMITED, Counter, Encoding

Numbers = Int[np.ndarray, "n_acquisitions"]

_LEFT_OUT = (
    constants.ACQ_IS_NOISE_MEASUREMENT,
    constants.ACQ_IS_NAVIGATION_DATA,
    constants.ACQ_IS_PHASECORR_DATA,
    constants.ACQ_IS_HPFEEDBACK_DATA,
    constants.ACQ_IS_DUMMYSCAN_DATA,
    constants.ACQ_IS_RTFEEDBACK_DATA,
    constants.ACQ_IS_SURFACECOILCORRECTIONSCAN_DATA,
    constants.ACQ_IS_PHASE_STABILIZATION_REFERENCE,
    constants.ACQ_IS_PHASE_STABILIZATION,
)
"""Flags of acquisitions that are not lines of the image. A calibration line is not either, unless
it is flagged for calibration and imaging: some converters set both flags of such a line."""
_REFUSED = {
    constants.ACQ_IS_REVERSE: "are read out backwards, as those of echo-planar scans",
    constants.ACQ_COMPRESSION1: "are compressed",
    constants.ACQ_COMPRESSION2: "are compressed",
}
_REPEATED = ("average", "repetition", "contrast", "phase", "set")


@dataclass(frozen=True, eq=False)
class Lines:
    """Acquisitions of the image in the order of time."""

    numbers: Numbers
    """Their numbers in the file."""
    line: Numbers
    """Place along the phase encoding, from 0."""
    other: Numbers
    """Partition of a 3D scan, slice of a 2D scan, from 0."""


def is_flagged(heads: Shaped[np.ndarray, "n"], *flags: int) -> Bool[np.ndarray, "n"]:
    """Whether acquisitions carry any of some flags, which ISMRMRD counts from 1."""
    mask = np.uint64(sum(1 << (flag - 1) for flag in flags))
    return np.asarray((heads["flags"] & mask) != 0)


def lines_in_time(file: RawFile, encoding: Encoding) -> Lines:
    """Lines of a fully sampled image, each measured once, in the order of time.

    The order is that of the scan counter where no two acquisitions share a number, else that of
    time stamps, then of the file.

    Raises
    ------
    McnetError
        There are none, or some are repeated, missing, out of the limits or of a kind that is not
        read.
    """
    for_calibration = is_flagged(file.heads, constants.ACQ_IS_PARALLEL_CALIBRATION)
    for_both = is_flagged(file.heads, constants.ACQ_IS_PARALLEL_CALIBRATION_AND_IMAGING)
    no_lines = is_flagged(file.heads, *_LEFT_OUT) | (for_calibration & ~for_both)
    numbers = np.flatnonzero(~no_lines)
    if numbers.size == 0:
        raise BadFileError(
            f"{file.path} holds {len(file.heads)} acquisitions of which none is a line of an "
            "image; check how the file was made."
        )
    heads = file.heads[numbers]
    _check_kinds(file, heads)
    in_time = _order_of_time(heads)
    numbers, heads = numbers[in_time], heads[in_time]
    line = _places(file, encoding, heads, "kspace_encode_step_1", encoding.matrix[1])
    if encoding.is_3d:
        n_others = encoding.matrix[2]
        other = _places(file, encoding, heads, "kspace_encode_step_2", n_others)
        _check_single(file, heads, "slice", "slabs")
    else:
        counters = _within_limits(file, encoding, heads, "slice")
        lowest, highest, _ = encoding.limits["slice"]
        has_limits = highest != UNLIMITED
        slices = np.arange(lowest, highest + 1) if has_limits else np.unique(counters)
        n_others = slices.size
        other = np.searchsorted(slices, counters)
        _check_single(file, heads, "kspace_encode_step_2", "partitions")
    _check_complete(file, encoding, line, other, n_others)
    return Lines(numbers, line, other)


def slow_axis(file: RawFile, encoding: Encoding, lines: Lines) -> tuple[int, Numbers]:
    """The stored axis (1 lines, 2 partitions) measured step by step, and its step at each time.

    All partitions or slices of a line are measured before the next line, as in MP-RAGE: they share
    a time and a pose. A 3D scan may do it the other way round: then its partitions are its lines.

    Raises
    ------
    McnetError
        Neither holds.
    """
    n_lines = encoding.matrix[1]
    of_lines = lines.line.reshape(n_lines, -1)
    if (of_lines == of_lines[:, :1]).all():
        return 1, of_lines[:, 0]
    if encoding.is_3d:
        of_partitions = lines.other.reshape(encoding.matrix[2], -1)
        if (of_partitions == of_partitions[:, :1]).all():
            return 2, of_partitions[:, 0]
    kind = "partitions" if encoding.is_3d else "slices"
    raise BadFileError(
        f"{file.path} goes on to other lines before all {kind} of a line are measured, so that a "
        f"line has no time of its own; a scan that measures all {kind} of one line, then those of "
        "the next, is needed."
    )


def interval_s(
    heads_in_time: Shaped[np.ndarray, "n"], encoding: Encoding, n_times: int
) -> float | None:
    """Time between two steps of the slow axis: by time stamps, else TR, else unknown.

    Where TR agrees with the stamps to within their unit, it is taken, being more exact.
    """
    first = heads_in_time["acquisition_time_stamp"].astype(float).reshape(n_times, -1)[:, 0]
    stamped_ms = float(np.median(np.diff(first))) * encoding.tick_ms if n_times > 1 else 0.0
    tr_ms = encoding.repetition_ms
    if stamped_ms <= 0:
        return None if tr_ms is None else tr_ms / 1000
    if tr_ms is not None and abs(tr_ms - stamped_ms) <= encoding.tick_ms:
        return tr_ms / 1000
    return stamped_ms / 1000


def _order_of_time(heads: Shaped[np.ndarray, "n"]) -> Numbers:
    counter = heads["scan_counter"]
    by = counter if np.unique(counter).size == counter.size else heads["acquisition_time_stamp"]
    return np.argsort(by, kind="stable")


def _check_kinds(file: RawFile, heads: Shaped[np.ndarray, "n"]) -> None:
    for flag, what in _REFUSED.items():
        n_flagged = int(is_flagged(heads, flag).sum())
        if n_flagged:
            raise BadFileError(
                f"{file.path} has {n_flagged} lines that {what}; plain lines, one a shot, are "
                "needed: reconstruct this scan with another program."
            )
    for counter in _REPEATED:
        _check_single(file, heads, counter, f"{counter}s")


def _check_single(file: RawFile, heads: Shaped[np.ndarray, "n"], counter: str, what: str) -> None:
    n_values = np.unique(heads["idx"][counter]).size
    if n_values > 1:
        raise BadFileError(
            f"{file.path} holds {n_values} {what}; one image is needed: copy the acquisitions of "
            "one of them into a file of its own."
        )


def _within_limits(
    file: RawFile, encoding: Encoding, heads: Shaped[np.ndarray, "n"], counter: Counter
) -> Numbers:
    values = heads["idx"][counter].astype(int)
    lowest, highest, _ = encoding.limits[counter]
    outside = values[(values < lowest) | (values > highest)]
    if outside.size:
        raise BadFileError(
            f"{file.path} has {outside.size} acquisitions whose {counter} lies outside of the "
            f"header's limits {lowest} to {highest}, such as {outside[0]}; correct encodingLimits "
            "or convert the raw data again."
        )
    return np.asarray(values)


def _places(
    file: RawFile, encoding: Encoding, heads: Shaped[np.ndarray, "n"], counter: Counter, n: int
) -> Numbers:
    """Places in k-space, its centre at ``n // 2``."""
    values = _within_limits(file, encoding, heads, counter)
    centre = encoding.limits[counter][2]
    places = values - centre + n // 2
    outside = values[(places < 0) | (places >= n)]
    if outside.size:
        raise BadFileError(
            f"{file.path} has {outside.size} acquisitions whose {counter} lies outside of a matrix "
            f"of {n} about the centre {centre}, such as {outside[0]}; correct encodedSpace or "
            "encodingLimits in its header."
        )
    return np.asarray(places)


def _check_complete(
    file: RawFile, encoding: Encoding, line: Numbers, other: Numbers, n_others: int
) -> None:
    missing = np.ones((encoding.matrix[1], n_others), dtype=bool)
    missing[line, other] = False
    check_complete(file.path, missing, is_3d=encoding.is_3d)
    places, counts = np.unique(line * n_others + other, return_counts=True)
    if counts.max() > 1:
        first = int(places[counts > 1][0])
        kind = "partition" if encoding.is_3d else "slice"
        raise BadFileError(
            f"{file.path} holds {np.count_nonzero(counts > 1)} lines more than once, the first "
            f"being line {first // n_others} of {kind} {first % n_others}; each is needed once: "
            "leave the others out."
        )
