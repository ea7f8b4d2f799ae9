"""mcnet makes, corrects and measures head motion in structural brain MRI.

Import what you need from its module, for instance ``from mcnet.motion.trace import
MotionTrace``; the package itself imports nothing, so that it loads at once.
"""

import os
from importlib.metadata import version

# OpenMP reads these once, when torch or finufft is loaded. By default a thread that waits for
# others spins; beside other busy processes, those that it waits for then seldom get a core
# (measured by benchmarks/busy.py).
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("KMP_BLOCKTIME", "0")  # the same in the OpenMP of Intel and LLVM

__version__ = version("mcnet")
