"""The image of the still head from raw k-space of a moving one."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcnet.api.models import load_model
from mcnet.api.motion import read_motion
from mcnet.api.progress import AskedProgress, shown
from mcnet.api.reconstructed import Reconstructed
from mcnet.core.errors import BadOptionError
from mcnet.core.extras import check_extra
from mcnet.core.progress import OnProgress
from mcnet.core.provenance import Inputs, sha256_of_arrays
from mcnet.io.kspace import RawScan
from mcnet.io.volume import Volume
from mcnet.motion.trace import MotionTrace

if TYPE_CHECKING:
    from mcnet.correction.models import Model

_COARSE_MM = 1.5
"""Smallest pixel size for which the model of 2 mm is the default."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """Everything that a reconstruction needs, read and checked."""

    raw: RawScan
    motion: MotionTrace | None
    """One pose a line; None: it is to be estimated."""
    network: "Model | None"
    """Of the initial image."""
    inputs: Inputs
    remarks: tuple[str, ...]
    preview: bool

    def reconstructed(self, on_progress: OnProgress | None = None) -> Reconstructed:
        """Return the reconstruction.

        Raises
        ------
        McnetError
            The motion does not fit the scan.
        """
        from mcnet.reconstruction.options import ReconstructionOptions
        from mcnet.reconstruction.reconstruct import reconstruct as by_kspace

        result = by_kspace(
            self.raw,
            motion=self.motion,
            initial_image=_initial_image(self.raw, self.network) if self.network else None,
            options=ReconstructionOptions(preview=self.preview),
            on_progress=on_progress,
        )
        name = self.network.name if self.network else None
        return Reconstructed(result, self.raw, self.inputs, self.remarks, name)


def reconstruct(
    raw: str | Path | RawScan,
    motion: str | Path | MotionTrace | None = None,
    *,
    model: "str | Path | Model | None" = "auto",
    motion_format: str = "auto",
    start: int = 0,
    resample: bool = False,
    preview: bool = False,
    progress: AskedProgress = False,
) -> Reconstructed:
    """Return the image of the still head from raw k-space, with its motion given or estimated.

    Parameters
    ----------
    raw
        Path of an ISMRMRD file (Cartesian, every line measured once), or k-space in memory, shape
        (n_coils, n_x, n_y, n_z).
    motion
        The head's motion, a motion file or a trace; None: it is estimated from the k-space.
    model
        The network that makes the initial image of the motion estimation: a name, a file of
        weights, or what `mcnet.load_model` gave; "auto" takes the one for these pixels, None starts
        from the scan as it is.
    motion_format
        Program that wrote a motion file.
    start
        First time point of the motion to use, counted from 0.
    resample
        Stretch or squeeze the motion, from there to its end, to span the whole scan; otherwise one
        point is one line.
    preview
        A quick image: one gridding instead of conjugate gradients, with motion that is given.
    progress
        True for a bar, or a function of the number of steps done and of all.

    Raises
    ------
    BadOptionError
        Options that contradict one another.
    MissingExtraError
        What reads raw data, or what the network needs, is not installed.
    McnetError
        A file cannot be read, or the motion does not fit the scan.

    Examples
    --------
    >>> import mcnet
    >>> from mcnet.datasets.template import template_head
    >>> acquisition = mcnet.Acquisition((16, 24, 16), (256.0, 256.0, 256.0))
    >>> moved = mcnet.corrupt(
    ...     template_head(resolution_mm=8.0),
    ...     mcnet.generate_motion(24, 1),
    ...     acquisition=acquisition,
    ... )
    >>> still = mcnet.reconstruct(moved.kspace(), moved.motion, preview=True)
    >>> still.image.values.shape
    (16, 24, 16)
    """
    ready = prepared(
        raw,
        motion,
        model=model,
        motion_format=motion_format,
        start=start,
        resample=resample,
        preview=preview,
    )
    with shown(progress, f"Reconstructing {ready.raw.name}") as on_progress:
        return ready.reconstructed(on_progress)


def prepared(
    raw: str | Path | RawScan,
    motion: str | Path | MotionTrace | None,
    *,
    model: "str | Path | Model | None",
    motion_format: str,
    start: int,
    resample: bool,
    preview: bool,
) -> Prepared:
    """Everything that `reconstruct` needs, read and checked before any work.

    Raises
    ------
    McnetError
        As `reconstruct`.
    """
    check_reconstruction(is_known=motion is not None, **_asked(model, start, resample, preview))
    from mcnet.motion.formats.line_motion import motion_of_lines
    from mcnet.motion.plausibility import remarks

    recorded = motion
    if isinstance(recorded, str | Path):
        recorded = read_motion(recorded, motion_format)
    scan, inputs = _read(raw, motion)
    if recorded is not None:
        trace, told = motion_of_lines(recorded, scan.n_lines, start=start, resample=resample)
        sentences = (*([told] if told else []), *remarks(trace))
        return Prepared(scan, trace, None, inputs, sentences, preview)
    network = None if model is None else load_model(_for_pixels(model, scan))
    inputs = {**inputs, "model": network.path} if network else inputs
    return Prepared(scan, None, network, inputs, (), preview)


def _asked(model: Any, start: int, resample: bool, preview: bool) -> Mapping[str, bool]:
    """Which options were given that go with motion of one kind alone."""
    return {
        "names_model": model not in ("auto", None),
        "places_motion": bool(start or resample),
        "previews": preview,
    }


def check_reconstruction(
    *, is_known: bool, names_model: bool, places_motion: bool, previews: bool
) -> None:
    """Refuse options that go with known motion where it is not, and the reverse.

    Raises
    ------
    BadOptionError
        They contradict one another.
    """
    if previews and not is_known:
        raise BadOptionError("a preview grids with motion that is known; give the motion.")
    if names_model and is_known:
        raise BadOptionError(
            "a model makes the initial image of a motion estimation; leave it out, or the motion."
        )
    if places_motion and not is_known:
        raise BadOptionError("start and resample are of motion that is known; give the motion.")


def _read(
    raw: str | Path | RawScan, motion: str | Path | MotionTrace | None
) -> tuple[RawScan, Inputs]:
    """K-space, and what it and the motion were read from."""
    inputs: dict[str, Path | str] = {}
    if isinstance(raw, RawScan):
        scan = raw
        inputs["raw"] = sha256_of_arrays(raw.kspace, raw.affine, raw.line_at_time)
    else:
        check_extra("raw", "mcnet.reconstruct")
        from mcnet.io.mrd.reading import read_raw

        scan, inputs["raw"] = read_raw(Path(raw)), Path(raw)
    if isinstance(motion, MotionTrace):
        inputs["motion"] = sha256_of_arrays(motion.translation_mm, motion.rotation_deg)
    elif motion is not None:
        inputs["motion"] = Path(motion)
    return scan, inputs


def _initial_image(raw: RawScan, network: "Model") -> Volume:
    """What the network makes of the scanner's image."""
    from mcnet.correction.initial_image import network_image
    from mcnet.reconstruction.root_sum_of_squares import root_sum_of_squares

    return network_image(root_sum_of_squares(raw), network)


def _for_pixels(model: "str | Path | Model", scan: RawScan) -> "str | Path | Model":
    if model != "auto":
        return model
    return "paper-2mm" if min(scan.grid.pixel_mm) >= _COARSE_MM else "t1w-1mm"
