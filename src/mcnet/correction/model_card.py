"""What mcnet goes by in a model's card, checked when the model is loaded."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcnet.core.errors import McnetError
from mcnet.correction.gain import GainCurve, gain_of_card, is_number

PIXEL_MM: tuple[float, float] = (0.3, 10.0)
"""Pixels finer or coarser than these are of no scan of a head."""
_TEXTS = ("name", "purpose", "licence", "fingerprint")
_NAMES = ("trained_on", "validated_on")


@dataclass(frozen=True)
class ModelCard:
    """What mcnet goes by in a model's card; further entries are for subjects."""

    trained_pixel_mm: tuple[float, float]
    """Least and greatest pixel size of the slices that the network was trained on."""
    gain: GainCurve
    """How much of the correction is applied."""
    known_subjects: frozenset[str]
    """Who it was trained on or chosen by."""
    name: str | None = None
    fingerprint: str | None = None
    """Of the training."""


def checked_card(path: Path, entries: object) -> ModelCard:
    """Card of the model in a file of weights.

    Raises
    ------
    McnetError
        An entry is missing, of another kind, or no value that it can have.
    """
    card = check_entries(path, entries)
    plane = card.get("plane")
    if plane != "sagittal":
        raise McnetError(
            f"{path} was trained on {plane or 'unknown'} slices by its card (plane), and mcnet "
            "corrects sagittal ones; use a model of these."
        )
    for field in _TEXTS:
        if not isinstance(card.get(field, ""), str):
            raise wrong_entry(path, field, card[field], "a text")
    for field in _NAMES:
        if not _are_texts(card.get(field, ())):
            raise wrong_entry(path, field, card[field], "a list of names")
    try:
        gain = gain_of_card(card)
    except McnetError as error:
        raise McnetError(f"{path}: {error}") from error
    return ModelCard(
        trained_pixel_mm=check_pixels(path, card),
        gain=gain,
        known_subjects=frozenset((*card.get("trained_on", ()), *card.get("validated_on", ()))),
        name=card.get("name"),
        fingerprint=card.get("fingerprint"),
    )


def check_entries(path: Path, entries: object) -> Mapping[str, Any]:
    """Entries of a card, which have names.

    Raises
    ------
    McnetError
        It is something else.
    """
    if not isinstance(entries, Mapping):
        raise wrong_entry(path, "card", entries, "names and values")
    return entries


def check_pixels(path: Path, card: Mapping[str, Any]) -> tuple[float, float]:
    """Least and greatest pixel size that a card says a network was trained on.

    Raises
    ------
    McnetError
        It says nothing of it, or sizes that no scan of a head has.
    """
    found = card.get("trained_pixel_mm")
    least, greatest = PIXEL_MM
    if (
        not isinstance(found, list | tuple)
        or len(found) != 2
        or not all(is_number(end) for end in found)
        or not least <= found[0] <= found[1] <= greatest
    ):
        expected = f"the least and the greatest pixel size, within {least:g} to {greatest:g} mm"
        raise wrong_entry(path, "trained_pixel_mm", found, expected)
    return float(found[0]), float(found[1])


def wrong_entry(path: Path, field: str, found: object, expected: str) -> McnetError:
    """Return the sentence about an entry of a card that cannot be, to be raised."""
    return McnetError(
        f"{path} says {str(found)[:80]!r} in its card ({field}); expected {expected}: get a fresh "
        "copy or train it again with such a card."
    )


def _are_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)
