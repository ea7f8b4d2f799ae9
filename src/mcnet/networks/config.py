"""The shape of a network, as data: what an experiment and a file of weights say of it."""

from dataclasses import dataclass
from typing import Literal

from mcnet.core.errors import McnetError

Head = Literal["direct", "residual"]
HEADS: tuple[Head, ...] = ("direct", "residual")


@dataclass(frozen=True)
class NetworkConfig:
    """The shape of a network; the default is near the paper's."""

    levels: int = 5
    """Resolutions; between two of them the image is halved."""
    width: int = 64
    """Channels of the first level; every further level has twice as many."""
    head: Head = "direct"
    """Give the image itself, or what is to be added to the input (zero before training)."""
    fold: int = 1
    """Pixels along an edge of the square that is folded into channels first: 1 is the paper's,
    2 is several times faster for the same number of parameters."""
    adjacent: int = 0
    """Slices on either side of the one to correct that are seen with it; 0 is the paper's."""
    sees_undone: bool = False
    """See as a last image what a search took away from the slice: before minus after."""

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        for name, value, least, most in (
            ("levels", self.levels, 1, 8),
            ("width", self.width, 1, 1024),
            ("fold", self.fold, 1, 8),
            ("adjacent", self.adjacent, 0, 4),
        ):
            if not isinstance(value, int) or not least <= value <= most:
                raise McnetError(
                    f"network {name} {value!r} is impossible; give a whole number from {least} to "
                    f"{most}."
                )
        if self.head not in HEADS:
            raise McnetError(f"network head {self.head!r} is none of {', '.join(HEADS)}.")

    @property
    def n_seen(self) -> int:
        """Slices that the network sees at once; the middle one is corrected."""
        return 2 * self.adjacent + 1

    @property
    def n_inputs(self) -> int:
        """Images that the network sees at once."""
        return self.n_seen + self.sees_undone

    @property
    def multiple(self) -> int:
        """Rows and columns are padded to a multiple of this."""
        return int(self.fold * 2 ** (self.levels - 1))


@dataclass(frozen=True)
class SeverityConfig:
    """The shape of the network that judges slices."""

    levels: int = 4
    """Resolutions; between two of them the image is halved."""
    width: int = 24
    """Channels of the first level; every further level has half as many more."""
    fold: int = 4
    """Pixels along an edge of the square that is folded into channels first."""

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        for name, most in (("levels", 6), ("width", 256), ("fold", 8)):
            value = getattr(self, name)
            if not isinstance(value, int) or not 1 <= value <= most:
                raise McnetError(
                    f"{name} {value!r} of the severity network is impossible; give a whole number "
                    f"from 1 to {most}."
                )

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of each level."""
        return tuple(int(self.width * 1.5**level) for level in range(self.levels))
