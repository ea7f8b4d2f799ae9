"""What an experiment asks of two models, as data, and what needs no model."""

from dataclasses import dataclass

BASELINES: tuple[str, ...] = ("corrupted", "registered", "smoothed")
"""Images that are made without a network, and scored beside those of networks."""


@dataclass(frozen=True)
class Question:
    """What the comparison of two models is to answer."""

    ask: str
    """In a sentence, as the report prints it."""
    model: str
    against: str
    """A model or a baseline."""
    crossed: bool = False
    """Whether the two change places on odd test traces, counted from 0 by name. Of two networks
    that learned from the even and from the odd ones, the difference is then what it is worth to
    have learned from a trace: how good each network is on the whole cancels."""
