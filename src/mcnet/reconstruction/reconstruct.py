"""Motion-corrected image from raw k-space, with motion that is given or estimated."""

from mcnet.core.progress import OnProgress
from mcnet.io.kspace import RawScan
from mcnet.io.volume import Volume
from mcnet.motion.trace import MotionTrace
from mcnet.reconstruction.estimated_motion import with_estimated_motion
from mcnet.reconstruction.given_motion import with_given_motion
from mcnet.reconstruction.options import ReconstructionOptions
from mcnet.reconstruction.outcome import Reconstruction


def reconstruct(
    raw: RawScan,
    *,
    motion: MotionTrace | None,
    initial_image: Volume | None = None,
    options: ReconstructionOptions | None = None,
    on_progress: OnProgress | None = None,
) -> Reconstruction:
    """Motion-corrected image, the motion, and how well both explain the k-space.

    Parameters
    ----------
    raw
        K-space as measured.
    motion
        One pose per line, in the order of time, by the conventions of `mcnet.motion.poses` about
        the centre of the field of view. It is used as it is: the image shows the head in the
        reference pose of the trace (no translation, no rotation), wherever the scanner first saw
        it. None: the motion is estimated from the k-space.
    initial_image
        What the motion estimation starts from, on the grid and intensity scale of
        `mcnet.reconstruction.root_sum_of_squares.root_sum_of_squares`, such as
        `mcnet.correction.initial_image.network_image` makes; that image itself if absent. It is
        also the result where the estimated motion is rejected, and the sentences name it by its
        name. Given motion needs none.
    options
        The default if absent.
    on_progress
        Told of steps of the solver, over all slices.

    Raises
    ------
    McnetError
        The trace has not one pose per line, moves farther than a head can, or moves the head out
        of the slices of a 2D scan; or the initial image lies on another grid.

    Examples
    --------
    >>> from mcnet.io.mrd.reading import read_raw
    >>> found = reconstruct(read_raw(path), motion=None)  # doctest: +SKIP
    >>> found.accepted, found.motion.n_points  # doctest: +SKIP
    (True, 128)
    """
    options = options or ReconstructionOptions()
    if motion is None:
        return with_estimated_motion(raw, initial_image, options, on_progress)
    return with_given_motion(raw, motion, options, on_progress)
