"""Head motion: read, written, generated."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mcnet.motion.trace import MotionTrace

if TYPE_CHECKING:
    from mcnet.motion.generators import MotionProfile


def read_motion(
    path: str | Path,
    motion_format: str = "auto",
    *,
    interval_s: float | None = None,
) -> MotionTrace:
    """Return the head's motion from a motion file of FSL, SPM, AFNI or fMRIPrep, or from CSV.

    Parameters
    ----------
    path
        The file of one run.
    motion_format
        The program that wrote it; "auto" goes by the file's name and header.
    interval_s
        Time between two points in seconds, where the file does not tell it.

    Returns
    -------
    MotionTrace
        ``translation_mm`` and ``rotation_deg``, each of shape (n_points, 3), by the conventions of
        `mcnet.motion.poses`: RAS+ axes, about the centre of the field of view.

    Raises
    ------
    McnetError
        The file is missing or damaged, its format cannot be told, or no head moves like that.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_motion(f"{folder}/rest.par", generate_motion(64, 1), "fsl")
    ...     read_motion(f"{folder}/rest.par").n_points
    64
    """
    from mcnet.motion.formats.files import read_motion as read

    return read(Path(path), motion_format, interval_s=interval_s)


def write_motion(path: str | Path, motion: MotionTrace, motion_format: str = "csv") -> None:
    """Write the head's motion as a program's motion file, with a JSON file of provenance beside it.

    Parameters
    ----------
    path
        Where to: named as the program names its files (``rp_*.txt``, ``*.par``, ``*.1D``).
    motion
        What to write.
    motion_format
        The program; `read_motion` gives the motion back.

    Raises
    ------
    McnetError
        The path cannot or should not be written, or would not be read again as this format.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_motion(f"{folder}/motion.csv", generate_motion(8, 1))
    """
    from mcnet.motion.formats.files import check_motion_name
    from mcnet.motion.formats.files import write_motion as write

    check_motion_name(Path(path), motion_format)
    write(Path(path), motion, motion_format)


def generate_motion(
    n_points: int,
    rng: int | np.random.Generator,
    *,
    profile: "MotionProfile | None" = None,
    interval_s: float = 2.0,
) -> MotionTrace:
    """Return the motion of one random subject, at rest in the middle of the recording.

    Parameters
    ----------
    n_points
        Number of poses: for `mcnet.corrupt`, one a phase-encoding line.
    rng
        A seed or a generator; the same one gives the same motion.
    profile
        How subjects move; the default is fitted to recorded fMRI runs.
    interval_s
        Time between two poses.

    Raises
    ------
    McnetError
        Fewer than 2 points, or an impossible interval.

    Examples
    --------
    >>> motion = generate_motion(64, 7)
    >>> motion.rotation_deg.shape
    (64, 3)
    >>> bool((motion.poses == generate_motion(64, 7).poses).all())
    True
    """
    from mcnet.motion.generators import MotionProfile
    from mcnet.motion.generators import generate_motion as generate

    return generate(
        n_points,
        np.random.default_rng(rng),
        profile=profile or MotionProfile(),
        interval_s=interval_s,
    )
