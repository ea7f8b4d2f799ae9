"""Lines of k-space that were not measured: absent from the file, or there and full of zeros."""

from pathlib import Path

import numpy as np
from jaxtyping import Bool, Complex64

from mcnet.core.errors import BadFileError

Missing = Bool[np.ndarray, "n_lines n_others"]
"""Whether each line is missing, for each partition of a 3D scan or slice of a 2D scan."""


def missing_lines(
    kspace: Complex64[np.ndarray, "n_coils n_readout n_lines n_others"], *, is_3d: bool
) -> Missing:
    """Lines whose samples are exactly zero in all coils; noise never is.

    Slices of a 2D scan, sorted by position, may be zero entirely at either end of the stack:
    beyond the head, in data simulated without noise.
    """
    missing = np.asarray(~kspace.any(axis=(0, 1)))
    if not is_3d:
        with_head = np.flatnonzero(~missing.all(axis=0))
        beyond = np.ones(missing.shape[1], dtype=bool)
        beyond[with_head[0] : with_head[-1] + 1] = False
        missing[:, beyond] = False
    return missing


def check_complete(path: Path, missing: Missing, *, is_3d: bool, how: str = "") -> None:
    """Check that all lines of k-space were measured.

    Raises
    ------
    McnetError
        Some were not: how many, and which. ``how`` says how the file leaves them out.
    """
    if not missing.any():
        return
    n_lines, kind = len(missing), "partition" if is_3d else "slice"
    lines = np.flatnonzero(missing.any(axis=1))
    line, other = np.argwhere(missing)[0]
    at_one_end = lines[-1] == lines.size - 1 or lines[0] == n_lines - lines.size
    why = " (partial Fourier)" if at_one_end and 1 < lines.size < n_lines else ""
    raise BadFileError(
        f"{path} lacks {np.count_nonzero(missing)} of {missing.size} acquisitions{how}{why}: "
        f"{lines.size} of {n_lines} lines are incomplete, the first being line {line} of {kind} "
        f"{other}; fully sampled k-space is needed: fill the gaps with another program, such as "
        "bart, first."
    )
