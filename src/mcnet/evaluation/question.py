"""Questions of an experiment, each a comparison of two models, and the baselines."""

from dataclasses import dataclass

BASELINES: tuple[str, ...] = ("corrupted", "registered", "smoothed")
"""Images that are made without a network, and scored beside those of networks."""


@dataclass(frozen=True)
class Question:
    """A question that a comparison of two models answers."""

    ask: str
    """The question, as the report prints it."""
    model: str
    against: str
    """A model or a baseline."""
    crossed: bool = False
    """Whether the two change places on odd test traces, counted from 0 by name. Of two networks
    that learned from the even and from the odd ones, the difference is then the effect of
    having learned from a trace: the overall quality of each network cancels."""
