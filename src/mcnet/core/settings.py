"""Settings in TOML files: read into a dataclass, with a sentence on what is wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from pydantic import GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic_core import core_schema

from mcnet.core.documents import read_toml
from mcnet.core.errors import BadOptionError, McnetError
from mcnet.core.renamed import SETTINGS

Settings = TypeVar("Settings")
_MOST_SHOWN = 60
"""Characters of a wrong value that are shown."""


@dataclass(frozen=True)
class OneOf:
    """A table of settings that is of one of several kinds, which one of its own settings names.

    ``network: Annotated[NetworkConfig, OneOf("architecture", kinds, default="unet")]``
    """

    setting: str
    """Of the table, by which the kind is chosen."""
    kinds: Callable[[], Mapping[str, type]]
    """Gives the dataclass of each kind, all derived from the one that is annotated."""
    default: str
    """Kind of a table that names none."""

    def kind_of(self, table: Mapping[str, object], place: str) -> type:
        """Dataclass of a table.

        Raises
        ------
        McnetError
            It names a kind that there is not; ``place`` says where.
        """
        kinds, name = self.kinds(), table.get(self.setting, self.default)
        if not isinstance(name, str) or name not in kinds:
            raise McnetError(
                f"{place}{self.setting} is {_short(name)}; choose from {', '.join(kinds)}."
            )
        return kinds[name]

    def __get_pydantic_core_schema__(
        self,
        source: type,
        handler: GetCoreSchemaHandler,
    ) -> core_schema.CoreSchema:
        """How pydantic checks such a table."""
        return core_schema.tagged_union_schema(
            {name: handler.generate_schema(kind) for name, kind in self.kinds().items()},
            discriminator=self._name,
        )

    def _name(self, found: object) -> object:
        if isinstance(found, Mapping):
            return found.get(self.setting, self.default)
        return getattr(found, self.setting, None)


def read_settings(path: Path, kind: type[Settings]) -> Settings:
    """Dataclass of the kind, as a TOML file says; what it does not say has its default.

    Raises
    ------
    McnetError
        The file is missing, no TOML, or has an unknown key or an impossible value.
    """
    content = read_toml(path)
    _check_keys(content, kind, path)
    try:
        return TypeAdapter(kind).validate_python(content)
    except ValidationError as error:
        raise BadOptionError(f"{path}: {_first_complaint(error)}") from error


def kind_of(path: Path, kinds: Mapping[str, type]) -> str:
    """Name of the kind of settings in a TOML file, by the keys that no other kind has.

    Raises
    ------
    McnetError
        The file is missing, no TOML, or has keys of no kind or of several.
    """
    content = read_toml(path)
    known = {name: {item.name for item in fields(kind)} for name, kind in kinds.items()}
    common = set.intersection(*known.values())
    n_own = {name: len((keys - common) & content.keys()) for name, keys in known.items()}
    most = [name for name, number in n_own.items() if number == max(n_own.values())]
    if len(most) > 1:
        own = "; ".join(f"{name}: {', '.join(sorted(known[name] - common))}" for name in kinds)
        raise BadOptionError(
            f"{path} is neither {' nor '.join(kinds)} by its settings; give those of one of them "
            f"({own})."
        )
    return most[0]


def changed(settings: Settings, changes: Mapping[str, Any], place: str) -> Settings:
    """The same dataclass with some of its settings changed, checked as those of a file are.

    Raises
    ------
    McnetError
        A key is unknown, or a value impossible; ``place`` says where they stand.
    """
    kind = type(settings)
    _check_keys(changes, kind, place)
    kept = {item.name: getattr(settings, item.name) for item in fields(kind)}  # type: ignore[arg-type]
    try:
        return TypeAdapter(kind).validate_python(kept | dict(changes))
    except ValidationError as error:
        raise BadOptionError(f"{place}: {_first_complaint(error)}") from error


def _check_keys(
    content: Mapping[str, Any], config: type, path: Path | str, section: str = ""
) -> None:
    known = [item.name for item in fields(config)]
    hints = get_type_hints(config, include_extras=True)
    for key, value in content.items():
        if key not in known:
            if SETTINGS.get(key) in known:
                now = f"{section}{SETTINGS[key]}"
                raise BadOptionError(f"{path}: {section}{key} is now called {now}; rename it.")
            near = get_close_matches(key, known, n=1)
            remedy = f"did you mean {section}{near[0]}?" if near else f"known: {', '.join(known)}."
            raise BadOptionError(f"{path}: {section}{key} is no setting; {remedy}")
        one_of = _one_of(hints[key])
        if one_of and isinstance(value, Mapping):
            kind = one_of.kind_of(value, f"{path}: {section}{key}.")
            _check_keys(value, kind, path, f"{section}{key}.")
            continue
        if is_dataclass(hints[key]):
            _check_keys_within({f"{section}{key}.": value}, hints[key], path)
        for member in get_args(hints[key]):
            if not (is_dataclass(member) and isinstance(member, type)):
                continue
            if isinstance(value, Mapping):
                named = {f"{section}{key}.{name}.": item for name, item in value.items()}
                _check_keys_within(named, member, path)
            elif isinstance(value, list):
                for item in value:
                    _check_keys_within({f"{section}{key}.": item}, member, path)


def _one_of(hint: object) -> OneOf | None:
    """Kinds of an annotated table of settings; nothing where a setting is something else."""
    if get_origin(hint) is not Annotated:
        return None
    return next((one for one in get_args(hint) if isinstance(one, OneOf)), None)


def _check_keys_within(sections: Mapping[str, object], config: type, path: Path | str) -> None:
    """Refuse unknown keys of the sections that are tables; pydantic tells of the others."""
    for section, content in sections.items():
        if isinstance(content, Mapping):
            _check_keys(content, config, path, section)


def _first_complaint(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    if isinstance(first.get("ctx", {}).get("error"), McnetError):
        return f"{place + ': ' if place else ''}{first['ctx']['error']}"
    if first["type"] == "missing":
        return f"{place} is missing; add it to the file."
    expected = first["msg"].removeprefix("Input should be ").lower()
    if first["type"] in ("dataclass_type", "union_tag_not_found"):
        expected = f"a table of settings, [{place}]"
    return f"{place} is {_short(first['input'])}; expected {expected}: correct it in the file."


def _short(value: object) -> str:
    """What was found, in at most a line."""
    words = repr(value) if isinstance(value, str | float | bool | None) else ""
    if isinstance(value, int) and abs(value) < 10**_MOST_SHOWN:
        words = repr(value)
    if not words or len(words) > _MOST_SHOWN:
        kinds = {list: "a list", dict: "a table", str: "a long text", int: "a very large number"}
        return kinds.get(type(value), f"a value of type {type(value).__name__}")
    return words
