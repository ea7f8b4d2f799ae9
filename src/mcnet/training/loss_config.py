"""What the paper leaves open about its loss, as data."""

from dataclasses import dataclass
from typing import Literal

from mcnet.core.errors import McnetError

Target = Literal["residual", "output"]
TARGETS: tuple[Target, ...] = ("residual", "output")
Reduction = Literal["mean", "sum"]
REDUCTIONS: tuple[Reduction, ...] = ("mean", "sum")


@dataclass(frozen=True)
class LossConfig:
    """What the paper leaves open about its loss."""

    tv_target: Target = "residual"
    """The image whose total variation is taken. The paper's text says residual (output minus
    reference); of the output itself, total variation rewards blur."""
    reduction: Reduction = "mean"
    """How total variation is taken over the pixels; L1 is always the mean. Summed, it is thousands
    of times L1 and drowns it."""
    air_weight: float = 1.0
    """Weight of pixels outside the head in L1, where 1 is that of pixels inside. Most of what is
    easily gained is ghosts in the air, and users look at the head."""
    ssim_weight: float = 0.0
    """Weight of ``1 - SSIM`` inside the head (uniform windows of 7 pixels)."""

    def __post_init__(self) -> None:
        """Refuse words that mean nothing here."""
        if self.tv_target not in TARGETS:
            raise McnetError(f"tv_target {self.tv_target!r} is none of {', '.join(TARGETS)}.")
        if self.reduction not in REDUCTIONS:
            raise McnetError(f"reduction {self.reduction!r} is none of {', '.join(REDUCTIONS)}.")
        for name in ("air_weight", "ssim_weight"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise McnetError(f"{name} {getattr(self, name)!r} is no weight; give 0 or more.")
