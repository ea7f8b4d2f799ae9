"""How a scan is corrected."""

from dataclasses import dataclass

from mcnet.core.engine import DEVICES, Device
from mcnet.core.errors import McnetError
from mcnet.motion.poses import AXES, Axis


@dataclass(frozen=True)
class CorrectionOptions:
    """How a scan is corrected."""

    force: bool = False
    """Correct a scan even where it would be left: estimated to be still, without motion to undo, or
    of pixels too coarse."""
    uncertainty: bool = False
    """Give the uncertainty of every voxel too."""
    search: bool = True
    """Search for the motion first, and undo it; the network corrects what is left."""
    phase_encoding: Axis | None = None
    """The axis along which lines were encoded, one pose each; where it is not known, "y", front to
    back, as is usual for sagittal 3D scans. Of lines along "x" no motion is searched for."""
    device: Device = "cpu"

    def __post_init__(self) -> None:
        """Refuse a device that is none."""
        if self.device not in DEVICES:
            raise McnetError(f"device {self.device!r} is none of {', '.join(DEVICES)}.")
        if self.phase_encoding not in (None, *AXES):
            raise McnetError(f"phase encoding {self.phase_encoding!r} is none of x, y, z.")


AS_USUAL = CorrectionOptions()
