"""The paper's recipes: stretches of training with fixed loss weights, one after another."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mcnet.core.errors import McnetError


@dataclass(frozen=True)
class Stage:
    """One stretch of training with fixed loss weights, equation (1).

    It lasts as many epochs as `mcnet.training.training.TrainingConfig` says, with a fresh Adam.
    """

    alpha: float
    """Weight of L1."""
    beta: float
    """Weight of total variation."""

    def __post_init__(self) -> None:
        """Refuse weights that teach nothing."""
        if not (0 <= self.alpha < float("inf") and 0 <= self.beta < float("inf")) or (
            self.alpha == self.beta == 0
        ):
            raise McnetError(
                f"loss weights alpha {self.alpha}, beta {self.beta} are impossible; give two "
                "numbers of 0 or more that are not both 0."
            )

    @property
    def label(self) -> str:
        """The paper's word for these weights."""
        weighted = ((self.alpha, "l1"), (self.beta, "tv"))
        return "+".join(
            word if weight == 1 else f"{weight:g}{word}" for weight, word in weighted if weight
        )


L1 = Stage(alpha=1.0, beta=0.0)
L1_TV = Stage(alpha=1.0, beta=1.0)

RECIPES: Mapping[str, tuple[Stage, ...]] = MappingProxyType(
    {
        "l1": (L1,),
        "l1+tv": (L1_TV,),
        "l1+tv-ft": (L1, L1_TV),
        # the control: as many epochs as l1+tv-ft, without total variation
        "l1-long": (L1, L1),
    }
)
"""Models by the paper's labels, and the control that it lacks."""


@dataclass(frozen=True)
class PlannedStage:
    """A stage in its place: what is trained before it, and by whose settings."""

    name: str
    """Name of a folder: the labels of all stages up to this one, as in ``l1-then-l1+tv``."""
    stage: Stage
    parent: str | None
    """Name of the planned stage whose weights this one starts from."""
    times: int = 1
    """Times the epochs of a stage."""
    variant: str = ""
    """The variant whose settings it is trained by; the experiment's own if empty."""


@dataclass(frozen=True)
class StagePlan:
    """Everything that must be trained for some models, each stage once."""

    stages: tuple[PlannedStage, ...]
    """In an order in which parents come first."""
    final_stage: Mapping[str, str]
    """The name of the stage that ends each model."""


def stage_plan(
    recipes: Iterable[str],
    variants: Mapping[str, str] = MappingProxyType({}),
    *,
    equal_total: bool = False,
) -> StagePlan:
    """Distinct stages of all models: recipes that begin alike share their beginning.

    Parameters
    ----------
    recipes
        Models by the paper's labels.
    variants
        Further models and the recipe of each, which share nothing, since their settings differ.
    equal_total
        Whether a recipe of one stage is trained as long as the longest of all recipes.

    Raises
    ------
    McnetError
        A recipe is unknown.
    """
    planned: dict[str, PlannedStage] = {}
    final_stage: dict[str, str] = {}
    models = [(recipe, recipe, "") for recipe in recipes]
    models += [(variant, recipe, variant) for variant, recipe in variants.items()]
    for label, recipe, variant in models:
        if recipe not in RECIPES:
            raise McnetError(f"recipe {recipe!r} is none of {', '.join(RECIPES)}.")
        parent: str | None = None
        for stage in RECIPES[recipe]:
            times = _LONGEST // len(RECIPES[recipe]) if equal_total else 1
            own = stage.label if times == 1 else f"{stage.label}-x{times}"
            name = f"{variant}--{own}" if variant and parent is None else own
            name = name if parent is None else f"{parent}-then-{own}"
            planned.setdefault(name, PlannedStage(name, stage, parent, times, variant))
            parent = name
        if parent is not None:
            final_stage[label] = parent
    return StagePlan(tuple(planned.values()), final_stage)


_LONGEST = max(len(stages) for stages in RECIPES.values())
