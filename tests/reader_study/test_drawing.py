"""Which cases are drawn, and what order every reader gets."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from mcnet.core.errors import McnetError
from mcnet.reader_study.cases import Case
from mcnet.reader_study.drawing import (
    Drawing,
    draw_cases,
    items_of,
    reading_order,
    strata_of,
)

VERSIONS = ("corrupted", "l1", "reference")


def cases_of(n, severity=float):
    return [Case(f"case {k}", f"subject {k % 3}", severity(k)) for k in range(n)]


def order_of(n_cases=13, seed=5, **drawing):
    drawn = Drawing(**drawing)
    items = items_of(range(n_cases), VERSIONS, drawn.design)
    return items, reading_order(items, drawn, np.random.default_rng(seed))


def test_strata_are_of_equal_count_and_go_by_severity():
    cases = cases_of(11, lambda k: float((7 * k) % 11))
    strata = strata_of(cases, 3)
    assert sorted(Counter(strata.tolist()).values()) == [3, 4, 4]
    by_severity = np.argsort([case.severity for case in cases])
    assert np.all(np.diff(strata[by_severity]) >= 0)


def test_without_severities_there_is_one_stratum():
    assert set(strata_of(cases_of(5, lambda _: float("nan")), 4).tolist()) == {0}


@pytest.mark.parametrize("n_cases", [1, 4, 7, 12, 19])
def test_every_stratum_gives_as_many_cases_as_the_others(n_cases, rng):
    cases = cases_of(20)
    chosen = draw_cases(cases, Drawing(n_cases=n_cases), rng)
    counts = Counter(strata_of(cases, 4)[chosen].tolist())
    assert len(set(chosen)) == n_cases
    assert max(counts.values()) - min([*counts.values(), *[0] * (4 - len(counts))]) <= 1


def test_what_is_drawn_depends_on_the_seed_alone():
    cases = cases_of(50)
    drawn = [draw_cases(cases, Drawing(), np.random.default_rng(seed)) for seed in (3, 3, 4)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(drawn[0]) == 40
    assert order_of(seed=1)[1] == order_of(seed=1)[1] != order_of(seed=2)[1]


def test_more_cases_than_there_are_are_refused(rng):
    with pytest.raises(McnetError, match="9 cases are asked for and 5 are there"):
        draw_cases(cases_of(5), Drawing(n_cases=9), rng)


@pytest.mark.parametrize("drawing", [{"n_cases": 0}, {"n_strata": 0}, {"repeat_share": 0.5}])
def test_what_draws_nothing_is_refused(drawing):
    with pytest.raises(McnetError):
        Drawing(**drawing)


def test_scores_show_every_version_and_a_choice_every_two():
    assert [len(order_of(design=design)[0]) for design in ("scores", "choice")] == [39, 39]
    items, _ = order_of(design="choice", n_cases=1)
    assert [item.versions for item in items] == [
        ("corrupted", "l1"),
        ("corrupted", "reference"),
        ("l1", "reference"),
    ]


def test_every_item_is_shown_once_and_some_again_well_after():
    for seed in range(20):
        items, order = order_of(seed=seed, repeat_share=0.2)
        first = {s.item: place for place, s in enumerate(order) if not s.is_repeat}
        again = {s.item: place for place, s in enumerate(order) if s.is_repeat}
        assert set(first) == set(range(len(items)))
        assert len(order) == len(first) + len(again)
        assert len(again) == 8
        assert all(place - first[item] >= len(items) // 3 for item, place in again.items())


def test_no_two_versions_of_a_case_follow_one_another():
    for seed in range(20):
        items, order = order_of(seed=seed, repeat_share=0.0)
        shown = [items[showing.item].case for showing in order]
        assert all(a != b for a, b in pairwise(shown))
        # a round shows every case once
        assert all(len(set(shown[k : k + 13])) == 13 for k in (0, 13, 26))


def test_sides_are_drawn_evenly():
    _, order = order_of(n_cases=200, design="choice", repeat_share=0.0)
    share = np.mean([showing.is_mirrored for showing in order])
    assert share == pytest.approx(0.5, abs=0.06)  # 600 draws: three standard deviations


def test_versions_come_evenly_early_and_late():
    items, order = order_of(n_cases=100, repeat_share=0.0)
    early = Counter(items[showing.item].versions[0] for showing in order[:100])
    assert all(early[version] == pytest.approx(33, abs=15) for version in VERSIONS)
