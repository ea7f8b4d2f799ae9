"""Models that differ from an experiment's own settings in what they name, and in nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from mcnet.core.errors import McnetError
from mcnet.core.settings import changed
from mcnet.networks.config import NetworkConfig
from mcnet.networks.registry import architecture
from mcnet.training.loss_config import LossConfig
from mcnet.training.recipes import RECIPES
from mcnet.training.training_config import TrainingConfig


@dataclass(frozen=True)
class ModelSettings:
    """All that decides how one model is trained."""

    recipe: str
    """The stages, by one of the paper's labels."""
    network: NetworkConfig
    loss: LossConfig
    training: TrainingConfig


@dataclass(frozen=True)
class Variant:
    """A model that is like another but for some settings."""

    like: str = "l1"
    """A recipe with the experiment's settings, or another variant."""
    network: dict[str, Any] = field(default_factory=dict)
    """Settings of the network that differ, loss and training likewise; one of another architecture
    starts from the defaults of that architecture."""
    loss: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)


MCNET = Variant(
    like="l1",
    network={"architecture": "unet", "head": "residual", "fold": 2, "width": 16, "adjacent": 1},
    loss={"ssim_weight": 1.0},
    training={
        "motion": "recorded",
        "aligned": True,
        "curriculum_epochs": 2,
        "schedule": "one-cycle",
        "learning_rate": 4e-3,
        "flips": True,
    },
)
"""What the field has learned since the paper, as far as it pays: docs/results/paper tells what
each part is worth. The stages of ``l1``, with ``1 - SSIM`` inside the head added to their loss."""
BUILT_IN: Mapping[str, Variant] = MappingProxyType({"mcnet": MCNET})
"""Variants that every experiment knows."""


def settings_of(
    label: str,
    variants: Mapping[str, Variant],
    network: NetworkConfig,
    loss: LossConfig,
    training: TrainingConfig,
) -> ModelSettings:
    """Settings of a recipe, as given, or of a variant with its differences.

    Raises
    ------
    McnetError
        The model or one that it is like is unknown, variants are like one another in a circle, or
        a setting is unknown or impossible.
    """
    variants = {**BUILT_IN, **variants}
    line = [label]
    while line[-1] in variants:
        like = variants[line[-1]].like
        if like in line:
            raise McnetError(f"variant {label!r} is like itself ({' → '.join([*line, like])}).")
        line.append(like)
    recipe = line.pop()
    if recipe not in RECIPES:
        known = ", ".join([*RECIPES, *variants])
        raise McnetError(f"model {recipe!r} is neither a recipe nor a variant; known: {known}.")
    for name in reversed(line):
        of, place = variants[name], f"variants.{name}"
        network = _changed_network(network, of.network, f"{place}.network")
        loss = changed(loss, of.loss, f"{place}.loss")
        training = changed(training, of.training, f"{place}.training")
    return ModelSettings(recipe, network, loss, training)


def _changed_network(
    network: NetworkConfig, changes: Mapping[str, Any], place: str
) -> NetworkConfig:
    """The network with some settings changed, or one of another architecture."""
    name = changes.get("architecture", network.architecture)
    if name != network.architecture:
        try:
            network = architecture(name)(architecture=name)
        except McnetError as error:
            raise McnetError(f"{place}: {error}") from error
    return changed(network, changes, place)
