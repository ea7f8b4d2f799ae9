"""Old names in files: refused in settings, translated in results, stores and weights."""

from collections.abc import Iterable, Mapping
from typing import Any

SETTINGS: Mapping[str, str] = {
    "aside": "held_out",
    "people": "subjects",
    "scans_per_person": "scans_per_subject",
    "sees_undone": "search_difference",
}
"""Keys of TOML files, and what they are called now."""

TENSORS: Mapping[str, str] = {
    "usual.mean": "features.mean",
    "usual.precision": "features.precision",
}
"""Tensors in files of weights, and what they are called now."""

_WORDS: tuple[tuple[str, str], ...] = (
    ("n_persons", "n_subjects"),
    ("persons_", "subjects_"),
    ("people_split", "subjects_split"),
    ("people", "subjects"),
    ("person", "subject"),
    ("aside", "held_out"),
    ("share_of_distance_closed", "share_of_ssim_deficit_recovered"),
    ("_judged_still", "_estimated_still"),
    ("judged_still", "estimated_still"),
    ("turn_deg", "rotation_deg"),
    ("believed", "accepted"),
    ("sees_undone", "search_difference"),
    ("usual_below", "in_distribution_below"),
)
"""Columns and keys, or their beginnings and ends, in the order in which they are looked for."""


def new_name(name: str) -> str:
    """Return what a column or key of an earlier version is called now; others as they are.

    >>> new_name("person"), new_name("ssim_head_closed"), new_name("trace")
    ('subject', 'ssim_head_recovered', 'trace')
    """
    for old, new in _WORDS:
        whole = not old.startswith("_") and not old.endswith("_")
        if name == old:
            return new
        if not whole and old.startswith("_") and name.endswith(old):
            return name.removesuffix(old) + new
        if not whole and old.endswith("_") and name.startswith(old):
            return new + name.removeprefix(old)
    if name.startswith("ssim") and name.endswith("_closed"):
        return name.removesuffix("_closed") + "_recovered"
    return name


def new_names(names: Iterable[str]) -> dict[str, str]:
    """Old names with their new ones, for tables whose columns are to be renamed."""
    return {name: new_name(name) for name in names}


def with_new_names(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping whose keys, at its first level, have today's names; the order stays."""
    return {new_name(name): value for name, value in content.items()}


def all_with_new_names(content: Any) -> Any:
    """Return JSON content in which the keys of every level have today's names."""
    if isinstance(content, Mapping):
        return {new_name(str(name)): all_with_new_names(value) for name, value in content.items()}
    if isinstance(content, list):
        return [all_with_new_names(one) for one in content]
    return content
