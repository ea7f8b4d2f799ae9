"""What computes transforms: cores of the CPU, or a CUDA GPU with cupy and cufinufft."""

import logging
import os
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np

from mcnet.core.errors import BadOptionError, DeviceError
from mcnet.core.extras import how_to_install

Device = Literal["cpu", "cuda"]
DEVICES: tuple[Device, ...] = ("cpu", "cuda")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Engine:
    """The device that computes, and how many of its cores; the default takes all of a CPU."""

    device: Device = "cpu"
    n_threads: int = 0
    """Threads of one transform on the CPU, 0 for `n_threads_at_most`. One is best where as many
    processes as there are cores work beside one another."""

    def __post_init__(self) -> None:
        """Refuse what cannot compute."""
        if self.device not in DEVICES:
            raise BadOptionError(f"device {self.device!r} is none of {', '.join(DEVICES)}.")
        if self.n_threads < 0:
            raise BadOptionError(
                f"{self.n_threads} threads are impossible; give 1 or more, or 0 for all cores."
            )

    @property
    def threads(self) -> int:
        """Threads of one transform on the CPU, 1 or more."""
        return self.n_threads or n_threads_at_most()

    @property
    def xp(self) -> Any:
        """Module of the device's arrays: numpy or cupy, which share their functions.

        Raises
        ------
        DeviceError
            There is no GPU, or the packages to use it are missing.
        """
        return _cupy() if self.device == "cuda" else np

    def require(self) -> None:
        """Refuse a device that is not here, before any work.

        Raises
        ------
        DeviceError
            There is no GPU, or the packages to use it are missing.
        """
        _ = self.xp

    def array(self, values: Any, dtype: Any = None) -> Any:
        """Array on the device; on the CPU the same one where nothing changes."""
        return self.xp.asarray(values, dtype=dtype)

    def on_host(self, values: Any) -> np.ndarray:
        """Array in the memory of the CPU."""
        return values if isinstance(values, np.ndarray) else np.asarray(self.xp.asnumpy(values))


def n_cores() -> int:
    """Cores that this process may use: those of its affinity, within the quota of its cgroup.

    `os.cpu_count` counts all cores of the machine instead.
    """
    from joblib import cpu_count  # type: ignore[import-untyped]

    return int(cpu_count())


def n_threads_at_most() -> int:
    """Threads that work beside one another: `n_cores`, or fewer where ``OMP_NUM_THREADS`` says so.

    Whoever starts several processes on one machine (torchrun, ``make test``) sets that variable.
    """
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return min(n_cores(), max(int(asked), 1)) if asked.isdigit() else n_cores()


ALL_CORES = Engine()
ONE_CORE = Engine(n_threads=1)


@cache
def _cupy() -> Any:
    try:
        import cufinufft  # noqa: F401  (its absence is told here, before any work)
        import cupy
    except ImportError as error:
        raise DeviceError(
            f"device cuda needs {error.name or 'cupy and cufinufft'}, which is not installed: "
            f"{how_to_install('gpu')}; or compute on the device cpu."
        ) from error
    try:
        n_devices = cupy.cuda.runtime.getDeviceCount()
    except Exception as error:  # cupy's own error for a missing or too old driver
        raise DeviceError(
            f"device cuda cannot be used here ({error}); compute on the device cpu."
        ) from error
    if n_devices == 0:
        raise DeviceError("device cuda is not there; compute on the device cpu.")
    _log.info("device cuda: %d GPUs are there, the first computes", n_devices)
    return cupy
