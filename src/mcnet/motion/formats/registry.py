"""The motion formats that mcnet knows: each module of `mcnet.motion.formats.programs` is one.

A new file there is a new format, of the library, the command line and the refusals at once: the
folder is the list. The names are those of the modules, so that the command line shows them without
importing what reads the files.
"""

import pkgutil
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

import mcnet.motion.formats.programs
from mcnet.core.errors import McnetError

if TYPE_CHECKING:
    from mcnet.motion.formats.motion_format import MotionFormat

_PROGRAMS = mcnet.motion.formats.programs
FORMAT_NAMES: tuple[str, ...] = tuple(
    sorted(module.name for module in pkgutil.iter_modules(_PROGRAMS.__path__))
)
"""Names of the formats, as ``--motion-format`` takes them."""
AUTO = "auto"
"""In place of a name: the format is detected by the file's header and name."""


@cache
def format_named(name: str) -> "MotionFormat":
    """Return the format of this name.

    Raises
    ------
    McnetError
        There is none.
    """
    if name not in FORMAT_NAMES:
        raise McnetError(
            f"motion format {name!r} is unknown; give one of {', '.join(FORMAT_NAMES)}."
        )
    found: MotionFormat = import_module(f"{_PROGRAMS.__name__}.{name}").FORMAT
    return found


def motion_formats() -> "tuple[MotionFormat, ...]":
    """Return all formats, in the order of their names."""
    return tuple(format_named(name) for name in FORMAT_NAMES)
