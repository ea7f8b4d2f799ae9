"""The architectures of networks by name; names and settings are found without torch."""

import pkgutil
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from mcnet.core.errors import McnetError
from mcnet.core.settings import OneOf
from mcnet.networks.config import DEFAULT_ARCHITECTURE, NetworkConfig


@cache
def known_architectures() -> Mapping[str, type[NetworkConfig]]:
    """Settings of every architecture, by its name: one a file of `mcnet.networks.architectures`.

    >>> sorted(known_architectures())
    ['residual-cnn', 'unet']
    """
    for file in pkgutil.iter_modules([str(Path(__file__).with_name("architectures"))]):
        import_module(f"mcnet.networks.architectures.{file.name}")
    named = {_name(kind): kind for kind in NetworkConfig.__subclasses__()}
    return MappingProxyType(dict(sorted(named.items())))


def architecture(name: str) -> type[NetworkConfig]:
    """Settings of an architecture.

    Raises
    ------
    McnetError
        There is none of this name.
    """
    known = known_architectures()
    if name not in known:
        raise McnetError(
            f"network architecture {name!r} is unknown; choose from {', '.join(known)}."
        )
    return known[name]


Network = Annotated[
    NetworkConfig, OneOf("architecture", known_architectures, default=DEFAULT_ARCHITECTURE)
]
"""A network in settings: ``architecture`` chooses whose settings the table has."""


def _name(kind: type[NetworkConfig]) -> str:
    (found,) = (one.default for one in fields(kind) if one.name == "architecture")
    return str(found)
