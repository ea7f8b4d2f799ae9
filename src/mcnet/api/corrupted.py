"""What a simulated scan of a moving head gives back: images, motion and k-space."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32

from mcnet.core.engine import Engine
from mcnet.core.provenance import Inputs
from mcnet.io.volume import NibabelImage, Volume
from mcnet.motion.trace import MotionTrace
from mcnet.physics.acquisition import Acquisition

if TYPE_CHECKING:
    from mcnet.datasets.corrupted_scan import CorruptedScan
    from mcnet.datasets.raw_simulation import RawOptions
    from mcnet.io.kspace import RawScan


@dataclass(frozen=True, eq=False)
class Corrupted:
    """A scan of a moving head, the same scan without motion, and the motion.

    Examples
    --------
    >>> import mcnet
    >>> from mcnet.datasets.template import template_head
    >>> acquisition = mcnet.Acquisition((12, 16, 14), (240.0, 256.0, 252.0))
    >>> head = template_head(resolution_mm=8.0)
    >>> moved = mcnet.corrupt(head, mcnet.generate_motion(16, 1), acquisition=acquisition)
    >>> moved.volume.values.shape == moved.reference.values.shape == acquisition.matrix
    True
    >>> moved.kspace().kspace.shape  # one coil
    (1, 12, 16, 14)
    """

    images: "CorruptedScan"
    motion: MotionTrace
    """The motion that was used, one pose a line in the order of time, at rest when the centre of
    k-space is acquired."""
    acquisition: Acquisition
    scan: Volume
    """The still scan that it was made from."""
    engine: Engine
    like: Path | NibabelImage | None
    """The file or image whose data type and order of axes written images take."""
    scan_inputs: Inputs
    """What the still scan was read from, for the provenance."""
    motion_input: Path | str
    """The same of the motion."""
    options: Mapping[str, Any]
    """What was asked for, for the provenance."""
    remarks: tuple[str, ...]
    """Sentences on the motion, and what was done to it."""
    raw_options: "RawOptions"
    """Coils, noise and phase of `kspace`."""

    @property
    def volume(self) -> Volume:
        """The corrupted magnitude image, on the grid of the acquisition."""
        return self.images.corrupted

    @property
    def reference(self) -> Volume:
        """The motion-free image, on the same grid and intensity scale."""
        return self.images.reference

    @property
    def phase_rad(self) -> Float32[np.ndarray, "x y z"]:
        """Phase of the corrupted image in radians."""
        return self.images.phase_rad

    @property
    def inputs(self) -> Inputs:
        """What it was made from, for the provenance."""
        return {**self.scan_inputs, "motion": self.motion_input}

    @property
    def notes(self) -> dict[str, Any]:
        """What the records of written files say of the motion."""
        return {"motion_magnitude": self.motion.magnitude, **self.options}

    def kspace(self) -> "RawScan":
        """What the scanner measures of the same moving head, line by line, as ``raw`` was asked."""
        from mcnet.datasets.raw_simulation import simulate_raw

        return simulate_raw(self.scan, self.motion, self.acquisition, self.raw_options, self.engine)

    def save(
        self,
        path: str | Path,
        *,
        reference: str | Path | None = None,
        phase: str | Path | None = None,
        motion: str | Path | None = None,
        motion_format: str = "csv",
    ) -> None:
        """Write the corrupted image as ``mcnet corrupt`` does, with its provenance beside it.

        Parameters
        ----------
        path
            A NIfTI file, in the data type and order of axes of the scan that was given.
        reference
            Also write the motion-free image.
        phase
            Also write the phase of the corrupted image, in radians.
        motion
            Also write the motion that was used.
        motion_format
            Of that file.

        Raises
        ------
        McnetError
            A path cannot or should not be written.
        """
        from mcnet.core.outputs import check_outputs, given
        from mcnet.core.writing import written_together
        from mcnet.io.nifti.names import NIFTI
        from mcnet.motion.formats.files import MOTION_FILE, check_motion_name, write_motion

        image = Path(path)
        still, angles, trace = (
            None if one is None else Path(one) for one in (reference, phase, motion)
        )
        outputs = [("", image, NIFTI), ("", still, NIFTI), ("", angles, NIFTI)]
        read = self.like if isinstance(self.like, Path) else None
        check_outputs(given(*outputs, ("", trace, MOTION_FILE)), given(("", read, NIFTI)))
        if trace:
            check_motion_name(trace, motion_format)
        with written_together():
            self._write_images(image, still, angles)
            if trace:
                write_motion(trace, self.motion, motion_format, inputs=self.inputs)

    def _write_images(self, image: Path, still: Path | None, angles: Path | None) -> None:
        from mcnet.io.nifti.files import write_volume
        from mcnet.io.phase_encoding import phase_encoding_note

        axis, like = self.acquisition.phase_encoding_axis, self.like
        lines = phase_encoding_note(axis, like)
        about = self.notes | lines
        write_volume(image, self.volume, like=like, inputs=self.inputs, notes=about)
        if still:
            write_volume(still, self.reference, like=like, inputs=self.scan_inputs, notes=lines)
        if angles:
            values = replace(self.volume, values=self.phase_rad)
            notes = self.notes | {"unit": "rad"} | phase_encoding_note(axis)
            write_volume(angles, values, inputs=self.inputs, notes=notes)

    def _repr_html_(self) -> str:
        """Pictures of the motion-free and the corrupted image and the difference, for notebooks."""
        from mcnet.report.inline import comparison_html

        names = ("motion-free", "corrupted")
        return comparison_html(repr(self).strip("<>"), self.reference, self.volume, names)

    def __repr__(self) -> str:
        return (
            f"<Corrupted {self.scan.name}: motion of standard deviation "
            f"{self.motion.magnitude:.2f} (mm and deg)>"
        )
