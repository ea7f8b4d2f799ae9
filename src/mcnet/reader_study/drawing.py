"""Which cases are read, and the order in which each reader sees them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

from mcnet.core.errors import McnetError
from mcnet.core.seeds import check_seed
from mcnet.reader_study.cases import Case
from mcnet.reader_study.settings import Design

MAX_REPEAT_SHARE = 1 / 3


@dataclass(frozen=True)
class Drawing:
    """How much is drawn; the same numbers and seed draw the same cases."""

    design: Design = "scores"
    n_cases: int | None = None
    """Cases to read; by default up to 40."""
    n_strata: int = 4
    """Classes of severity, each of which gives as many cases as the others."""
    repeat_share: float = 0.1
    """So many of the images are shown again to the same reader, late and unmarked."""
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse what draws nothing."""
        check_seed(self.seed)
        if (self.n_cases is not None and self.n_cases < 1) or self.n_strata < 1:
            raise McnetError(
                f"{self.n_cases} cases of {self.n_strata} strata are impossible; give 1 or more."
            )
        if not 0 <= self.repeat_share <= MAX_REPEAT_SHARE:
            raise McnetError(
                f"a share of {self.repeat_share:g} cannot be repeated; give one from 0 to "
                f"{MAX_REPEAT_SHARE:.2f}, so that every repeat comes well after its original."
            )


@dataclass(frozen=True)
class Item:
    """What one screen shows: one version of a case, or two beside one another."""

    case: int
    versions: tuple[str, ...]


class Showing(NamedTuple):
    """An item in a reader's order."""

    item: int
    is_mirrored: bool
    """Whether the second version is on the left."""
    is_repeat: bool


def strata_of(cases: Sequence[Case], n_strata: int) -> Int64[np.ndarray, "n_cases"]:
    """Class of severity of every case, from 0 on, of equal count; one, where none is known."""
    severity = np.array([case.severity for case in cases])
    if np.all(np.isnan(severity)):
        return np.zeros(len(cases), dtype=np.int64)
    order = np.argsort(severity, kind="stable")  # NaN last
    strata = np.empty(len(cases), dtype=np.int64)
    strata[order] = np.arange(len(cases)) * min(n_strata, len(cases)) // max(len(cases), 1)
    return strata


def draw_cases(cases: Sequence[Case], drawing: Drawing, rng: np.random.Generator) -> list[int]:
    """Indices of the cases that are read: as many from each class of severity, as far as there are.

    Raises
    ------
    McnetError
        There are fewer cases than asked for.
    """
    n_cases = min(40, len(cases)) if drawing.n_cases is None else drawing.n_cases
    if not cases or n_cases > len(cases):
        raise McnetError(
            f"{n_cases} cases are asked for and {len(cases)} are there; ask for fewer, or give a "
            "larger run."
        )
    strata = strata_of(cases, drawing.n_strata)
    # a class in turn, until there are enough: no class gives two more than another
    shuffled = [rng.permutation(np.flatnonzero(strata == k)) for k in range(strata.max() + 1)]
    rank = np.empty(len(cases))
    for members in shuffled:
        rank[members] = np.arange(len(members)) + rng.random()
    return sorted(int(index) for index in np.argsort(rank, kind="stable")[:n_cases])


def items_of(cases: Sequence[int], versions: Sequence[str], design: Design) -> list[Item]:
    """Every item of a study: each version of each case, or every two of them."""
    size = 1 if design == "scores" else 2
    return [Item(case, chosen) for case in cases for chosen in combinations(versions, size)]


def reading_order(
    items: Sequence[Item], drawing: Drawing, rng: np.random.Generator
) -> list[Showing]:
    """One reader's order of all items, with repeats.

    Items come in rounds, each of which shows every case once, so that a reader hardly meets two
    versions of a case one after the other. Repeats are drawn from the first third of the order
    and come in the last.
    """
    rounds = _rounds(items, rng)
    third = len(rounds) // 3
    n_repeats = min(round(drawing.repeat_share * len(items)), third)
    order = [(item, False) for item in rounds]
    for index in rng.permutation(third)[:n_repeats]:
        place = int(rng.integers(len(rounds) - third, len(order) + 1))
        order.insert(place, (rounds[index], True))
    return [Showing(item, bool(rng.integers(2)), is_repeat) for item, is_repeat in order]


def _rounds(items: Sequence[Item], rng: np.random.Generator) -> list[int]:
    of_case: dict[int, list[int]] = {}
    for index, item in enumerate(items):
        of_case.setdefault(item.case, []).append(index)
    columns = [rng.permutation(indices) for indices in of_case.values()]
    order: list[int] = []
    for k in range(max(len(column) for column in columns)):
        round_ = [int(column[k]) for column in columns if k < len(column)]
        shuffled = [round_[place] for place in rng.permutation(len(round_))]
        if order and len(shuffled) > 1 and items[order[-1]].case == items[shuffled[0]].case:
            shuffled.append(shuffled.pop(0))
        order += shuffled
    return order
