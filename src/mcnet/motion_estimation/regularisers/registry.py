"""Regularisers by name: a module of this package that registers one is all that the next takes.

>>> sorted(regularisers())
['huber', 'structure-weighted-total-variation', 'total-variation']
"""

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import MappingProxyType

from mcnet.core.errors import McnetError
from mcnet.motion_estimation.regularisers.protocol import Regulariser, RegulariserInputs

Builder = Callable[[RegulariserInputs], Regulariser]
_BUILDERS: dict[str, Builder] = {}


def register(name: str) -> Callable[[Builder], Builder]:
    """Decorator of the function that builds a regulariser; settings name it so.

    Raises
    ------
    McnetError
        Another one has the name.
    """

    def add(builder: Builder) -> Builder:
        if name in _BUILDERS:
            raise McnetError(f"regulariser {name!r} is registered twice; give one another name.")
        _BUILDERS[name] = builder
        return builder

    return add


@cache
def regularisers() -> Mapping[str, Builder]:
    """Builders of all regularisers of this package by name."""
    package = __name__.rpartition(".")[0]
    for module in iter_modules([str(Path(__file__).parent)]):
        import_module(f"{package}.{module.name}")
    return MappingProxyType(_BUILDERS)


def build_regulariser(name: str, inputs: RegulariserInputs) -> Regulariser:
    """The regulariser of that name.

    Raises
    ------
    McnetError
        None has it.
    """
    known = regularisers()
    if name not in known:
        raise McnetError(
            f"regulariser {name!r} is unknown; give one of {', '.join(sorted(known))}."
        )
    return known[name](inputs)
