import pytest

from mcnet.core.errors import McnetError
from mcnet.training.recipes import RECIPES, Stage, stage_plan


def weights(recipe: str) -> list[tuple[float, float]]:
    return [(stage.alpha, stage.beta) for stage in RECIPES[recipe]]


def test_loss_weights_are_the_papers() -> None:
    assert weights("l1") == [(1, 0)]
    assert weights("l1+tv") == [(1, 1)]
    assert weights("l1+tv-ft") == [(1, 0), (1, 1)]


def test_the_control_is_l1_alone_for_as_many_epochs_as_fine_tuning_takes() -> None:
    assert weights("l1-long") == [(1, 0), (1, 0)]
    assert len(RECIPES["l1-long"]) == len(RECIPES["l1+tv-ft"])


def test_recipes_that_begin_alike_share_their_beginning() -> None:
    plan = stage_plan(RECIPES)
    names = [planned.name for planned in plan.stages]
    assert names == ["l1", "l1+tv", "l1-then-l1+tv", "l1-then-l1"]
    assert [planned.parent for planned in plan.stages] == [None, None, "l1", "l1"]
    assert [planned.stage.beta for planned in plan.stages] == [0, 1, 1, 0]
    assert plan.final_stage == {
        "l1": "l1",
        "l1+tv": "l1+tv",
        "l1+tv-ft": "l1-then-l1+tv",
        "l1-long": "l1-then-l1",
    }


def test_parents_come_first_even_if_only_the_last_recipe_is_wanted() -> None:
    plan = stage_plan(["l1+tv-ft"])
    assert [planned.name for planned in plan.stages] == ["l1", "l1-then-l1+tv"]
    assert plan.final_stage == {"l1+tv-ft": "l1-then-l1+tv"}


def test_with_equal_totals_one_stage_lasts_as_long_as_two() -> None:
    plan = stage_plan(RECIPES, equal_total=True)
    times = {planned.name: planned.times for planned in plan.stages}
    assert times == {"l1-x2": 2, "l1+tv-x2": 2, "l1": 1, "l1-then-l1+tv": 1, "l1-then-l1": 1}
    assert plan.final_stage["l1"] == "l1-x2"
    parents = {planned.name: planned.parent for planned in plan.stages}
    for recipe, last in plan.final_stage.items():
        total, name = 0, last
        while name:
            total, name = total + times[name], parents[name]
        assert total == 2, recipe


def test_variants_share_nothing_with_the_recipes_that_they_follow() -> None:
    plan = stage_plan(["l1"], {"wide": "l1", "long": "l1+tv-ft"})
    assert [(planned.name, planned.parent, planned.variant) for planned in plan.stages] == [
        ("l1", None, ""),
        ("wide--l1", None, "wide"),
        ("long--l1", None, "long"),
        ("long--l1-then-l1+tv", "long--l1", "long"),
    ]
    assert plan.final_stage["wide"] == "wide--l1"


def test_an_unknown_recipe_is_refused() -> None:
    with pytest.raises(McnetError, match=r"'l2' is none of l1, l1\+tv"):
        stage_plan(["l1", "l2"])


@pytest.mark.parametrize(("alpha", "beta"), [(0.0, 0.0), (-1.0, 1.0), (1.0, float("nan"))])
def test_weights_that_teach_nothing_are_refused(alpha: float, beta: float) -> None:
    with pytest.raises(McnetError, match="impossible"):
        Stage(alpha, beta)


def test_other_weights_have_a_label_of_their_own() -> None:
    assert Stage(1.0, 0.25).label == "l1+0.25tv"
    assert Stage(0.0, 1.0).label == "tv"
