"""Models that correct: those that come with mcnet, and a user's own."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcnet.core.errors import McnetError
from mcnet.core.provenance import sha256_of_file
from mcnet.correction.default_model import DEFAULT_MODEL
from mcnet.correction.model_card import ModelCard, checked_card
from mcnet.networks.cards import read_card, read_header
from mcnet.networks.config import SeverityConfig

if TYPE_CHECKING:
    from mcnet.networks.unet import UNet

WEIGHTS: Path = Path(__file__).parents[1] / "weights"
"""The folder of the models that come with mcnet."""
MODEL_COLUMNS: tuple[str, ...] = (
    "model",
    "for",
    "pixels",
    "parameters",
    "data",
    "licence",
    "metrics",
    "sha256",
)
"""What `model_rows` tells, column by column."""
_SUFFIX = ".safetensors"
_log = logging.getLogger(__name__)
_NO_CORRECTION = ("severity",)
"""Weights in the same folder that judge scans and correct none."""


@dataclass(frozen=True, eq=False)
class Model:
    """A network that corrects, and what is known of it."""

    name: str
    path: Path
    sha256: str
    """Of the file of weights."""
    network: "UNet" = field(repr=False)
    card: Mapping[str, Any] = field(repr=False)
    """Data, licence, metrics, limits, and what the model was trained for."""

    @cached_property
    def checked(self) -> ModelCard:
        """What mcnet goes by in the card."""
        return checked_card(self.path, self.card)

    @property
    def trained_pixel_mm(self) -> tuple[float, float]:
        """Least and greatest pixel size of the slices that the network was trained on."""
        return self.checked.trained_pixel_mm

    @property
    def about(self) -> dict[str, Any]:
        """What goes into results: name, sha256 and card."""
        return {"name": self.name, "sha256": self.sha256, "card": dict(self.card)}


@dataclass(frozen=True)
class ShippedModel:
    """A model that comes with mcnet, its weights not loaded yet."""

    name: str
    path: Path
    card: Mapping[str, Any]


def shipped_models() -> tuple[ShippedModel, ...]:
    """Models that come with mcnet, the default first, then by name.

    Raises
    ------
    McnetError
        A file of weights is damaged.
    """
    names = sorted(_shipped_names(), key=lambda name: (name != DEFAULT_MODEL, name))
    paths = {name: WEIGHTS / f"{name}{_SUFFIX}" for name in names}
    return tuple(ShippedModel(name, path, _card(path)) for name, path in paths.items())


def check_model(name_or_path: str) -> Path:
    """Weights of a model, by its name or their path; PyTorch is not loaded.

    Raises
    ------
    McnetError
        As `load_model`, as far as the header of the file tells.
    """
    shipped = name_or_path in _shipped_names()
    path = WEIGHTS / f"{name_or_path}{_SUFFIX}" if shipped else Path(name_or_path)
    if not shipped and not path.suffix and not path.exists():
        known = ", ".join(sorted(_shipped_names())) or "none"
        raise McnetError(
            f"model {name_or_path!r} does not come with mcnet; choose from {known}, or give the "
            f"path of a {_SUFFIX} file."
        )
    _check_corrects(path)
    _card(path)
    return path


def load_model(name_or_path: str) -> Model:
    """Model by the name of one that comes with mcnet, or by the path of its weights.

    Raises
    ------
    McnetError
        There is no such model; its file is missing, a pickle, damaged or not mcnet's; it holds a
        network that corrects nothing; or its card does not say what it was trained on.
    """
    path = check_model(name_or_path)
    from mcnet.networks.weights import load_network  # torch, which a list of models does without

    network = load_network(path)
    if network.config.adjacent:
        raise McnetError(
            f"{path} holds a network that sees {network.config.n_seen} slices at once, as far "
            "apart as those of its experiment; to correct scans, give one with adjacent = 0."
        )
    card = _card(path)
    shipped = name_or_path in _shipped_names()
    name = name_or_path if shipped else str(card.get("name", path.stem))
    model = Model(name, path, sha256_of_file(path), network, card)
    _log.info("model %s: %s, SHA-256 %s", name, path, model.sha256)
    return model


def model_rows(models: Sequence[ShippedModel]) -> list[tuple[str, ...]]:
    """Cells of a table of models under `MODEL_COLUMNS`.

    Raises
    ------
    McnetError
        A file of weights is damaged.
    """
    return [_row(model) for model in models]


def _row(model: ShippedModel) -> tuple[str, ...]:
    card = model.card
    low, high = card["trained_pixel_mm"]
    pixels = f"{low:g} mm" if low == high else f"{low:g} to {high:g} mm"
    return (
        model.name,
        _told(card.get("purpose")),
        f"{card['plane']}, {pixels}",
        f"{read_header(model.path).n_parameters / 1e6:.1f} M",
        _told(card.get("data")),
        _told(card.get("licence")),
        _told(card.get("metrics")),
        sha256_of_file(model.path),
    )


def _told(value: object) -> str:
    """Part of a card in words."""
    if value is None:
        return "not stated"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return "; ".join(f"{key} {_told(part)}" for key, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_told(part) for part in value)
    return str(value)


def _check_corrects(path: Path) -> None:
    """Refuse weights of the network that tells how far a head moved, which corrects nothing."""
    if set(read_header(path).about["network"]) == {one.name for one in fields(SeverityConfig)}:
        raise McnetError(
            f"{path} holds the network that estimates how far a head moved, which every correction "
            "asks by itself; give weights of a network that corrects, such as those that mcnet "
            "models lists."
        )


def _shipped_names() -> set[str]:
    found = {path.stem for path in WEIGHTS.glob(f"*{_SUFFIX}")}
    return found.difference(_NO_CORRECTION)


def _card(path: Path) -> dict[str, Any]:
    """Card of a model, which says on what slices it was trained."""
    card: dict[str, Any] = read_card(path).get("card", {})
    checked_card(path, card)
    return card
