"""Models that correct: those that come with mcnet, and a user's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcnet.correction.default_model import DEFAULT_MODEL
from mcnet.errors import McnetError
from mcnet.learning.network import UNet
from mcnet.learning.weights import load_network, read_card
from mcnet.provenance import sha256_of_file

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
_NO_CORRECTION = ("severity",)
"""Weights in the same folder that judge scans and correct none."""


@dataclass(frozen=True, eq=False)
class Model:
    """A network that corrects, and what is known of it."""

    name: str
    path: Path
    sha256: str
    """Of the file of weights."""
    network: UNet = field(repr=False)
    card: Mapping[str, Any] = field(repr=False)
    """Data, licence, metrics, limits, and what the model was trained for."""

    @property
    def trained_pixel_mm(self) -> tuple[float, float]:
        """Least and greatest pixel size of the slices that the network was trained on."""
        low, high = self.card["trained_pixel_mm"]
        return float(low), float(high)

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


def load_model(name_or_path: str) -> Model:
    """Model by the name of one that comes with mcnet, or by the path of its weights.

    Raises
    ------
    McnetError
        There is no such model; its file is missing, a pickle, damaged or not mcnet's; or its card
        does not say what it was trained on.
    """
    shipped = name_or_path in _shipped_names()
    path = WEIGHTS / f"{name_or_path}{_SUFFIX}" if shipped else Path(name_or_path)
    if not shipped and not path.suffix and not path.exists():
        known = ", ".join(sorted(_shipped_names())) or "none"
        raise McnetError(
            f"model {name_or_path!r} does not come with mcnet; choose from {known}, or give the "
            f"path of a {_SUFFIX} file."
        )
    network = load_network(path)
    if network.config.adjacent:
        raise McnetError(
            f"{path} holds a network that sees {network.config.n_seen} slices at once, as far "
            "apart as those of its experiment; to correct scans, give one with adjacent = 0."
        )
    card = _card(path)
    name = name_or_path if shipped else str(card.get("name", path.stem))
    return Model(name, path, sha256_of_file(path), network, card)


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
        f"{load_network(model.path).n_parameters / 1e6:.1f} M",
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


def _shipped_names() -> set[str]:
    found = {path.stem for path in WEIGHTS.glob(f"*{_SUFFIX}")}
    return found.difference(_NO_CORRECTION)


def _card(path: Path) -> dict[str, Any]:
    """Card of a model, which says on what slices it was trained."""
    card: dict[str, Any] = read_card(path).get("card", {})
    plane, pixel_mm = card.get("plane"), card.get("trained_pixel_mm")
    if plane != "sagittal":
        raise McnetError(
            f"{path} was trained on {plane or 'unknown'} slices by its card (plane), and mcnet "
            "corrects sagittal ones; use a model of these."
        )
    if not _is_range(pixel_mm):
        raise McnetError(
            f"{path} says in its card that its pixels measured {pixel_mm!r} (trained_pixel_mm); "
            "expected the least and the greatest size in mm: train it again with such a card."
        )
    for name in ("trained_on", "validated_on"):
        people = card.get(name, [])
        if not isinstance(people, list) or not all(isinstance(person, str) for person in people):
            raise McnetError(
                f"{path} does not say in its card by names whom it learned from ({name}); train "
                "it again with such a card."
            )
    return card


def _is_range(value: object) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) == 2
        and all(isinstance(end, int | float) and not isinstance(end, bool) for end in value)
        and 0 < value[0] <= value[1] < float("inf")
    )
