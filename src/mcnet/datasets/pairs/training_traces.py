"""Traces that training subjects move by: of their own part, or on purpose some of the test."""

from typing import Literal

import numpy as np

from mcnet.core.errors import McnetError
from mcnet.datasets.pairs.plan import PairsPlan

SharedTraces = Literal["none", "all", "even", "odd"]
SHARED_TRACES: tuple[SharedTraces, ...] = ("none", "all", "even", "odd")
_ORDER = 1_000_002
"""A stream of random numbers of its own, far from the small numbers by which others seed theirs."""


def training_traces(
    plan: PairsPlan, shared: SharedTraces = "none", n_traces: int = 0
) -> tuple[str, ...]:
    """Names of the traces that a network learns from, in the plan's order.

    Test traces take the place of as many others, so that their number is the same whatever is
    shared. Which others stay follows from the plan's seed and their number alone: networks that
    share as many test traces, but not the same, have all other traces in common.

    Parameters
    ----------
    plan
        Of the pairs.
    shared
        Which test traces are among them; even and odd ones are counted from 0, by name.
    n_traces
        How many in all; as many as the training part has, if 0.

    Raises
    ------
    McnetError
        There are too few training traces, or more test traces are shared than there is place for.
    """
    split = plan.traces_split
    test = sorted(split.test)
    taken = {"none": [], "all": test, "even": test[::2], "odd": test[1::2]}[shared]
    own = [name for name in split.train if name not in set(taken)]
    n_own = (n_traces or len(split.train)) - len(taken)
    if not 0 <= n_own <= len(own):
        raise McnetError(
            f"n_traces {n_traces or len(split.train)} cannot hold {len(taken)} test traces and "
            f"some of {len(own)} others; give a number from {max(len(taken), 1)} to "
            f"{len(taken) + len(own)}, or share fewer."
        )
    order = np.random.default_rng([plan.seed, _ORDER]).permutation(len(own))
    chosen = {*taken, *(own[place] for place in order[:n_own])}
    return tuple(trace.name for trace in plan.traces if trace.name in chosen)
