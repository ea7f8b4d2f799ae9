"""mcnet makes, corrects and measures head motion in structural brain MRI.

Import what you need from its module, for instance ``from mcnet.simulation.motion import
MotionTrace``; the package itself imports nothing, so that it loads at once.
"""

from importlib.metadata import version

__version__ = version("mcnet")
