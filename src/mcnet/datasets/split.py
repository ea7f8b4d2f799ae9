"""Parting names into training, validation and test without leakage."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mcnet.core.errors import McnetError

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Split:
    """Names of subjects, or of motion traces, in three parts.

    `split_names` makes parts that share none; only traces may be shared, where an experiment asks
    for the paper's own split.
    """

    train: tuple[str, ...]
    """What networks learn from."""
    validation: tuple[str, ...]
    """What chooses among their states."""
    test: tuple[str, ...]
    """What is reported; no decision should have seen it before."""


def split_names(
    names: Sequence[str],
    n_validation: int,
    n_test: int,
    rng: np.random.Generator,
    *,
    strata: Mapping[str, str] | None = None,
) -> Split:
    """Split of the names at random: so many for validation, so many for test, the rest to train.

    With ``strata`` (the stratum of each name) every part gets its share of each stratum, to
    within two names of the exact proportion.

    Raises
    ------
    McnetError
        A name appears twice or has no stratum, a count is negative, or none is left to train.
    """
    _check_possible(names, n_validation, n_test, strata)
    left = [names[index] for index in rng.permutation(len(names))]
    if strata is not None:
        left.sort(key=lambda name: strata[name])
    test, left = _evenly_drawn(left, n_test, rng)
    validation, train = _evenly_drawn(left, n_validation, rng)
    return Split(tuple(sorted(train)), tuple(sorted(validation)), tuple(sorted(test)))


def _evenly_drawn(
    names: list[str], n_drawn: int, rng: np.random.Generator
) -> tuple[list[str], list[str]]:
    """Names at equal steps along the list from a random start, and the others.

    Every stretch of the list, a stratum for example, gives its share to within one name.
    """
    steps = np.arange(n_drawn) + rng.uniform()
    places = set(np.floor(steps * len(names) / max(n_drawn, 1)).astype(int).tolist())
    drawn = [name for place, name in enumerate(names) if place in places]
    return drawn, [name for place, name in enumerate(names) if place not in places]


def _check_possible(
    names: Sequence[str], n_validation: int, n_test: int, strata: Mapping[str, str] | None
) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise McnetError(
            f"{twice[0]} appears {names.count(twice[0])} times; names must differ, or one subject "
            "would train and test: rename or drop the others."
        )
    if n_validation < 0 or n_test < 0:
        raise McnetError(
            f"{n_validation} for validation and {n_test} for testing is impossible; give numbers "
            "of zero or more."
        )
    if n_validation + n_test >= len(names):
        raise McnetError(
            f"{len(names)} names cannot give {n_validation} to validation, {n_test} to testing "
            "and one or more to training; ask for fewer or add data."
        )
    lost = [] if strata is None else [name for name in names if name not in strata]
    if lost:
        raise McnetError(f"{lost[0]} has no stratum; name one for every subject or trace.")
