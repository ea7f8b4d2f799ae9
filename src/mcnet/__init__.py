"""mcnet makes, corrects and measures head motion in structural brain MRI.

Everything named in ``__all__`` is loaded when it is first used, so that ``import mcnet`` loads
nothing slow::

    import mcnet

    correction = mcnet.correct("sub-01_T1w.nii.gz")
    correction.save("corrected.nii.gz")

Each function takes a path, a nibabel image or a `Volume`, writes nothing and prints nothing.
"""

import logging
import os
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcnet.api.assessing import assess
    from mcnet.api.comparing import Scores, compare
    from mcnet.api.correcting import Correction, correct
    from mcnet.api.corrupted import Corrupted
    from mcnet.api.corrupting import corrupt
    from mcnet.api.models import load_model
    from mcnet.api.motion import generate_motion, read_motion, write_motion
    from mcnet.api.reconstructed import Reconstructed
    from mcnet.api.reconstructing import reconstruct
    from mcnet.api.scans import read_scan, write_scan
    from mcnet.core.errors import McnetError
    from mcnet.correction.outcome import Assessment
    from mcnet.io.volume import Volume
    from mcnet.motion.trace import MotionTrace
    from mcnet.physics.acquisition import Acquisition

# OpenMP reads these once, when torch or finufft is loaded. By default a thread that waits for
# others spins; beside other busy processes, those that it waits for then seldom get a core
# (measured by benchmarks/busy.py).
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("KMP_BLOCKTIME", "0")  # the same in the OpenMP of Intel and LLVM

logging.getLogger(__name__).addHandler(logging.NullHandler())

__version__ = "0.3.0"

_MODULES = {
    "Acquisition": "mcnet.physics.acquisition",
    "Assessment": "mcnet.correction.outcome",
    "Correction": "mcnet.api.correcting",
    "Corrupted": "mcnet.api.corrupted",
    "McnetError": "mcnet.core.errors",
    "MotionTrace": "mcnet.motion.trace",
    "Reconstructed": "mcnet.api.reconstructed",
    "Scores": "mcnet.api.comparing",
    "Volume": "mcnet.io.volume",
    "assess": "mcnet.api.assessing",
    "compare": "mcnet.api.comparing",
    "correct": "mcnet.api.correcting",
    "corrupt": "mcnet.api.corrupting",
    "generate_motion": "mcnet.api.motion",
    "load_model": "mcnet.api.models",
    "read_motion": "mcnet.api.motion",
    "read_scan": "mcnet.api.scans",
    "reconstruct": "mcnet.api.reconstructing",
    "write_motion": "mcnet.api.motion",
    "write_scan": "mcnet.api.scans",
}
"""Where each name of the public API is defined."""

__all__ = [  # noqa: RUF022 (by what they are for)
    "read_scan",
    "write_scan",
    "Volume",
    "read_motion",
    "write_motion",
    "generate_motion",
    "MotionTrace",
    "Acquisition",
    "corrupt",
    "Corrupted",
    "load_model",
    "correct",
    "Correction",
    "assess",
    "Assessment",
    "compare",
    "Scores",
    "reconstruct",
    "Reconstructed",
    "McnetError",
]

if not TYPE_CHECKING:  # a type checker shall know the names, and miss others

    def __getattr__(name):
        """Load a name of the public API when it is first used."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = getattr(import_module(_MODULES[name]), name)
        globals()[name] = found  # the next time it is simply there
        return found


def __dir__() -> list[str]:
    """Return the names of the public API too, loaded or not."""
    return sorted({*globals(), *__all__})
