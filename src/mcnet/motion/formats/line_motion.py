"""A recording of head motion as the motion of one scan: one pose for each phase-encoding line."""

from mcnet.core.errors import McnetError
from mcnet.motion.trace import MotionTrace


def motion_of_lines(
    recorded: MotionTrace, n_lines: int, *, start: int = 0, resample: bool = False
) -> tuple[MotionTrace, str | None]:
    """One pose a line in the order of time, and what was done to the recording, if anything.

    Parameters
    ----------
    recorded
        Poses at equally spaced times.
    n_lines
        Phase-encoding lines of the scan.
    start
        First time point that is used, counted from 0.
    resample
        Whether the recording from ``start`` to its end is stretched or squeezed to span the whole
        scan. Otherwise one point is one line, and points beyond the last line are left out.

    Raises
    ------
    McnetError
        There is no such time point, or there are fewer points than lines and no resampling.
    """
    n_left = recorded.n_points - start
    if start < 0 or n_left < 1:
        raise McnetError(
            f"{recorded.name} has {recorded.n_points} poses, of which none is number {start} "
            f"(counted from 0); give a --start of 0 to {recorded.n_points - 1}."
        )
    from_start = f" from point {start} on" if start else ""
    if resample:
        if n_left == n_lines:
            return recorded.segment(start, n_lines), None
        told = f"{recorded.name}: its {n_left} poses{from_start} were resampled to {n_lines} lines."
        return recorded.segment(start, n_left).resampled(n_lines), told
    if n_left < n_lines:
        raise other_length(recorded.name, f"{n_left} poses{from_start}", n_lines)
    if recorded.n_points == n_lines:
        return recorded, None
    told = (
        f"{recorded.name}: {n_lines} of its {recorded.n_points} poses, from point {start} on, were "
        "used, one a line (--start chooses others, --resample takes all)."
    )
    return recorded.segment(start, n_lines), told


def check_one_pose_a_line(motion: MotionTrace, n_lines: int) -> None:
    """Refuse motion of another number of poses than the scan has lines.

    Raises
    ------
    McnetError
        It has.
    """
    if motion.n_points != n_lines:
        raise other_length(motion.name, f"{motion.n_points} poses", n_lines)


def other_length(name: str, found: str, n_lines: int) -> McnetError:
    """Return the sentence about a trace of another length than the scan, to be raised."""
    return McnetError(
        f"{name} has {found}, but the scan has {n_lines} phase-encoding lines and needs one pose "
        "for each; use a recording of that length, or resample this one to span the scan: "
        "--resample."
    )
