"""The shape of a network, as data: what settings and a file of weights say of it, without torch."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from mcnet.core.errors import McnetError

if TYPE_CHECKING:
    from mcnet.networks.base import ImageNetwork

Head = Literal["direct", "residual"]
HEADS: tuple[Head, ...] = ("direct", "residual")
DEFAULT_ARCHITECTURE: str = "unet"
"""Of settings and files of weights that name none."""
SEVERITY_ARCHITECTURE: str = "severity"
"""Of files of weights that hold the severity estimator's network, which corrects nothing."""


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """What every network that corrects images has; an architecture adds settings of its own.

    An architecture is a subclass in a file of `mcnet.networks.architectures`, which imports torch
    no sooner than in `build`.
    """

    architecture: str
    """Name of the architecture, by which settings choose it and files of weights name it."""
    head: Head = "direct"
    """Give the image itself, or what is to be added to the input (zero before training)."""
    fold: int = 1
    """Pixels along an edge of the square that is folded into channels first: 1 is the paper's,
    2 is several times faster for the same number of parameters."""
    adjacent: int = 0
    """Slices on either side of the one to correct that are seen with it; 0 is the paper's."""
    search_difference: bool = False
    """See, as a last image, what a search for the motion changed in the slice: before minus
    after."""

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        check_within("fold", self.fold, 1, 8)
        check_within("adjacent", self.adjacent, 0, 4)
        if self.head not in HEADS:
            raise McnetError(f"network head {self.head!r} is none of {', '.join(HEADS)}.")

    @property
    def n_slices(self) -> int:
        """Slices that the network sees at once; the middle one is corrected."""
        return 2 * self.adjacent + 1

    @property
    def n_inputs(self) -> int:
        """Images that the network sees at once."""
        return self.n_slices + self.search_difference

    @property
    def n_channels_in(self) -> int:
        """Channels of the folded images that the first layer sees."""
        return self.n_inputs * self.n_channels_out

    @property
    def n_channels_out(self) -> int:
        """Channels that the last layer gives, of which one image is unfolded."""
        return self.fold**2

    @property
    def multiple(self) -> int:
        """Rows and columns are padded to a multiple of this."""
        return self.fold

    def n_normalised(self, rows: int, columns: int) -> int | None:  # noqa: ARG002
        """Values a channel of one image where batch norm has fewest; none without batch norm."""
        return None

    @property
    def settings(self) -> dict[str, Any]:
        """Settings of the architecture, which a file of weights names beside them."""
        found = asdict(self)
        del found["architecture"]
        return found

    @property
    def identity(self) -> dict[str, Any]:
        """What a finished training is known again by, under the names of version 0.3.0.

        Names of settings that have changed since are those of then, and a U-Net names no
        architecture, so that what was trained before is not trained again.
        """
        found = self.settings
        found["sees_undone"] = found.pop("search_difference")
        is_default = self.architecture == DEFAULT_ARCHITECTURE
        return found if is_default else {**found, "architecture": self.architecture}

    def build(self) -> "ImageNetwork":
        """A network of this shape with random weights."""
        raise NotImplementedError


@dataclass(frozen=True)
class SeverityConfig:
    """The shape of the severity estimator's network."""

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


def check_within(name: str, value: object, least: int, most: int) -> None:
    """Refuse a setting of a network that is no whole number between two others.

    Raises
    ------
    McnetError
        It is not.
    """
    if not isinstance(value, int) or not least <= value <= most:
        raise McnetError(
            f"network {name} {value!r} is impossible; give a whole number from {least} to {most}."
        )
