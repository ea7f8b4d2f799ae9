"""What a reconstruction gives back: the image, the motion, and how well both fit the k-space."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from mcnet.core.provenance import Inputs
from mcnet.io.kspace import RawScan
from mcnet.io.volume import Volume
from mcnet.motion.trace import MotionTrace

if TYPE_CHECKING:
    from mcnet.reconstruction.outcome import Reconstruction


@dataclass(frozen=True, eq=False)
class Reconstructed:
    """An image of the still head, the motion, and how well both explain the k-space.

    Examples
    --------
    >>> import mcnet
    >>> from mcnet.datasets.template import template_head
    >>> acquisition = mcnet.Acquisition((12, 16, 14), (240.0, 256.0, 252.0))
    >>> head = template_head(resolution_mm=8.0)
    >>> moved = mcnet.corrupt(head, mcnet.generate_motion(16, 1), acquisition=acquisition)
    >>> found = mcnet.reconstruct(moved.kspace(), moved.motion, preview=True)
    >>> found.image.values.shape, found.line_residual.shape, found.motion is moved.motion
    ((12, 16, 14), (16,), True)
    """

    result: "Reconstruction"
    """All that was found."""
    raw: RawScan
    """K-space as measured."""
    inputs: Inputs
    """What it was made from, for the provenance."""
    remarks: tuple[str, ...]
    """Sentences on the motion that was given, and what was done to it."""
    model: str | None = None
    """Name of the network that made the initial image of a motion estimation."""

    @property
    def image(self) -> Volume:
        """Magnitudes of the still head."""
        return self.result.image

    @property
    def as_scanned(self) -> Volume:
        """The scanner's image, which the motion corrupts, on the same grid."""
        return self.result.corrupted

    @property
    def motion(self) -> MotionTrace:
        """Poses of the head, one a line in the order of time: given, or estimated."""
        return self.result.motion

    @property
    def accepted(self) -> bool:
        """Whether image and motion pass the data-consistency check."""
        return self.result.accepted

    @property
    def data_consistency(self) -> str:
        """Outcome of that check in one or two sentences."""
        return self.result.data_consistency

    @property
    def line_residual(self) -> Float[np.ndarray, "n_lines"]:
        """Relative residual of each line, by its place in k-space."""
        return self.result.line_residual

    def save(
        self,
        path: str | Path,
        *,
        motion: str | Path | None = None,
        motion_format: str = "csv",
        report: str | Path | None = None,
    ) -> None:
        """Write the image as ``mcnet reconstruct`` does, with its provenance beside it.

        Parameters
        ----------
        path
            A NIfTI file.
        motion
            Also write the motion that was used.
        motion_format
            Of that file.
        report
            Also write a page that shows what was done.

        Raises
        ------
        McnetError
            A path cannot or should not be written.
        """
        from mcnet.core.outputs import PAGE, check_outputs, given
        from mcnet.core.writing import written_together
        from mcnet.io.nifti.files import write_volume
        from mcnet.io.nifti.names import NIFTI
        from mcnet.io.phase_encoding import phase_encoding_note
        from mcnet.motion.formats.files import MOTION_FILE, check_motion_name, write_motion

        image = Path(path)
        trace, page = (None if one is None else Path(one) for one in (motion, report))
        check_outputs(given(("", image, NIFTI), ("", trace, MOTION_FILE), ("", page, PAGE)))
        if trace:
            check_motion_name(trace, motion_format)
        notes = self.notes | phase_encoding_note(self.raw.line_axis)
        with written_together():
            write_volume(image, self.image, inputs=self.inputs, notes=notes)
            if trace:
                write_motion(trace, self.motion, motion_format, inputs=self.inputs)
            if page:
                from mcnet.report.reconstruction_page import write_reconstruction_page

                write_reconstruction_page(page, self.result, inputs=self.inputs)

    @property
    def notes(self) -> dict[str, Any]:
        """What the record beside the image says of how it was made."""
        return {
            **self.result.notes,
            "data_consistency": self.data_consistency,
            "accepted": self.accepted,
            "line_residual": [round(float(one), 4) for one in self.line_residual],
            **({} if self.result.motion_known else {"model": self.model}),
        }

    def _repr_html_(self) -> str:
        """Pictures of the image as scanned, reconstructed, and the difference, for notebooks."""
        from mcnet.report.inline import comparison_html

        names = ("as scanned", "reconstructed")
        return comparison_html(self.data_consistency, self.as_scanned, self.image, names)

    def __repr__(self) -> str:
        return f"<Reconstructed {self.raw.name}: {self.data_consistency}>"
