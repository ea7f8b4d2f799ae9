"""Model card: what a file of weights says of its network, and what mcnet goes by in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from mcnet.core.errors import McnetError
from mcnet.core.renamed import all_with_new_names
from mcnet.networks.card_entries import (
    check_is_table,
    number,
    numbers,
    optional_text,
    text,
    texts,
    wrong_entry,
)
from mcnet.networks.gain_curve import GainCurve

PIXEL_MM: tuple[float, float] = (0.3, 10.0)
"""Pixels finer or coarser than these are of no scan of a head."""
_OLD = {"metrics": "scores"}
"""Entries of cards that had other names in version 0.3.0, beside those of `mcnet.core.renamed`."""
_WIDEST_Z = 10.0
"""Standard deviations; no calibrated bound lies further out."""


@dataclass(frozen=True)
class Subjects:
    """Whom a model was trained on, by the names of their files."""

    trained_on: tuple[str, ...] = ()
    validated_on: tuple[str, ...] = ()
    """Who chose among the epochs."""
    held_out: tuple[str, ...] = ()
    """Who was not looked at, for tests."""

    @property
    def known(self) -> frozenset[str]:
        """Subjects that the model was trained on or chosen by."""
        return frozenset((*self.trained_on, *self.validated_on))


@dataclass(frozen=True)
class Calibration:
    """What answers of a severity estimator are worth, from subjects it was not trained on."""

    z_low_middle_high: tuple[float, float, float]
    """Where the bounds and the estimate lie, in standard deviations that the network gives."""
    still_below_mm: float
    """Scans of no greater estimated severity are estimated to be still."""
    in_distribution_below: float
    """Out-of-distribution score that 99 of 100 scans of other subjects keep below."""
    agreement: Mapping[str, Any] = field(default_factory=dict)
    """How well estimates agree with the truth, by names of measures."""

    @property
    def as_dict(self) -> dict[str, Any]:
        """Form in which a model card holds it."""
        return {
            "z_low_middle_high": list(self.z_low_middle_high),
            "still_below_mm": self.still_below_mm,
            "in_distribution_below": self.in_distribution_below,
            **self.agreement,
        }


@dataclass(frozen=True)
class ModelCard:
    """What is known of a network: for what and from what it was made, and how it is used.

    What a card leaves out has its default; texts that nobody stated are empty.
    """

    name: str | None = None
    """What users call it by."""
    purpose: str = ""
    """For whom it is, in a sentence."""
    contrast: str = "T1w"
    """Of the scans that it was trained on, by the suffix that BIDS has for them."""
    plane: str = ""
    """Of the slices that it was trained on."""
    trained_pixel_mm: tuple[float, float] | None = None
    """Least and greatest pixel size of these slices."""
    architecture: str | None = None
    """Name of the network's architecture; the header of the file has it."""
    subjects: Subjects = Subjects()
    data: tuple[str, ...] = ()
    """What it learned from, in words."""
    licence: str = ""
    """Of the weights."""
    limits: tuple[str, ...] = ()
    """What it cannot do, in sentences."""
    scores: Mapping[str, Any] = field(default_factory=dict)
    """On subjects that it was not trained on."""
    gain: GainCurve | None = None
    """How much of its correction is applied; all of it where none is stated."""
    calibration: Calibration | None = None
    """Of a severity estimator."""
    seed: int | None = None
    """Of the training."""
    fingerprint: str | None = None
    """Of the training: the same for the same data and settings."""
    version: str | None = None
    """Of mcnet, when it was trained."""
    further: Mapping[str, Any] = field(default_factory=dict)
    """Entries for people: settings of the training, digests of its data, the best epoch."""

    @property
    def gain_curve(self) -> GainCurve:
        """How much of the correction is applied, against the severity."""
        return self.gain or GainCurve()

    def after_training(self, training: "ModelCard") -> "ModelCard":
        """Return the card with what that of the training says: seed, settings, digests."""
        return replace(
            self,
            architecture=training.architecture,
            seed=training.seed,
            fingerprint=training.fingerprint,
            version=training.version,
            further={**training.further, **self.further},
        )

    @property
    def as_dict(self) -> dict[str, Any]:
        """Form in which files and records hold it; what is not stated is left out."""
        stated = {
            "name": self.name,
            "purpose": self.purpose,
            "contrast": self.contrast,
            "plane": self.plane,
            "trained_pixel_mm": list(self.trained_pixel_mm or ()),
            "architecture": self.architecture,
            **{one.name: list(getattr(self.subjects, one.name)) for one in fields(self.subjects)},
            "data": self.data[0] if len(self.data) == 1 else list(self.data),
            "licence": self.licence,
            "limits": list(self.limits),
            "scores": dict(self.scores),
            "gain": self.gain and self.gain.as_dict,
            "calibration": self.calibration and self.calibration.as_dict,
            "seed": self.seed,
            "fingerprint": self.fingerprint,
            "version": self.version,
        }
        kept = {name: value for name, value in stated.items() if value not in (None, "", [], {})}
        return {**kept, **self.further}


def card_of(path: Path, entries: object, architecture: str | None = None) -> ModelCard:
    """Card in a file of weights, of this version of mcnet or an earlier one.

    Raises
    ------
    McnetError
        An entry is of another kind, or no value that it can have.
    """
    table = all_with_new_names(check_is_table(path, "card", entries))
    table = {_OLD.get(name, name): value for name, value in table.items()}
    known: dict[str, Any] = {
        "name": optional_text(path, table, "name"),
        "purpose": text(path, table, "purpose"),
        "contrast": text(path, table, "contrast") or ModelCard.contrast,
        "plane": text(path, table, "plane"),
        "trained_pixel_mm": _pixels(path, table),
        "architecture": architecture or optional_text(path, table, "architecture"),
        "subjects": Subjects(*(texts(path, table, one.name) for one in fields(Subjects))),
        "data": texts(path, table, "data", one_is_enough=True),
        "licence": text(path, table, "licence"),
        "limits": texts(path, table, "limits", one_is_enough=True),
        "scores": check_is_table(path, "scores", table.get("scores") or {}),
        "gain": _gain(path, table.get("gain")),
        "calibration": _calibration(path, table.get("calibration")),
        "seed": _seed(path, table.get("seed")),
        "fingerprint": optional_text(path, table, "fingerprint"),
        "version": optional_text(path, table, "version"),
    }
    of_subjects = {one.name for one in fields(Subjects)}
    further = {name: value for name, value in table.items() if name not in {*known, *of_subjects}}
    return ModelCard(**known, further=further)


def _pixels(path: Path, table: Mapping[str, Any]) -> tuple[float, float] | None:
    found = table.get("trained_pixel_mm")
    if found is None:
        return None
    least, greatest = PIXEL_MM
    expected = f"the least and the greatest pixel size, within {least:g} to {greatest:g} mm"
    ends = numbers(path, "trained_pixel_mm", found, expected)
    if len(ends) != 2 or not least <= ends[0] <= ends[1] <= greatest:
        raise wrong_entry(path, "trained_pixel_mm", found, expected)
    return ends[0], ends[1]


def _gain(path: Path, found: object) -> GainCurve | None:
    if found is None:
        return None
    table = check_is_table(path, "gain", found)
    severities, gains = (
        numbers(path, f"gain, {name}", table.get(name), "a list of finite numbers")
        for name in ("severity_mm", "gain")
    )
    try:
        return GainCurve(severities, gains)
    except McnetError as error:
        raise McnetError(f"{path}: {error}") from error


def _calibration(path: Path, found: object) -> Calibration | None:
    if found is None:
        return None
    table = dict(check_is_table(path, "calibration", found))
    limits = {
        name: number(path, f"calibration, {name}", table.pop(name, None), least=0.0)
        for name in ("still_below_mm", "in_distribution_below")
    }
    name = "z_low_middle_high"
    expected = f"three rising numbers within {_WIDEST_Z:g} of 0"
    bounds = numbers(path, f"calibration, {name}", table.pop(name, None), expected)
    rises = list(bounds) == sorted(bounds) and all(abs(one) <= _WIDEST_Z for one in bounds)
    if len(bounds) != 3 or not rises:
        raise wrong_entry(path, f"calibration, {name}", list(bounds), expected)
    return Calibration((bounds[0], bounds[1], bounds[2]), **limits, agreement=table)


def _seed(path: Path, found: object) -> int | None:
    if found is not None and (not isinstance(found, int) or isinstance(found, bool)):
        raise wrong_entry(path, "seed", found, "a whole number")
    return found
