"""A split shares no name between its parts and loses none."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcnet.core.errors import McnetError
from mcnet.datasets.split import split_names

NAMES = [f"sub-{i:02d}" for i in range(1, 15)]


@st.composite
def requests(draw: st.DrawFn) -> tuple[list[str], int, int, dict[str, str] | None]:
    names = draw(st.lists(st.text(max_size=4), unique=True, min_size=1, max_size=60))
    n_validation = draw(st.integers(0, len(names) - 1))
    n_test = draw(st.integers(0, len(names) - 1 - n_validation))
    strata = draw(st.none() | st.fixed_dictionaries({n: st.sampled_from("abc") for n in names}))
    return names, n_validation, n_test, strata


@pytest.mark.slow
@settings(deadline=None, max_examples=200)
@given(request=requests(), seed=st.integers(0, 1000))
def test_parts_are_disjoint_complete_and_of_the_size_asked_for(
    request: tuple[list[str], int, int, dict[str, str] | None], seed: int
) -> None:
    names, n_validation, n_test, strata = request
    split = split_names(names, n_validation, n_test, np.random.default_rng(seed), strata=strata)
    assert sorted([*split.train, *split.validation, *split.test]) == sorted(names)
    assert (len(split.validation), len(split.test)) == (n_validation, n_test)


@pytest.mark.slow
@settings(deadline=None, max_examples=100)
@given(request=requests(), seed=st.integers(0, 1000))
def test_every_part_gets_its_share_of_every_stratum(
    request: tuple[list[str], int, int, dict[str, str] | None], seed: int
) -> None:
    names, n_validation, n_test, strata = request
    strata = strata or dict.fromkeys(names, "all")
    split = split_names(names, n_validation, n_test, np.random.default_rng(seed), strata=strata)
    for stratum, size in Counter(strata.values()).items():
        for part in (split.train, split.validation, split.test):
            own = sum(strata[name] == stratum for name in part)
            assert abs(own - size * len(part) / len(names)) < 2


def test_same_seed_gives_the_same_split_and_another_another() -> None:
    first, again, other = (
        split_names(NAMES, 2, 3, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


@pytest.mark.parametrize("strata", [None, {name: "ab"[i % 2] for i, name in enumerate(NAMES)}])
def test_every_name_comes_to_testing_equally_often(strata: dict[str, str] | None) -> None:
    rng = np.random.default_rng(3)
    counts = Counter(
        name for _ in range(2000) for name in split_names(NAMES, 2, 3, rng, strata=strata).test
    )
    expected = 2000 * 3 / len(NAMES)
    assert all(abs(counts[name] - expected) < 0.25 * expected for name in NAMES)


def test_two_names_fall_together_about_as_often_as_chance_has_it() -> None:
    rng = np.random.default_rng(4)
    together = sum(
        {"sub-01", "sub-02"} <= set(split_names(NAMES, 2, 3, rng).test) for _ in range(4000)
    )
    assert together / 4000 == pytest.approx(3 / 14 * 2 / 13, abs=0.012)


@pytest.mark.parametrize(
    ("names", "n_validation", "n_test", "strata", "sentence"),
    [
        (["a", "b", "c"], 1, 2, None, "3 names cannot give 1 to validation, 2 to testing"),
        ([], 0, 0, None, "0 names cannot give"),
        (["a", "b", "a"], 0, 1, None, "a appears 2 times; names must differ"),
        (["a", "b"], -1, 1, None, "-1 for validation and 1 for testing is impossible"),
        (["a", "b", "c"], 1, 1, {"a": "x", "c": "x"}, "b has no stratum"),
    ],
)
def test_impossible_splits_are_refused(
    names: list[str],
    n_validation: int,
    n_test: int,
    strata: dict[str, str] | None,
    sentence: str,
    rng: np.random.Generator,
) -> None:
    with pytest.raises(McnetError, match=sentence):
        split_names(names, n_validation, n_test, rng, strata=strata)
