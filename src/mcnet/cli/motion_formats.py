"""The motion formats as choices of an option, named without importing what reads the files."""

from typing import TYPE_CHECKING, Literal

from mcnet.motion.formats.registry import AUTO, FORMAT_NAMES

if TYPE_CHECKING:
    FormatRead = str
    FormatWritten = str
else:
    FormatRead = Literal[AUTO, *FORMAT_NAMES]
    FormatWritten = Literal[*FORMAT_NAMES]
