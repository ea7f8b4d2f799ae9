"""Models that correct: those that come with mcnet, and a user's own."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcnet.core.errors import McnetError
from mcnet.core.provenance import sha256_of_file
from mcnet.correction.default_model import DEFAULT_MODEL
from mcnet.networks.card_entries import wrong_entry
from mcnet.networks.cards import WeightsHeader, read_header
from mcnet.networks.config import SEVERITY_ARCHITECTURE
from mcnet.networks.model_card import PIXEL_MM, ModelCard

if TYPE_CHECKING:
    from mcnet.networks.base import ImageNetwork

WEIGHTS: Path = Path(__file__).parents[1] / "weights"
"""The folder of the models that come with mcnet."""
MODEL_COLUMNS: tuple[str, ...] = (
    "model",
    "for",
    "pixels",
    "parameters",
    "data",
    "licence",
    "scores",
    "sha256",
)
"""What `model_rows` tells, column by column."""
_SUFFIX = ".safetensors"
_log = logging.getLogger(__name__)
_NO_CORRECTION = ("severity",)
"""Weights in the same folder that correct nothing: the severity estimator."""


@dataclass(frozen=True, eq=False)
class Model:
    """A network that corrects, and what is known of it."""

    name: str
    path: Path
    sha256: str
    """Of the file of weights."""
    network: "ImageNetwork" = field(repr=False)
    card: ModelCard = field(repr=False)

    @property
    def trained_pixel_mm(self) -> tuple[float, float]:
        """Least and greatest pixel size of the slices that the network was trained on.

        Raises
        ------
        McnetError
            The card says nothing of it.
        """
        return trained_pixels(self.path, self.card)

    @property
    def about(self) -> dict[str, Any]:
        """What goes into results: name, sha256 and card."""
        return {"name": self.name, "sha256": self.sha256, "card": self.card.as_dict}


@dataclass(frozen=True)
class ShippedModel:
    """A model that comes with mcnet, its weights not loaded yet."""

    name: str
    path: Path
    card: ModelCard
    n_parameters: int


def shipped_models() -> tuple[ShippedModel, ...]:
    """Models that come with mcnet, the default first, then by name.

    Raises
    ------
    McnetError
        A file of weights is damaged.
    """
    names = sorted(_shipped_names(), key=lambda name: (name != DEFAULT_MODEL, name))
    paths = {name: WEIGHTS / f"{name}{_SUFFIX}" for name in names}
    return tuple(_shipped(name, path) for name, path in paths.items())


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
    _checked_header(path)
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
            f"{path} holds a network that sees {network.config.n_slices} slices at once, as far "
            "apart as those of its experiment; to correct scans, give one with adjacent = 0."
        )
    card = _checked_header(path).card
    shipped = name_or_path in _shipped_names()
    name = name_or_path if shipped else card.name or path.stem
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
    low, high = trained_pixels(model.path, card)
    pixels = f"{low:g} mm" if low == high else f"{low:g} to {high:g} mm"
    return (
        model.name,
        _told(card.purpose),
        f"{card.plane}, {pixels}",
        f"{model.n_parameters / 1e6:.1f} M",
        _told(card.data),
        _told(card.licence),
        _told(card.scores),
        sha256_of_file(model.path),
    )


def _told(value: object) -> str:
    """Part of a card in words."""
    if value in (None, "", (), {}):
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


def _shipped(name: str, path: Path) -> ShippedModel:
    header = _checked_header(path)
    return ShippedModel(name, path, header.card, header.n_parameters)


def trained_pixels(path: Path, card: ModelCard) -> tuple[float, float]:
    """Least and greatest pixel size that a network was trained on, of the card in a file.

    Raises
    ------
    McnetError
        The card says nothing of it.
    """
    if card.trained_pixel_mm is None:
        least, greatest = PIXEL_MM
        expected = f"the least and the greatest pixel size, within {least:g} to {greatest:g} mm"
        raise wrong_entry(path, "trained_pixel_mm", None, expected)
    return card.trained_pixel_mm


def _checked_header(path: Path) -> WeightsHeader:
    """Header of a file of weights that correct sagittal slices of a stated pixel size."""
    header = read_header(path)
    if header.architecture == SEVERITY_ARCHITECTURE:
        raise McnetError(
            f"{path} holds the network that estimates how far a head moved, which every correction "
            "asks by itself; give weights of a network that corrects, such as those that mcnet "
            "models lists."
        )
    plane = header.card.plane
    if plane != "sagittal":
        raise McnetError(
            f"{path} was trained on {plane or 'unknown'} slices by its card (plane), and mcnet "
            "corrects sagittal ones; use a model of these."
        )
    trained_pixels(path, header.card)
    return header
