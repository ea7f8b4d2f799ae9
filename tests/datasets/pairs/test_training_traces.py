"""Shared traces take the place of others, and of nothing else."""

import numpy as np
import pytest

from mcnet.core.errors import McnetError
from mcnet.datasets.pairs.design import PairsDesign
from mcnet.datasets.pairs.plan import PairsPlan
from mcnet.datasets.pairs.training_traces import training_traces
from mcnet.datasets.split import Split
from mcnet.motion.trace import MotionTrace
from mcnet.physics.acquisition import Acquisition

TRAIN = tuple(f"t{number:02d}" for number in (1, 2, 4, 5, 7, 8, 10))
TEST = ("t00", "t03", "t06", "t09")


def plan_of(seed: int = 1, split: Split | None = None) -> PairsPlan:
    still = np.zeros((9, 3))
    return PairsPlan(
        subjects=[],
        subjects_split=Split((), (), ()),
        traces=[MotionTrace(still, still, name=f"t{number:02d}") for number in range(12)],
        traces_split=split or Split(TRAIN, ("t11",), TEST),
        design=PairsDesign(),
        acquisition=Acquisition(),
        seed=seed,
    )


def test_nothing_is_shared_unless_it_is_asked_for():
    assert training_traces(plan_of()) == TRAIN


@pytest.mark.parametrize(
    ("shared", "taken"), [("all", TEST), ("even", ("t00", "t06")), ("odd", ("t03", "t09"))]
)
@pytest.mark.parametrize("n_traces", [0, 5, 7])
def test_shared_traces_stand_in_the_place_of_as_many_others(shared, taken, n_traces):
    traces = training_traces(plan_of(), shared, n_traces)
    assert len(traces) == (n_traces or len(TRAIN))
    assert set(traces) & set(TEST) == set(taken)
    assert set(traces) - set(TEST) < set(TRAIN)
    assert list(traces) == sorted(traces)


def test_networks_that_share_other_traces_have_all_others_in_common():
    even, odd = (set(training_traces(plan_of(), shared, 5)) for shared in ("even", "odd"))
    assert even - set(TEST) == odd - set(TEST)
    assert len(even & odd) == 3


def test_fewer_traces_are_drawn_by_the_seed():
    drawn = [training_traces(plan_of(seed), n_traces=3) for seed in (1, 1, 2, 3)]
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) > 1
    assert all(len(set(traces) & set(TRAIN)) == 3 for traces in drawn)


def test_all_traces_of_the_papers_own_split_are_trained_by():
    everything = tuple(f"t{number:02d}" for number in range(12))
    plan = plan_of(split=Split(everything, everything, everything))
    assert training_traces(plan) == training_traces(plan, "even") == everything


@pytest.mark.parametrize(("shared", "n_traces"), [("none", 8), ("all", 3), ("even", 10)])
def test_a_number_that_cannot_be_is_refused(shared, n_traces):
    with pytest.raises(McnetError, match=f"n_traces {n_traces} cannot hold"):
        training_traces(plan_of(), shared, n_traces)
